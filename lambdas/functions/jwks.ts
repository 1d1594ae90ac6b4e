/** `GET /auth/jwks.json` and `GET /auth/jwks/api-platform.json`: may read only public keys. */
import { dynamoDb } from '../aws/index.ts';
import { jwks, noJwks } from '../handlers/jwks.ts';
import { httpFunction } from '../http/index.ts';
import { loadPublishedSet, type Purpose } from '../keys/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { siteOf } from '../wiring.ts';

const { settings, log } = startFunction('jwks');
const client = dynamoDb();
const load = (purpose: Purpose) => () => loadPublishedSet(client, settings.PUBLISHED_KEYS_TABLE, purpose);

await warmUp({ settings, log }, [load('cis2')]);

export const handler = httpFunction({
  name: 'jwks',
  handlers: {
    'GET /auth/jwks.json': jwks({ load: load('cis2') }),
    'GET /auth/jwks/api-platform.json':
      settings.API_PLATFORM_KEYS === 'own' ? jwks({ load: load('api-platform') }) : noJwks,
  },
  ...siteOf(settings, log),
});
