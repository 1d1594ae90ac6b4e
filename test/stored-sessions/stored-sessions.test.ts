/** Sessions that earlier releases stored: an upgrade signs nobody out, or says that it does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EpochMilliseconds, EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createEventStore,
  createLogoutStore,
  createSessionStore,
  parseCredential,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { format } from '../../lambdas/session/items.ts';
import { EmbeddedTable } from '../races/embedded-table.ts';
import { identified, limits, sessionTable, tableName, worker } from '../unit/session-fixtures.ts';
import { fromFile, providerSessionOf, userOf } from './recorded.ts';

const recordings = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.json'))
  .map((name) => fromFile(readFileSync(join(import.meta.dirname, name), 'utf8')));

let client: DynamoDBClient;

test('the format that this release writes is among those recorded', () => {
  expect(recordings.map((recorded) => recorded.format)).toContain(format);
});

describe.each(recordings)('a session that $version stored, in format $format', (recorded) => {
  const credential = parseCredential(recorded.cookie) as SessionCredential;
  const oneMinuteLater = (recorded.signedInAt + 60) as EpochSeconds;
  const options = () => ({ ...identified, client, tableName, limits, clock: () => oneMinuteLater });

  beforeEach(async () => {
    ({ client } = new EmbeddedTable(sessionTable));
    for (const Item of recorded.items) await client.send(new PutItemCommand({ TableName: tableName, Item }));
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

  test('can be listened to, which changes nothing for whoever reads it', async () => {
    const store = createSessionStore(options());
    const before = await store.read(credential);
    expect(await createEventStore(options()).connect(credential, 'L0SM9cOFvHcCIhw=')).toBe(true);
    expect(await store.read(credential)).toEqual(before);
    expect(await store.extend(credential, undefined)).toMatchObject({ status: 'active' });
    expect(await store.end(credential, 'signed_out', undefined)).not.toBe(false);
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
