/** Makes, rotates and takes in signing keys. Behind no route, and the only function that writes keys. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoDb, limits, secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { rotateSigningKeys, type ManagedRing } from '../handlers/rotate-signing-keys.ts';
import {
  createKeyMaker,
  createPublishedKeys,
  createVault,
  fetchJwks,
  signers,
  type Purpose,
} from '../keys/index.ts';
import { startFunction } from '../start.ts';
import { createMetrics } from '../telemetry/index.ts';

const { settings, log } = startFunction('rotate-signing-keys');
const secrets = secretsManager();
const database = dynamoDb();
/** KMS takes its time to make a key, and a second try would make a second one. */
const kmsOptions = {
  maxAttempts: 1,
  requestHandler: { ...limits.requestHandler, requestTimeout: 10_000 },
};

const ring = (
  purpose: Purpose,
  secretId: string,
  path: string,
  trustedBy: readonly Purpose[],
): ManagedRing => {
  const ringName = `${settings.KEY_RING_NAME}/${purpose}`;
  return {
    purpose,
    trustedBy,
    secretId,
    ringName,
    vault: createVault(secrets, secretId),
    published: createPublishedKeys(database, settings.PUBLISHED_KEYS_TABLE, purpose),
    keyMaker: createKeyMaker({
      custody: settings.KEY_CUSTODY,
      bits: settings.SIGNING_KEY_BITS,
      ringName,
      kmsOptions,
      clock,
    }),
    signerOf: signers({ kmsOptions: limits, clock }),
    fetchJwks: fetchJwks(`${settings.BASE_URL}${path}`),
    leadSeconds: settings.KEY_LEAD_SECONDS,
    clock,
    newVersionId: () => randomUUID(),
    wait: (seconds) => pause(seconds * 1_000),
  };
};

const ownSet = '/auth/jwks.json';
const rings =
  settings.API_PLATFORM_KEYS === 'own'
    ? [
        ring('cis2', settings.SIGNING_KEYS_SECRET, ownSet, ['cis2']),
        ring('api-platform', settings.API_PLATFORM_KEYS_SECRET, '/auth/jwks/api-platform.json', [
          'api-platform',
        ]),
      ]
    : [ring('cis2', settings.SIGNING_KEYS_SECRET, ownSet, ['cis2', 'api-platform'])];

export const handler = rotateSigningKeys({
  rings,
  respond: async (url, response) => {
    // CloudFormation's address is signed for an upload without a content type.
    const answer = await fetch(url, {
      method: 'PUT',
      body: JSON.stringify(response),
      headers: { 'content-type': '' },
    });
    if (!answer.ok) throw new Error(`CloudFormation answered ${String(answer.status)}`);
  },
  clock,
  log,
  metrics: createMetrics({ functionName: 'rotate-signing-keys' }),
});
