import type { KeysStatus } from '../keys/responses.ts';
import { isObject } from '../responses.ts';
import { age } from '../wording.ts';
import { Fault } from './check.ts';
import { ask, jsonOf } from './http.ts';

/** The set that is served, against the ring. */
export async function checkJwks(url: string, { keys: ring }: KeysStatus): Promise<string> {
  const response = await ask('our key set', url);
  const set = jsonOf(response);
  const keys = isObject(set) && Array.isArray(set['keys']) ? (set['keys'] as unknown[]).filter(isObject) : [];
  if (response.status !== 200 || keys.length === 0) {
    throw new Fault(
      `our key set (JWKS) at ${url} is answered ${String(response.status)}, with no key in it`,
      'CIS2 cannot check who we are without it: look at the log of the function jwks, and whether something before it answers.',
    );
  }
  if (keys.some((key) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].some((member) => member in key))) {
    throw new Fault(
      'our key set (JWKS) shows a private key',
      'Follow the runbook “suspected key compromise” now: keys promote withdraws the key.',
    );
  }
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
      'rotate-signing-keys puts what is published right within the hour; a copy at the edge goes after a minute. If it stays, look whether something else serves that address.',
    );
  }
  return `${String(keys.length)} keys, those of the ring`;
}

/** A rotation takes some minutes, and is not made to the second. */
const graceMs = 3_600_000;

export function checkRing(status: KeysStatus, now: number): string {
  const { nextRotationAt, lastRotation, publishedEqualsRing } = status;
  if (lastRotation?.result === 'failed') {
    throw new Fault(
      `the last rotation of the keys failed (${lastRotation.code ?? 'no code'})`,
      'See the log of rotate-signing-keys, and the runbook “a rotation failed”.',
    );
  }
  if (nextRotationAt === null) {
    throw new Fault(
      'no rotation of the keys is planned',
      'Its schedule comes with the stateless stack: deploy it again.',
    );
  }
  if (Date.parse(nextRotationAt) + graceMs < now) {
    throw new Fault(
      `the rotation of the keys is overdue: it was due ${age(nextRotationAt, now)}`,
      'See the log of rotate-signing-keys, then try keys rotate.',
    );
  }
  if (!publishedEqualsRing) {
    throw new Fault(
      'what is published is not the ring of keys',
      'rotate-signing-keys puts it right within the hour; if it stays, see its log.',
    );
  }
  return `the next rotation is due ${age(nextRotationAt, now)}`;
}
