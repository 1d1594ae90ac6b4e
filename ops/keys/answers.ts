import { CouldNot } from '../errors.ts';
import { oneLine } from '../wording.ts';

/** What the function that keeps the signing keys answers. Every instant is RFC 3339. */

export type Place = 'previous' | 'current' | 'next';

export interface KeyView {
  readonly kid: string;
  readonly place: Place;
  readonly createdAt: string;
  /** Null: it has not signed yet. */
  readonly signingSince: string | null;
  /** Since when it has been in the published set without a gap; null: it is not there. */
  readonly publishedSince: string | null;
}

export interface LastRotation {
  readonly token: string;
  readonly at: string;
  readonly result: 'done' | 'failed';
  readonly code?: string;
}

export interface KeysStatus {
  readonly keys: readonly KeyView[];
  readonly nextRotationAt: string | null;
  readonly lastRotation: LastRotation | null;
  readonly publishedEqualsRing: boolean;
  readonly leadSeconds: number;
  readonly custody: string;
}

export interface KeysChange {
  readonly before: readonly KeyView[];
  readonly after: readonly KeyView[];
  readonly nextRotationAt: string | null;
  /** Sentences for a person. */
  readonly notices: readonly string[];
  /** When everybody has certainly seen the key that signs now. */
  readonly gapEndsAt?: string;
}

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unexpected = (): CouldNot =>
  new CouldNot(
    'unexpected_answer',
    'the function answered what this command does not know: are both of the same version?',
  );

const text = (value: unknown): string => {
  if (typeof value !== 'string' || value === '') throw unexpected();
  return value;
};
const textOrNull = (value: unknown): string | null => (value === null ? null : text(value));
const list = (value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw unexpected();
  return value;
};
const oneOf = <T extends string>(value: unknown, known: readonly T[]): T => {
  const found = known.find((candidate) => candidate === value);
  if (found === undefined) throw unexpected();
  return found;
};

/** Built of the members by name, so that nothing else of an answer is ever printed. */
function keyView(value: unknown): KeyView {
  if (!isObject(value)) throw unexpected();
  return {
    kid: text(value['kid']),
    place: oneOf(value['place'], ['previous', 'current', 'next']),
    createdAt: text(value['createdAt']),
    signingSince: textOrNull(value['signingSince']),
    publishedSince: textOrNull(value['publishedSince']),
  };
}

function lastRotation(value: unknown): LastRotation | null {
  if (value === null) return null;
  if (!isObject(value)) throw unexpected();
  return {
    token: text(value['token']),
    at: text(value['at']),
    result: oneOf(value['result'], ['done', 'failed']),
    ...(value['code'] === undefined ? {} : { code: text(value['code']) }),
  };
}

/**
 * @throws CouldNot with the function's own code when it refused, `unexpected_answer` when it is no answer at all
 */
function accepted(answer: unknown): Fields {
  if (!isObject(answer)) throw unexpected();
  if (answer['ok'] === false) throw new CouldNot(text(answer['code']), oneLine(text(answer['message'])));
  if (answer['ok'] !== true) throw unexpected();
  return answer;
}

/** @throws CouldNot as {@link readChange} */
export function readStatus(answer: unknown): KeysStatus {
  const fields = accepted(answer);
  const { publishedEqualsRing, leadSeconds } = fields;
  if (typeof publishedEqualsRing !== 'boolean' || typeof leadSeconds !== 'number') throw unexpected();
  return {
    keys: list(fields['keys']).map(keyView),
    nextRotationAt: textOrNull(fields['nextRotationAt']),
    lastRotation: lastRotation(fields['lastRotation']),
    publishedEqualsRing,
    leadSeconds,
    custody: text(fields['custody']),
  };
}

/** @throws CouldNot with the function's own code when it refused, `unexpected_answer` when it is no answer at all */
export function readChange(answer: unknown): KeysChange {
  const fields = accepted(answer);
  return {
    before: list(fields['before']).map(keyView),
    after: list(fields['after']).map(keyView),
    nextRotationAt: textOrNull(fields['nextRotationAt']),
    notices: list(fields['notices']).map((notice) => oneLine(text(notice))),
    ...(fields['gapEndsAt'] === undefined ? {} : { gapEndsAt: text(fields['gapEndsAt']) }),
  };
}
