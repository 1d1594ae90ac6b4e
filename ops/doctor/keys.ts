import { CommandFailed } from '../errors.ts';
import type { KeysStatus } from '../keys/responses.ts';
import type { KeyService } from '../keys/service.ts';
import { isObject } from '../../lambdas/common/json.ts';
import { age } from '../wording.ts';
import { Fault } from './check.ts';
import { ask, jsonOf } from './http.ts';

/** @param publishAgain - what to do where the record of what is published is lost */
export async function readRing(keys: KeyService, publishAgain: string): Promise<KeysStatus> {
  try {
    return await keys.status();
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.code !== 'keys_unavailable') throw error;
    throw new Fault(
      'the ring of keys cannot be read: the record of what is published may be lost',
      publishAgain,
    );
  }
}

/**
 * The set that is served, by itself.
 *
 * @param publishAgain - what to do where nothing is published
 */
export async function requireKeySet(
  url: string,
  publishAgain: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const response = await ask({ name: 'our key set' }, url);
  const set = jsonOf(response);
  const keys = isObject(set) && Array.isArray(set['keys']) ? (set['keys'] as unknown[]).filter(isObject) : [];
  if (response.status !== 200 || keys.length === 0) {
    throw new Fault(
      `our key set (JWKS) at ${url} is answered ${String(response.status)}, with no key in it`,
      `Without it CIS2 cannot check our signatures, and nobody can sign in. ${publishAgain} If that does not help, see the log of the function jwks, and whether something before it answers.`,
    );
  }
  if (keys.some((key) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((member) => member in key))) {
    throw new Fault(
      'our key set (JWKS) shows a private key',
      'Follow docs/operations/suspected-key-compromise.md now: keys promote withdraws the key.',
    );
  }
  return keys;
}

/** The set that is served, against the ring. */
export function checkJwks(
  keys: Awaited<ReturnType<typeof requireKeySet>>,
  { keys: ring }: KeysStatus,
): string {
  const served = keys.map((key) => String(key['kid'])).sort();
  const wanted = ring.map(({ kid }) => kid).sort();
  if (JSON.stringify(served) !== JSON.stringify(wanted)) {
    const lacking = wanted.filter((kid) => !served.includes(kid));
    const foreign = served.filter((kid) => !wanted.includes(kid));
    throw new Fault(
      `our key set (JWKS) does not match the ring: ${[
        ...lacking.map((kid) => `${kid} is missing`),
        ...foreign.map((kid) => `${kid} does not belong there`),
      ].join(', ')}`,
      'rotate-signing-keys corrects what is published within the hour; a copy at the edge expires after a minute. If it stays, check whether something else serves that address.',
    );
  }
  return `${String(keys.length)} keys, those of the ring`;
}

/** A rotation takes some minutes, and does not start to the second. */
const graceMs = 3_600_000;

export function checkRing(status: KeysStatus, now: number): string {
  const { nextRotationAt, lastRotation, publishedEqualsRing } = status;
  if (lastRotation?.result === 'failed') {
    throw new Fault(
      `the last rotation of the keys failed (${lastRotation.code ?? 'no code'})`,
      'See the log of rotate-signing-keys, and docs/operations/rotation-failed.md.',
    );
  }
  if (nextRotationAt === null) {
    throw new Fault(
      'no rotation of the keys is planned',
      'The stateless stack has the schedule: deploy it again.',
    );
  }
  if (Date.parse(nextRotationAt) + graceMs < now) {
    throw new Fault(
      `the rotation of the keys is overdue: it was due ${age(nextRotationAt, now)}`,
      'See the log of rotate-signing-keys, then run keys rotate.',
    );
  }
  if (!publishedEqualsRing) {
    throw new Fault(
      'what is published is not the ring of keys',
      'rotate-signing-keys corrects it within the hour; if it stays, see its log.',
    );
  }
  return `the next rotation is due ${age(nextRotationAt, now)}`;
}
