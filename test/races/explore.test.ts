import { describe, expect, test } from '@jest/globals';
import { GetItemCommand, UpdateItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { sessionTable, tableName } from '../unit/session-fixtures.ts';
import { EmbeddedTable } from './embedded-table.ts';
import { explore, LosingOrder, type Scenario } from './explore.ts';

const embedded = new EmbeddedTable(sessionTable);
let worlds = 0;

const keyOf = (name: string) => ({ pk: { S: `${name}#${String(worlds)}` }, sk: { S: 'counter' } });
const add = (client: DynamoDBClient, name: string) =>
  client.send(
    new UpdateItemCommand({
      TableName: tableName,
      Key: keyOf(name),
      UpdateExpression: 'ADD amount :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
    }),
  );
const amount = async (name: string, client = embedded.client): Promise<number> => {
  const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key: keyOf(name) }));
  return Number(Item?.['amount']?.N ?? 0);
};

/** Operations that add, one call after the other, to these counters. */
const adders =
  (...chains: readonly (readonly string[])[]): Scenario =>
  (clientOf) => {
    worlds += 1;
    return Promise.resolve({
      operations: chains.map((names, position) => async () => {
        for (const name of names) await add(clientOf(String(position)), name);
      }),
      check: async () => {
        for (const name of new Set(chains.flat())) {
          expect(await amount(name)).toBe(chains.flat().filter((other) => other === name).length);
        }
      },
    });
  };

describe('the search through the orders of calls', () => {
  test.each([
    [[2, 2], 6],
    [[3, 4], 35],
    [[1, 1, 1, 1], 24],
    [[2, 2, 2], 90],
  ])('of chains of %j calls that touch one another makes %d runs', async (lengths, runs) => {
    const chains = lengths.map((length) => Array.from({ length }, () => 'one'));
    expect(await explore(embedded, adders(...chains))).toEqual({
      runs,
      alike: expect.any(Number),
      longest: lengths.reduce((sum, length) => sum + length),
    });
    expect(await explore(embedded, adders(...chains), { every: true })).toMatchObject({ runs, alike: 0 });
  });

  test('of calls that have nothing to do with one another makes one run, and all of them when told to', async () => {
    const chains = [
      ['one', 'two'],
      ['three', 'four'],
    ];
    expect((await explore(embedded, adders(...chains))).runs).toBe(1);
    expect((await explore(embedded, adders(...chains), { every: true })).runs).toBe(6);
  });

  test('of calls of which some touch one another makes a run for each order that makes a difference', async () => {
    const chains = [
      ['one', 'two'],
      ['three', 'two', 'four'],
    ];
    expect((await explore(embedded, adders(...chains))).runs).toBe(2);
    expect((await explore(embedded, adders(...chains), { every: true })).runs).toBe(10);
  });

  test('makes a run for every call that can go wrong, in each way', async () => {
    const faults = { atMost: 1 };
    let wrong = 0;
    const scenario: Scenario = async (clientOf) => {
      const race = await adders(['one'])(clientOf);
      return {
        ...race,
        check: async ([result]) => {
          const added = await amount('one');
          if (result?.status === 'rejected' || added !== 1) wrong += 1;
          else expect(added).toBe(1);
        },
      };
    };
    // Done; nothing done; done without a response; done twice.
    expect((await explore(embedded, scenario, { faults })).runs).toBe(4);
    expect(wrong).toBe(3);
    expect((await explore(embedded, scenario, { faults: { atMost: 1, of: () => false } })).runs).toBe(1);
  });

  const losing: Scenario = (clientOf) => {
    worlds += 1;
    const client = clientOf('reader');
    const readAndWrite = async () => {
      const before = await amount('one', client);
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: keyOf('one'),
          UpdateExpression: 'SET amount = :amount',
          ExpressionAttributeValues: { ':amount': { N: String(before + 1) } },
        }),
      );
    };
    return Promise.resolve({
      operations: [readAndWrite, () => add(clientOf('adder'), 'one')],
      check: async () => {
        expect(await amount('one')).toBe(2);
      },
    });
  };

  test('finds the one order in which an update is lost, and tells it', async () => {
    for (const every of [true, false]) {
      const failure = await explore(embedded, losing, { every }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(LosingOrder);
      expect(String(failure)).toMatch(/reader: GetItem[^]*adder: UpdateItem[^]*reader: UpdateItem/);
    }
  });
});
