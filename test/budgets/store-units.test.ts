/**
 * What the sessions cost in DynamoDB's units, counted at the embedded store. The cost model takes these numbers.
 *
 * A write costs a unit for each begun kilobyte of the larger of the item before and after it, twice that in a transaction; a
 * consistent read costs a unit for each begun four kilobytes of all that it read.
 */
import { beforeEach, expect, test } from '@jest/globals';
import { GetItemCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Secret, type EpochSeconds, type SignInTokens } from '../../lambdas/common/index.ts';
import {
  createEventStore,
  createProxyStore,
  createSessionStore,
  createSignInStore,
  type ProxySession,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { defaults } from '../../tools/cost/model.ts';
import { EmbeddedTable, operationOf, type Command } from '../races/embedded-table.ts';
import { providerSessionOf, userOf } from '../stored-sessions/recorded.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn as makeSession,
  signInTokens,
  start,
  tableName,
  worker,
} from '../unit/session-fixtures.ts';

type Item = Record<string, AttributeValue>;

/** The bytes of a value, by DynamoDB's rules. */
function bytesOf({ S, N, B, BOOL, NULL, L, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.replace(/\D/g, '').length / 2) + 1;
  if (B !== undefined) return B.length;
  if (BOOL !== undefined || NULL !== undefined) return 1;
  if (L !== undefined) return L.reduce((sum, value) => sum + bytesOf(value) + 1, 3);
  return Object.keys(M ?? {}).length + 3 + itemBytes(M ?? {});
}
const itemBytes = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + bytesOf(value), 0);
const units = (bytes: number, unit: number): number => Math.max(1, Math.ceil(bytes / unit));

const counted = { read: 0, write: 0 };

const keyOf = ({ pk, sk }: Item): Item => ({ pk: pk ?? { S: '' }, sk: sk ?? { S: '' } });

/** The same table, whose calls are counted. */
function counting(inner: DynamoDBClient): DynamoDBClient {
  const item = async (Key: Item): Promise<Item> =>
    (await inner.send(new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item ?? {};
  const send = async (command: Command): Promise<unknown> => {
    const {
      Key,
      Item: put,
      TransactItems: parts = [],
    } = command.input as {
      readonly Key?: Item;
      readonly Item?: Item;
      readonly TransactItems?: readonly Record<string, { readonly Key: Item }>[];
    };
    const isWrite = !/^(?:Get|BatchGet|Query|Scan)/.test(operationOf(command));
    const written = [Key, put, ...parts.flatMap((part) => Object.values(part)).map((one) => one.Key)];
    const keys = isWrite ? written.flatMap((given) => (given === undefined ? [] : [keyOf(given)])) : [];
    const before = await Promise.all(keys.map(item));
    const response = (await inner.send(command as never)) as { Item?: Item; Items?: Item[] };
    const after = await Promise.all(keys.map(item));
    const times = parts.length > 0 ? 2 : 1;
    before.forEach((was, index) => {
      counted.write += times * units(Math.max(itemBytes(was), itemBytes(after[index] ?? {})), 1_024);
    });
    if (!isWrite) {
      const read = [...(response.Items ?? []), ...(response.Item === undefined ? [] : [response.Item])];
      counted.read += units(
        read.reduce((sum, one) => sum + itemBytes(one), 0),
        4_096,
      );
    }
    return response;
  };
  return { send } as unknown as DynamoDBClient;
}

/** As long as CIS2's: an ID token with every claim that was seen, and an access token that is a JWT of its own. */
const tokens: SignInTokens = {
  ...signInTokens,
  idToken: new Secret('i'.repeat(1_950)),
  accessToken: new Secret('a'.repeat(1_100)),
};

let now = start;
let attempts = 0;
let options: Parameters<typeof createSignInStore>[0] & { readonly callsPerWindow: number };

beforeEach(() => {
  now = start;
  const { client } = new EmbeddedTable(sessionTable);
  const clock = () => now as EpochSeconds;
  options = { ...identified, client: counting(client), tableName, limits, clock, callsPerWindow: 250 };
});

async function unitsOf(work: () => Promise<unknown>): Promise<{ read: number; write: number }> {
  Object.assign(counted, { read: 0, write: 0 });
  await work();
  return { ...counted };
}

const signIn = async (): Promise<SessionCredential> => {
  const store = createSignInStore(options);
  await store.spendAttempt(`attempt-${String((attempts += 1))}`, 600);
  const names = { user: userOf(worker), providerSession: providerSessionOf(worker) };
  return makeSession(store, newSession(now * 1_000, { tokens, ...names }));
};

async function call(credential: SessionCredential): Promise<ProxySession> {
  const use = { handle: undefined, activity: true, profile: false, audience: 'api-platform' } as const;
  const opened = await createProxyStore(options).open(credential, use);
  if (opened.status !== 'active') throw new Error(opened.status);
  return opened.session;
}

/** Gets tokens as long as the platform's. */
async function renew(credential: SessionCredential): Promise<void> {
  const { tokens } = await call(credential);
  const lease = await tokens.lease('api-platform', tokens.seen('api-platform'));
  await lease?.store({
    ...{ accessToken: new Secret('p'.repeat(28)), refreshToken: new Secret('r'.repeat(32)) },
    ...{ issuedAt: now as EpochSeconds, expiresAt: (now + 599) as EpochSeconds },
    refreshTokenExpiresAt: (now + 43_199) as EpochSeconds,
  });
}

test('a sign-in, the use of its session and its end cost what the cost model takes for them', async () => {
  const begun = await unitsOf(signIn);
  const credential = await signIn();
  const session = createSessionStore(options);
  const renewals = [await unitsOf(() => renew(credential)), await unitsOf(() => renew(credential))];
  const read = await unitsOf(() => session.read(credential));
  const called = await unitsOf(() => call(credential));
  now += 61;
  const clocked = await unitsOf(() => call(credential));
  const connected = await unitsOf(() => createEventStore(options).connect(credential, 'L0SM9cOFvHcCIhw='));
  const ended = await unitsOf(() => session.end(credential, 'signed_out', undefined));

  expect({
    'sign-in-write-units': begun.write,
    'renewal-write-units': renewals.map(({ write }) => write),
    'read-units': [read.read, read.write],
    'api-read-units': [called.read, called.write],
    'clock-write-units': clocked.write,
    'connection-write-units': connected.write,
    'end-write-units': ended.write,
  }).toEqual({
    'sign-in-write-units': defaults['sign-in-write-units'],
    'renewal-write-units': [defaults['renewal-write-units'], defaults['renewal-write-units']],
    'read-units': [defaults['read-units'], 0],
    'api-read-units': [defaults['api-read-units'], 0],
    'clock-write-units': defaults['clock-write-units'],
    'connection-write-units': defaults['connection-write-units'],
    'end-write-units': defaults['end-write-units'],
  });
});
