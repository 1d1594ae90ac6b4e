/** Makes, rotates and imports signing keys. It has no route, and is the only function that writes keys. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoDb, timeLimits, secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { rotateSigningKeys, type ManagedRing } from '../handlers/rotate-signing-keys.ts';
import { responseAddresses } from '../handlers/signing-key-events.ts';
import {
  createKeyMaker,
  createKeySecret,
  createPublishedKeys,
  fetchJwks,
  createSignerOf,
  type Purpose,
} from '../keys/index.ts';
import { startFunction } from '../start.ts';
import { createMetrics } from '../telemetry/index.ts';

const { settings, log } = startFunction('rotate-signing-keys');
const secrets = secretsManager(3);
const database = dynamoDb();
/** Making a key in KMS is slow, and a retry could make a second one. */
const kmsOptions = {
  maxAttempts: 1,
  requestHandler: { ...timeLimits.requestHandler, requestTimeout: 10_000 },
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
    keySecret: createKeySecret(secrets, secretId),
    published: createPublishedKeys(database, settings.PUBLISHED_KEYS_TABLE, purpose),
    keyMaker: createKeyMaker({
      storage: settings.KEY_CUSTODY,
      bits: settings.SIGNING_KEY_BITS,
      ringName,
      kmsOptions,
      clock,
    }),
    signerOf: createSignerOf({ kmsOptions: timeLimits, clock }),
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
  // A secret's ARN names the region, which is the function's own.
  isResponseAddress: responseAddresses(
    settings.CLOUDFORMATION_RESPONSE_ORIGIN,
    settings.SIGNING_KEYS_SECRET.split(':')[3] ?? '',
  ),
  respond: async (address, response) => {
    // CloudFormation's address is signed for an upload without a content type.
    const taken = await fetch(address, {
      method: 'PUT',
      body: JSON.stringify(response),
      headers: { 'content-type': '' },
      redirect: 'error',
    });
    if (!taken.ok) throw new Error(`CloudFormation answered ${String(taken.status)}`);
  },
  clock,
  log,
  metrics: createMetrics({ functionName: 'rotate-signing-keys', namespace: settings.METRICS_NAMESPACE }),
});
