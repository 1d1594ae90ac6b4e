/** The streams of tables in the local run: which writes are reported, and which records reach a function. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { createTables, startDynamoDb, type EmbeddedDynamoDb } from '../../local/aws/dynamodb.ts';
import { eventFilter, type TableWrite } from '../../local/aws/event-source-mappings.ts';
import { withoutEvents, type Behaviour } from '../../local/edge/cloudfront.ts';
import { StartError } from '../../local/errors.ts';
import { localAws } from '../support/aws-client.ts';

describe('an event filter', () => {
  test.each([
    [{ a: ['x'] }, { a: 'x' }, true],
    [{ a: ['x', 'y'] }, { a: 'y' }, true],
    [{ a: ['x'] }, { a: 'X' }, false],
    [{ a: ['x'] }, {}, false],
    [{ a: { b: ['x'] } }, { a: { b: 'x', c: 1 } }, true],
    [{ a: { b: ['x'] } }, { a: 'x' }, false],
    [{ a: ['x'], b: ['y'] }, { a: 'x' }, false],
    [{ a: [{ exists: true }] }, { a: 'x' }, true],
    [{ a: [{ exists: true }] }, { b: 'x' }, false],
    [{ a: [{ exists: false }] }, { b: 'x' }, true],
  ])('%j on %j: %s', (pattern, record, lets) => {
    expect(eventFilter(pattern)(record)).toBe(lets);
  });

  test.each([[{ a: [{ prefix: 'x' }] }], [{ a: 'x' }], ['x']])(
    'with a rule that is not known ends the start: %j',
    (pattern) => {
      expect(() => eventFilter(pattern)).toThrow(StartError);
    },
  );
});

describe('a stream', () => {
  let store: EmbeddedDynamoDb;
  let client: DynamoDBClient;
  let writes: TableWrite[];

  const table = (TableName: string) => ({
    TableName,
    BillingMode: 'PAY_PER_REQUEST' as const,
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' as const }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
  });
  const key = (pk: string) => ({ pk: { S: pk } });
  const setting = (pk: string, value: string, condition?: string) =>
    new UpdateItemCommand({
      TableName: 'streamed',
      Key: key(pk),
      UpdateExpression: 'SET v = :v',
      ...(condition === undefined ? {} : { ConditionExpression: condition }),
      ExpressionAttributeValues: { ':v': { S: value } },
    });
  /** A write is reported before the next request gets its response. */
  const settle = (): Promise<unknown> =>
    client.send(new GetItemCommand({ TableName: 'streamed', Key: key('x') }));

  beforeAll(async () => {
    store = await startDynamoDb();
    await createTables(store.url, 'eu-west-2', [table('streamed'), table('other')]);
    client = new DynamoDBClient(localAws(store.url));
  });
  beforeEach(() => {
    writes = [];
    store.stream({ tables: new Map([['streamed', ['pk']]]), publish: (write) => writes.push(write) });
  });
  afterAll(() => {
    client.destroy();
    store.close();
  });

  test('tells each write with the item as that write left it, however fast the next one comes', async () => {
    await Promise.all(['1', '2', '3'].map((value) => client.send(setting('a', value))));
    await settle();
    expect(writes.map(({ image }) => image)).toHaveLength(3);
    expect(new Set(writes.map(({ image }) => JSON.stringify(image)))).toEqual(
      new Set(['1', '2', '3'].map((v) => JSON.stringify({ pk: { S: 'a' }, v: { S: v } }))),
    );
    expect(writes[0]).toMatchObject({ table: 'streamed', keys: key('a') });
  });

  test('tells of items that were put, removed, and changed in a transaction', async () => {
    await client.send(new PutItemCommand({ TableName: 'streamed', Item: { ...key('b'), v: { S: 'put' } } }));
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          {
            ConditionCheck: {
              TableName: 'streamed',
              Key: key('b'),
              ConditionExpression: 'attribute_exists(pk)',
            },
          },
          { Update: { ...setting('b', 'changed').input, UpdateExpression: 'SET v = :v' } },
        ],
      }),
    );
    await client.send(new DeleteItemCommand({ TableName: 'streamed', Key: key('b') }));
    await settle();
    expect(writes.map(({ image }) => image?.['v'])).toEqual([{ S: 'put' }, { S: 'changed' }, undefined]);
    expect(writes.at(-1)).toEqual({ table: 'streamed', keys: key('b'), image: undefined });
  });

  test('tells nothing of what was not written, nor of a table without one', async () => {
    await client.send(setting('c', '1', 'attribute_exists(pk)')).catch(() => undefined);
    await client.send(new GetItemCommand({ TableName: 'streamed', Key: key('c') }));
    await client.send(new PutItemCommand({ TableName: 'other', Item: key('c') }));
    await settle();
    expect(writes).toEqual([]);
  });
});

test('without session events the path of events is one of the API’s, as it always was', () => {
  const behaviour = (pattern: RegExp, origin: Behaviour['origin']): Behaviour => ({
    ...{ pattern, origin, headers: [], viewerRequest: undefined },
    originRequests: { takesCookie: () => true, takesQuery: true },
  });
  const behaviours = [
    behaviour(/^\/auth\/events$/, 'events'),
    behaviour(/^\/auth\/.*$/, 'api'),
    behaviour(/^\/.*$/, 'spa'),
  ];
  expect(withoutEvents({ behaviours }).behaviours).toEqual(behaviours.slice(1));
});
