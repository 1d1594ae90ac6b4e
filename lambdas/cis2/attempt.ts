/**
 * One attempt to sign in, stored only in the browser: all its data comes back in `state`, sealed under a secret that only
 * this browser's sign-in cookie holds; `nonce` and the PKCE verifier are derived from that secret and
 * the attempt's id. So nothing is written for a visitor who has not signed in, any number of tabs work at once, and a
 * callback is worthless in another browser (RFC 9700 sections 2.1.1 and 4.7).
 */
import {
  asEpochMilliseconds,
  decodeBase64Url,
  deriveKey,
  open,
  parseJson,
  randomSecret,
  seal,
  type EpochMilliseconds,
  type Secret,
} from '../common/index.ts';

/** A sign-in left unfinished for this long is void, in seconds. */
export const attemptLifetimeSeconds = 600;

/** Two instances' clocks may differ by this much, in seconds. */
const instanceClockSkewSeconds = 5;

const format = 1;
const stateContext = `sign-in state|${String(format)}`;

/** The data of an attempt. The owner of the browser could change it, so all of it is checked again. */
export interface SignInAttempt {
  readonly id: string;
  readonly startedAt: EpochMilliseconds;
  /** Where to land, as a path on our origin. */
  readonly returnTo: string;
  /** The authentication assurance level this attempt asked for beyond what is configured; 0 for none. */
  readonly requiredAal: number;
  /**
   * Whether the person must have authenticated since the attempt began. A user who forges their own
   * state can only remove this, and gains nothing: a route that needs presence checks the time of authentication of CIS2.
   */
  readonly presenceDemanded: boolean;
  /** Names the session that a successful sign-in replaces: two hashes separated by a dot, opaque here. */
  readonly replaces: string | null;
}

export const newAttempt = (attempt: Omit<SignInAttempt, 'id'>): SignInAttempt => ({
  id: randomSecret(16).expose().toString('base64url'),
  ...attempt,
});

/** The `state` parameter: unreadable to CIS2, unusable in another browser. */
export function sealState(browserSecret: Secret<Buffer>, attempt: SignInAttempt): string {
  const { id, startedAt, returnTo, requiredAal, replaces, presenceDemanded } = attempt;
  const plain = Buffer.from(
    JSON.stringify([id, startedAt, returnTo, requiredAal, replaces, presenceDemanded]),
  );
  return seal(deriveKey(browserSecret, 'state'), stateContext, plain).toString('base64url');
}

/** Opens a `state`; undefined when it was altered, is another browser's, is too old or from the future. */
export function openState(
  browserSecret: Secret<Buffer>,
  state: string,
  now: EpochMilliseconds,
): SignInAttempt | undefined {
  // Canonical text only: the unused bits of the last character could be altered otherwise.
  const sealed = decodeBase64Url(state, Math.floor((state.length * 3) / 4));
  if (sealed === undefined) return undefined;
  const plain = open(deriveKey(browserSecret, 'state'), stateContext, sealed);
  if (plain === undefined) return undefined;
  return readAttempt(plain.toString(), now);
}

function readAttempt(text: string, now: EpochMilliseconds): SignInAttempt | undefined {
  const value = parseJson(text);
  if (!Array.isArray(value)) return undefined;
  const [id, startedAtNumber, returnTo, requiredAal, replaces, presenceDemanded] = value as unknown[];
  const startedAt = asEpochMilliseconds(startedAtNumber);
  if (typeof id !== 'string' || !/^[A-Za-z0-9_-]{22}$/.test(id)) return undefined;
  if (startedAt === undefined || startedAt > now + instanceClockSkewSeconds * 1_000) return undefined;
  if (now >= startedAt + attemptLifetimeSeconds * 1_000) return undefined;
  if (typeof returnTo !== 'string') return undefined;
  if (typeof requiredAal !== 'number' || ![0, 1, 2, 3].includes(requiredAal)) return undefined;
  if (
    replaces !== null &&
    (typeof replaces !== 'string' || !/^[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$/.test(replaces))
  ) {
    return undefined;
  }
  if (typeof presenceDemanded !== 'boolean') return undefined;
  return { id, startedAt, returnTo, requiredAal, replaces, presenceDemanded };
}

/** The `nonce` CIS2 must echo in the ID token. */
export const nonceOf = (browserSecret: Secret<Buffer>, attemptId: string): string =>
  deriveKey(browserSecret, 'nonce', attemptId).expose().toString('base64url');

/** The PKCE verifier (RFC 7636 section 4.1): 43 characters, 256 bits. */
export const codeVerifierOf = (browserSecret: Secret<Buffer>, attemptId: string): string =>
  deriveKey(browserSecret, 'code verifier', attemptId).expose().toString('base64url');
