/** The DynamoDB client as the functions have it: its steps are put together once, and each call is still its own. */
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { GetItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDb } from '../../lambdas/aws/index.ts';
import { createTables } from '../../local/aws/dynamodb.ts';
import { AwsProxy } from '../support/aws.ts';
import { sessionTable, tableName } from './session-fixtures.ts';

const environment = { ...process.env };
let store: AwsProxy;
let client: DynamoDBClient;

beforeAll(async () => {
  store = await AwsProxy.dynamoDb();
  await createTables(store.url, 'eu-west-2', [sessionTable]);
  Object.assign(process.env, {
    ...{ AWS_REGION: 'eu-west-2', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    AWS_ENDPOINT_URL_DYNAMODB: store.url,
  });
  client = dynamoDb();
  await Promise.all(['one', 'two', 'three'].map(put));
});
beforeEach(() => {
  store.reset();
});
afterAll(async () => {
  process.env = environment;
  client.destroy();
  await store.close();
});

const key = (name: string) => ({ pk: { S: name }, sk: { S: 'item' } });
const put = (name: string) =>
  client.send(new PutItemCommand({ TableName: tableName, Item: { ...key(name), is: { S: name } } }));
const read = async (name: string, abortSignal?: AbortSignal): Promise<string | undefined> => {
  const command = new GetItemCommand({ TableName: tableName, Key: key(name), ConsistentRead: true });
  const { Item } = await client.send(command, abortSignal && { abortSignal });
  return Item?.['is']?.S;
};
/** The first so many calls from now on get no response. */
const first = (calls: number, verdict: 'fail' | 'hang' | 'reset'): void => {
  store.judge = () => (store.calls.length <= calls ? verdict : 'pass');
};

test('calls side by side get their own responses, and so do those after them', async () => {
  const names = Array.from({ length: 30 }, (_, index) => ['one', 'two', 'three', 'none'][index % 4] ?? '');
  const expected = names.map((name) => (name === 'none' ? undefined : name));
  expect(await Promise.all(names.map((name) => read(name)))).toEqual(expected);
  expect(await read('two')).toBe('two');
});

test.each(['fail', 'reset', 'hang'] as const)(
  'a call that the store lets %s is sent once more',
  async (verdict) => {
    for (const name of ['one', 'two']) {
      store.reset();
      first(1, verdict);
      expect(await read(name)).toBe(name);
      expect(store.calls).toHaveLength(2);
    }
  },
);

test('a call that gets no response at all ends in time, and those after it get theirs', async () => {
  first(2, 'hang');
  const beganAt = performance.now();
  await expect(read('one')).rejects.toThrow();
  expect(performance.now() - beganAt).toBeLessThan(5_000);
  expect(store.calls).toHaveLength(2);
  expect(await read('one')).toBe('one');
});

test('an abort ends the call that it is for, and no other', async () => {
  first(2, 'hang');
  const abort = new AbortController();
  const aborted = read('one', abort.signal);
  const other = read('two');
  while (store.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  await expect(aborted).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  expect(await other).toBe('two');
  await expect(read('one', AbortSignal.abort())).rejects.toThrow(
    expect.objectContaining({ name: 'AbortError' }),
  );
  expect(await read('one', new AbortController().signal)).toBe('one');
  expect(await read('three')).toBe('three');
});

test('V8 has the settings in a form that is quick to copy, before the first call and after it', async () => {
  setFlagsFromString('--allow-natives-syntax');
  const isQuick = runInThisContext('(settings) => %HasFastProperties(settings)') as (of: object) => boolean;
  const fresh = dynamoDb();
  expect([fresh.config, client.config].map(isQuick)).toEqual([true, true]);
  await read('one');
  expect(isQuick(client.config)).toBe(true);
  fresh.destroy();
});
