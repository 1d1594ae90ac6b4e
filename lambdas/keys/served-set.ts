/** The published set as it is served at its public address. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { after, isObject, readBounded } from '../common/index.ts';
import { ChangeRefused } from './errors.ts';
import type { KeyManagerPorts } from './key-change.ts';
import type { PublishedKeys } from './published-keys.ts';
import { signingAlgorithm, type RingKey } from './ring.ts';

/** Reads the served set as CIS2 does. @throws ChangeRefused when there is no response, or it is not JSON */
export type FetchJwks = (signal: AbortSignal) => Promise<unknown>;

/** Three keys of 4,096 bits are 3 KB. */
const maxKeySetBytes = 64 * 1024;

/** Each read has its own connection: an idle one may have been closed between two steps of a rotation. */
const get = (url: string, signal: AbortSignal): Promise<Response> =>
  fetch(url, { redirect: 'error', signal, headers: { connection: 'close' } });

/** Follows no redirect, accepts only JSON, and retries once when the connection was lost before a response. */
export const fetchJwks =
  (url: string): FetchJwks =>
  async (signal) => {
    try {
      const response = await get(url, signal).catch(() => get(url, signal));
      if (response.status !== 200) {
        await response.body?.cancel();
        throw unreachable(`answered ${String(response.status)}`);
      }
      const body = await readBounded(response.body ?? new Blob([]).stream(), maxKeySetBytes);
      return JSON.parse(body.toString()) as unknown;
    } catch (cause) {
      throw cause instanceof ChangeRefused ? cause : unreachable('gave no usable answer', cause);
    }
  };

const unreachable = (what: string, cause?: unknown): ChangeRefused =>
  new ChangeRefused('published_set_unreachable', `The address that serves our published keys ${what}.`, {
    cause,
  });

const pollSeconds = 5;
const maxFetchMs = 5_000;

type Ports = Pick<KeyManagerPorts, 'published' | 'fetchJwks' | 'signerOf' | 'clock' | 'wait'>;

/**
 * Verifies that keys are served, and what the first of them signs.
 *
 * @param keys - the key that is to sign, and others that must be served with it
 * @param waitSeconds - how long to wait for them to be served
 * @throws ChangeRefused `published_set_unreachable`, `published_set_incomplete`, `published_set_unsafe`,
 *   `signature_unverified`; `busy` when another change has taken a key out of the published set
 * @throws KeysUnavailable when the key cannot be used
 */
export async function verifyServed(
  ports: Ports,
  keys: readonly [RingKey, ...RingKey[]],
  waitSeconds: number,
): Promise<void> {
  const set = await servedSet(ports, keys, waitSeconds);
  const signer = await ports.signerOf(keys[0]);
  const audience = 'urn:cis2-bff:rotation-test';
  const signed = await signer.sign({ clientId: 'cis2-bff', audience, lifetimeSeconds: 60 });
  const currentDate = new Date(ports.clock() * 1000);
  try {
    await jwtVerify(signed, createLocalJWKSet(set), {
      algorithms: [signingAlgorithm],
      audience,
      currentDate,
    });
  } catch (cause) {
    throw new ChangeRefused(
      'signature_unverified',
      'The served set does not verify the signature of the key that is to sign.',
      { cause },
    );
  }
}

async function servedSet(
  ports: Ports,
  keys: readonly RingKey[],
  waitSeconds: number,
): Promise<JSONWebKeySet> {
  const until = after(ports.clock(), waitSeconds);
  for (let tries = 1; ; tries += 1) {
    try {
      const set = await ports.fetchJwks(AbortSignal.timeout(maxFetchMs));
      requireKeys(set, keys);
      return set;
    } catch (error) {
      const isFinal = !(error instanceof ChangeRefused) || error.code === 'published_set_unsafe';
      if (isFinal || tries > waitSeconds / pollSeconds || ports.clock() >= until) throw error;
    }
    await requirePublished(ports.published, keys);
    await ports.wait(pollSeconds);
  }
}

/** A key that is no longer published will never be served, so waiting is useless. */
async function requirePublished(published: PublishedKeys, keys: readonly RingKey[]): Promise<void> {
  const { record } = await published.read();
  if (keys.every(({ kid }) => record?.keys.some((key) => key.kid === kid))) return;
  throw new ChangeRefused(
    'busy',
    'Another change of the keys was first, and these keys are not published any more. Check the keys, and try again.',
  );
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

function requireKeys(set: unknown, keys: readonly RingKey[]): asserts set is JSONWebKeySet {
  if (!isObject(set) || !Array.isArray(set['keys'])) {
    throw unreachable('gave something that is not a JWK Set');
  }
  const served = set['keys'].filter(isObject);
  if (served.some((key) => privateMembers.some((member) => Object.hasOwn(key, member)))) {
    throw new ChangeRefused(
      'published_set_unsafe',
      'A key is served with a private member. Treat it as compromised.',
    );
  }
  const missing = keys.filter(
    ({ kid, publicJwk: { n, e } }) =>
      !served.some((key) => key['kid'] === kid && key['n'] === n && key['e'] === e),
  );
  if (missing.length > 0) {
    throw new ChangeRefused(
      'published_set_incomplete',
      `The set of keys that is served lacks ${missing.map(({ kid }) => kid).join(', ')}.`,
    );
  }
}
