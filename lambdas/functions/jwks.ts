/** `GET /auth/jwks.json`: may read public keys and nothing else. */
import { dynamoDb } from '../aws/index.ts';
import { jwks } from '../handlers/jwks.ts';
import { httpFunction } from '../http/index.ts';
import { loadPublishedSet } from '../keys/index.ts';
import { startFunction, warmUp } from '../start.ts';

const { settings, log } = startFunction('jwks');
const client = dynamoDb();
const load = () => loadPublishedSet(client, settings.PUBLISHED_KEYS_TABLE);

await warmUp({ settings, log }, [load]);

export const handler = httpFunction({
  name: 'jwks',
  handlers: { 'GET /auth/jwks.json': jwks({ load }) },
  baseUrl: settings.BASE_URL,
  log,
});
