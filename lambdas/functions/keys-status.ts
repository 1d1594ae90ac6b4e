/** Shows operators the state of the signing keys. It has no route, and no right to read or change a key. */
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoDb, secretsManager } from '../aws/index.ts';
import { keysStatus } from '../handlers/keys-status.ts';
import { createKeySecret, createPublishedKeys, type Purpose, type StatusPorts } from '../keys/index.ts';
import { startFunction } from '../start.ts';

const { settings, log } = startFunction('keys-status');
const secrets = secretsManager();
const database = dynamoDb();

const ring = (purpose: Purpose, secretId: string): StatusPorts => ({
  purpose,
  keySecret: createKeySecret(secrets, secretId),
  published: createPublishedKeys(database, settings.PUBLISHED_KEYS_TABLE, purpose),
  leadSeconds: settings.KEY_LEAD_SECONDS,
  storage: settings.KEY_CUSTODY,
  wait: (seconds) => pause(seconds * 1_000),
});

export const handler = keysStatus({
  rings: [
    ring('cis2', settings.SIGNING_KEYS_SECRET),
    ...(settings.API_PLATFORM_KEYS === 'own'
      ? [ring('api-platform', settings.API_PLATFORM_KEYS_SECRET)]
      : []),
  ],
  log,
});
