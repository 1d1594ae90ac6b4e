/** Reads a function's response: its refusal, or the members that a command knows and no others. */
import { isObject } from '../lambdas/common/json.ts';
import { CommandFailed } from './errors.ts';
import { oneLine } from './wording.ts';

export type Read<T> = (value: unknown) => T;

const unexpected = (): CommandFailed =>
  new CommandFailed(
    'unexpected_answer',
    'the function’s response is not known to this command: check that both have the same version',
  );
const checked =
  <T>(isValid: (value: unknown) => value is T): Read<T> =>
  (value) => {
    if (!isValid(value)) throw unexpected();
    return value;
  };

export const text = checked((value): value is string => typeof value === 'string' && value !== '');
export const number = checked((value): value is number => typeof value === 'number');
export const flag = checked((value): value is boolean => typeof value === 'boolean');
const array = checked((value): value is unknown[] => Array.isArray(value));
export const oneOf = <T extends string>(...known: T[]): Read<T> =>
  checked((value): value is T => known.some((candidate) => candidate === value));
export const listOf =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value) =>
    array(value).map(read);
export const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value) =>
    value === null ? null : read(value);
export const optional =
  <T>(read: Read<T>): Read<T | undefined> =>
  (value) =>
    value === undefined ? undefined : read(value);

type Readers = Record<string, Read<unknown>>;
type Optional<R extends Readers> = {
  [Name in keyof R]: undefined extends ReturnType<R[Name]> ? Name : never;
}[keyof R];
type Members<R extends Readers> = {
  readonly [Name in Exclude<keyof R, Optional<R>>]: ReturnType<R[Name]>;
} & {
  readonly [Name in Optional<R>]?: Exclude<ReturnType<R[Name]>, undefined>;
};
/** Has only the members named, so that nothing else of a response is ever printed. */
export const object =
  <R extends Readers>(readers: R): Read<Members<R>> =>
  (value) => {
    if (!isObject(value)) throw unexpected();
    const members = Object.entries(readers).map(([name, read]) => [name, read(value[name])] as const);
    return Object.fromEntries(members.filter(([, member]) => member !== undefined)) as Members<R>;
  };

/** @throws CommandFailed with the function's own code when it refused, `unexpected_answer` when the response is not known */
export const accepted =
  <T>(read: Read<T>): Read<T> =>
  (response) => {
    const { ok, code, message } = isObject(response) ? response : {};
    if (ok === false) throw new CommandFailed(text(code), oneLine(text(message)));
    if (ok !== true) throw unexpected();
    return read(response);
  };
