/** Run by the deployment: fills the empty signing-key secret. Behind no route, and the only function that writes keys. */
import { dynamoDb, secretsManager } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { createSigningKeys } from '../handlers/create-signing-keys.ts';
import { loadRing, publish, storeRing } from '../keys/index.ts';
import { startFunction } from '../start.ts';

const { settings, log } = startFunction('create-signing-keys');
const secrets = secretsManager();
const database = dynamoDb();

export const handler = createSigningKeys({
  loadRing: () => loadRing(secrets, settings.SIGNING_KEYS_SECRET),
  storeRing: (ring, token) => storeRing(secrets, settings.SIGNING_KEYS_SECRET, ring, token),
  publish: (ring) => publish(database, settings.PUBLISHED_KEYS_TABLE, ring),
  respond: async (url, response) => {
    // CloudFormation's address is signed for an upload without a content type.
    const answer = await fetch(url, {
      method: 'PUT',
      body: JSON.stringify(response),
      headers: { 'content-type': '' },
    });
    if (!answer.ok) throw new Error(`CloudFormation answered ${String(answer.status)}`);
  },
  bits: settings.SIGNING_KEY_BITS,
  clock,
  log,
});
