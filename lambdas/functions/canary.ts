/** Checks from outside, on a schedule, whether people can sign in. It has no route, and may read only public keys. */
import { dynamoDb } from '../aws/index.ts';
import { canary } from '../handlers/canary.ts';
import { loadPublishedSet } from '../keys/index.ts';
import { startFunction } from '../start.ts';

const { settings } = startFunction('canary');
const client = dynamoDb();

export const handler = canary({
  baseUrl: settings.BASE_URL,
  issuer: settings.CIS2_ISSUER,
  clientId: settings.CIS2_CLIENT_ID,
  keySets: [
    { path: '/auth/jwks.json', load: () => loadPublishedSet(client, settings.PUBLISHED_KEYS_TABLE, 'cis2') },
    ...(settings.API_PLATFORM_KEYS === 'own'
      ? [
          {
            path: '/auth/jwks/api-platform.json',
            load: () => loadPublishedSet(client, settings.PUBLISHED_KEYS_TABLE, 'api-platform'),
          },
        ]
      : []),
  ],
  fetch: globalThis.fetch,
});
