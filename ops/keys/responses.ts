/** The responses of the functions that show and change the signing keys. Every instant is RFC 3339. */
import { CouldNot } from '../errors.ts';
import { oneLine } from '../wording.ts';

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Read<T> = (value: unknown) => T;

const unexpected = (): CouldNot =>
  new CouldNot(
    'unexpected_answer',
    'the function answered what this command does not know: are both of the same version?',
  );
const checked =
  <T>(isValid: (value: unknown) => value is T): Read<T> =>
  (value) => {
    if (!isValid(value)) throw unexpected();
    return value;
  };

const text = checked((value): value is string => typeof value === 'string' && value !== '');
const number = checked((value): value is number => typeof value === 'number');
const flag = checked((value): value is boolean => typeof value === 'boolean');
const array = checked((value): value is unknown[] => Array.isArray(value));
const oneOf = <T extends string>(...known: T[]): Read<T> =>
  checked((value): value is T => known.some((candidate) => candidate === value));
const listOf =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value) =>
    array(value).map(read);
const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value) =>
    value === null ? null : read(value);
const optional =
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
/** Built of the members by name, so that nothing else of a response is ever printed. */
const object =
  <R extends Readers>(readers: R): Read<Members<R>> =>
  (value) => {
    if (!isObject(value)) throw unexpected();
    const members = Object.entries(readers).map(([name, read]) => [name, read(value[name])] as const);
    return Object.fromEntries(members.filter(([, member]) => member !== undefined)) as Members<R>;
  };

const keyView = object({
  kid: text,
  place: oneOf('previous', 'current', 'next'),
  createdAt: text,
  /** Null: it has not signed yet. */
  signingSince: orNull(text),
  /** Since when it has been in the published set without a gap; null: it is not there. */
  publishedSince: orNull(text),
});
export type KeyView = ReturnType<typeof keyView>;

const lastRotation = object({ token: text, at: text, result: oneOf('done', 'failed'), code: optional(text) });
export type LastRotation = ReturnType<typeof lastRotation>;

const keysStatus = object({
  keys: listOf(keyView),
  nextRotationAt: orNull(text),
  lastRotation: orNull(lastRotation),
  publishedEqualsRing: flag,
  leadSeconds: number,
  custody: text,
});
export type KeysStatus = ReturnType<typeof keysStatus>;

const keysChange = object({
  before: listOf(keyView),
  after: listOf(keyView),
  nextRotationAt: orNull(text),
  /** Sentences for a person. */
  notices: listOf((notice) => oneLine(text(notice))),
  /** When everybody has certainly seen the key that signs now. */
  gapEndsAt: optional(text),
});
export type KeysChange = ReturnType<typeof keysChange>;

/** @throws CouldNot with the function's own code when it refused, `unexpected_answer` when it is no such response */
const accepted =
  <T>(read: Read<T>): Read<T> =>
  (response) => {
    const { ok, code, message } = isObject(response) ? response : {};
    if (ok === false) throw new CouldNot(text(code), oneLine(text(message)));
    if (ok !== true) throw unexpected();
    return read(response);
  };
export const readStatus = accepted(keysStatus);
export const readChange = accepted(keysChange);
