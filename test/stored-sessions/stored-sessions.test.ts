/** Sessions that earlier releases stored: an upgrade signs nobody out, or says that it does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { EpochMilliseconds, EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createLogoutStore,
  createSessionStore,
  parseCredential,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { format } from '../../lambdas/session/items.ts';
import { createTables, startDynamoDb } from '../../local/aws/dynamodb.ts';
import { identified, limits, sessionTable, table, worker } from '../unit/session-fixtures.ts';
import { fromFile, providerSessionOf, userOf } from './recorded.ts';

const recordings = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name) => fromFile(readFileSync(join(import.meta.dirname, name), 'utf8')));

let dynamodb: Awaited<ReturnType<typeof startDynamoDb>>;
let client: DynamoDBClient;

beforeAll(async () => {
  dynamodb = await startDynamoDb();
  await createTables(dynamodb.url, 'eu-west-2', [sessionTable]);
  client = new DynamoDBClient({
    endpoint: dynamodb.url,
    region: 'eu-west-2',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(() => {
  client.destroy();
  dynamodb.close();
});

test('the format that this release writes is among those recorded', () => {
  expect(recordings.map((recorded) => recorded.format)).toContain(format);
});

describe.each(recordings)('a session that $version stored, in format $format', (recorded) => {
  const credential = parseCredential(recorded.cookie) as SessionCredential;
  const oneMinuteLater = (recorded.signedInAt + 60) as EpochSeconds;
  const options = () => ({ ...identified, client, table, limits, clock: () => oneMinuteLater });

  beforeEach(async () => {
    const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
    for (const { pk, sk } of Items) {
      await client.send(new DeleteItemCommand({ TableName: table, Key: { pk: pk!, sk: sk! } }));
    }
    for (const Item of recorded.items) await client.send(new PutItemCommand({ TableName: table, Item }));
  });

  test('is open to its cookie, with the person, their roles and the chosen one', async () => {
    expect(await createSessionStore(options()).read(credential)).toMatchObject({
      status: 'active',
      session: { worker, role: worker.roles[0] },
    });
  });

  test('can be extended', async () => {
    const store = createSessionStore(options());
    expect(await store.extend(credential, undefined)).toMatchObject({ status: 'active' });
  });

  test('is on the list of its person’s sessions', async () => {
    const { sessions } = (await createSessionStore(options()).list(credential)) as { sessions?: unknown[] };
    expect(sessions).toHaveLength(1);
  });

  test('ends when CIS2 says so', async () => {
    const logout = {
      tokenId: ['a-token'],
      user: userOf(worker),
      providerSession: providerSessionOf(worker),
      arrivedAt: (oneMinuteLater * 1_000) as EpochMilliseconds,
    };
    const { ended } = await createLogoutStore(options()).logOut(logout, new AbortController().signal);
    expect(ended).toBe(1);
    expect(await createSessionStore(options()).read(credential)).toMatchObject({
      status: 'ended',
      reason: 'provider_logout',
    });
  });
});
