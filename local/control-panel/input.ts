/** What the commands of a simulator's control panel read from their input. */
import type { IncomingHttpHeaders } from 'node:http';
import { isObject, parseJson } from '../../lambdas/common/json.ts';

/** A command that cannot be carried out. The message is for whoever gave it. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly code = 'command_refused';
}

/** What a command takes: JSON members, or the fields of a form, where a number is its digits. */
export type CommandInput = Readonly<Record<string, unknown>>;

export const refuse = (message: string): never => {
  throw new CommandRefused(message);
};

/** An empty field of a form is one that was not filled in. */
export const given = (input: CommandInput, name: string): unknown =>
  input[name] === '' ? undefined : input[name];

export function readText(input: CommandInput, name: string): string | undefined {
  const value = given(input, name);
  return value === undefined || typeof value === 'string' ? value : refuse(`${name} must be a string.`);
}

export function readWhole(input: CommandInput, name: string, min: number, max: number): number | undefined {
  const value = given(input, name);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,9}$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
    ? number
    : refuse(`${name} must be a whole number from ${String(min)} to ${String(max)}.`);
}

export function readFlag(input: CommandInput, name: string): boolean | undefined {
  const value = given(input, name);
  if (value === undefined) return undefined;
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : refuse(`${name} must be true or false.`);
}

export function readChoice<Choice extends string>(
  input: CommandInput,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = given(input, name);
  if (value === undefined) return undefined;
  return choices.find((known) => known === value) ?? refuse(`${name} must be one of ${choices.join(', ')}.`);
}

export const required = <T>(value: T | undefined, name: string): T => value ?? refuse(`${name} is missing.`);

/** The body of a call as a program sends it. */
export function readJson(body: string, headers: IncomingHttpHeaders): CommandInput {
  if (body === '') return {};
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return refuse('The body must be application/json.');
  }
  const value = parseJson(body);
  if (value === undefined) return refuse('The body is not JSON.');
  return isObject(value) ? value : refuse('The body must be a JSON object.');
}

/** For how long an effect lasts, in words: for so many of something, or without end. */
export const lasting = (count: number | null | undefined, one: string): string => {
  if (count === undefined || count === null) return 'until it is switched off';
  return count === 1 ? `for the next ${one}` : `for the next ${String(count)} ${one}s`;
};
