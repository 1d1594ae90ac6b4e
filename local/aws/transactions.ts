/** Transactions for the embedded store, which has none of its own: checks of items, and one update. */
import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from '../loopback-server.ts';
import type { TableStreams } from './event-source-mappings.ts';
import type { JsonObject } from './template.ts';

interface TransactItem {
  readonly ConditionCheck?: object;
  readonly Update?: object;
}

/**
 * Carries a transaction out, while nothing else may be carried out.
 *
 * @param update - does an UpdateItem; gives false when its condition does not hold
 * @returns why it was cancelled, by item; undefined when it was carried out
 */
export async function transact(
  items: readonly TransactItem[],
  update: (input: object) => Promise<boolean>,
): Promise<readonly { readonly Code: string }[] | undefined> {
  const checks = items.flatMap(({ ConditionCheck: check }) => check ?? []);
  const updates = items.flatMap(({ Update }) => Update ?? []);
  if (updates.length !== 1 || checks.length + 1 !== items.length) {
    throw new Error('the embedded store takes checks and one update in a transaction');
  }
  // A check is an update that changes nothing. The real one comes last, so that nothing has to be taken back.
  for (const input of [...checks, ...updates]) {
    if (await update(input)) continue;
    return items.map(({ ConditionCheck, Update }) => ({
      Code: input === (ConditionCheck ?? Update) ? 'ConditionalCheckFailed' : 'None',
    }));
  }
  return undefined;
}

const maxBytes = 4 * 1024 * 1024;

interface WriteInput {
  readonly TableName?: string;
  readonly Key?: JsonObject;
  readonly Item?: JsonObject;
  readonly UpdateExpression?: string;
  readonly TransactItems?: readonly { readonly Update?: WriteInput }[];
}

/** The keys of the items that a call writes; a batch of writes is not reported. */
function writtenBy(
  operation: string,
  input: WriteInput,
  { tables }: TableStreams,
): { table: string; keys: JsonObject }[] {
  if (operation === 'TransactWriteItems') {
    return (input.TransactItems ?? []).flatMap(({ Update }) =>
      Update === undefined ? [] : writtenBy('UpdateItem', Update, { tables, publish: () => undefined }),
    );
  }
  const { TableName: table = '', Key, Item, UpdateExpression } = input;
  const names = tables.get(table);
  const item = { PutItem: Item, DeleteItem: Key, UpdateItem: UpdateExpression && Key }[operation];
  if (names === undefined || typeof item !== 'object') return [];
  return [{ table, keys: Object.fromEntries(names.map((name) => [name, item[name] ?? null])) }];
}

/**
 * Lets a server of the embedded store carry out one request after the other, and transactions, too.
 *
 * @returns has writes reported from then on, each with the item as it left it
 */
export function addTransactions(server: http.Server): (streams: TableStreams) => void {
  const listeners = server.listeners('request') as http.RequestListener[];
  server.removeAllListeners('request');
  const partOfTransaction = randomUUID();
  let last: Promise<unknown> = Promise.resolve();
  let streams: TableStreams | undefined;

  const call = async (
    { authorization = '', 'x-amz-target': target, 'x-amz-date': date }: http.IncomingHttpHeaders,
    operation: string,
    input: object,
  ): Promise<{ readonly ok: boolean; readonly body: string }> => {
    const { port } = server.address() as AddressInfo;
    const result = await fetch(`http://127.0.0.1:${String(port)}/`, {
      method: 'POST',
      headers: {
        ...{ authorization, 'x-amz-date': String(date), 'content-type': 'application/x-amz-json-1.0' },
        'x-amz-target': String(target).replace(/\w+$/, operation),
        'x-part-of': partOfTransaction,
      },
      body: JSON.stringify(input),
    });
    return { ok: result.ok, body: await result.text() };
  };

  const send = async (headers: http.IncomingHttpHeaders, input: object): Promise<boolean> => {
    const { ok, body } = await call(headers, 'UpdateItem', input);
    if (!ok && !body.includes('ConditionalCheckFailedException')) throw new Error(body);
    return ok;
  };

  /** Before the next request is carried out, so that each write is reported as it was. */
  const tellWrites = async (
    to: TableStreams,
    { headers }: http.IncomingMessage,
    operation: string,
    input: string,
  ): Promise<void> => {
    for (const { table, keys } of writtenBy(operation, JSON.parse(input) as WriteInput, to)) {
      const { body } = await call(headers, 'GetItem', { TableName: table, Key: keys, ConsistentRead: true });
      to.publish({ table, keys, image: (JSON.parse(body) as { Item?: JsonObject }).Item });
    }
  };

  const carryOut = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const json = { 'content-type': 'application/x-amz-json-1.0' };
    try {
      const { TransactItems } = JSON.parse(String(await readBody(request, maxBytes))) as {
        TransactItems: readonly TransactItem[];
      };
      const reasons = await transact(TransactItems, (input) => send(request.headers, input));
      const failure = {
        __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
        message: 'Transaction cancelled, please refer cancellation reasons for specific reasons',
        CancellationReasons: reasons,
      };
      response
        .writeHead(reasons === undefined ? 200 : 400, json)
        .end(JSON.stringify(reasons === undefined ? {} : failure));
    } catch (error) {
      const failure = {
        __type: 'com.amazon.coral.validate#ValidationException',
        message: error instanceof Error ? error.message : String(error),
      };
      response.writeHead(400, json).end(JSON.stringify(failure));
    }
  };

  const pass: http.RequestListener = (request, response) => {
    for (const listener of listeners) listener(request, response);
  };
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    if (request.headers['x-part-of'] === partOfTransaction) {
      pass(request, response);
      return;
    }
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    last = last.then(async () => {
      const to = streams;
      const chunks: Buffer[] = [];
      if (to !== undefined && isWrite.test(operation))
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
      await new Promise<void>((resolve) => {
        if (response.destroyed) resolve();
        else response.once('close', resolve);
        if (operation === 'TransactWriteItems') void carryOut(request, response);
        else if (!response.destroyed) pass(request, response);
      });
      if (to === undefined || chunks.length === 0 || response.statusCode !== 200) return;
      await tellWrites(to, request, operation, Buffer.concat(chunks).toString()).catch(() => undefined);
    });
  });
  return (to) => {
    streams = to;
  };
}

const isWrite = /^(?:PutItem|UpdateItem|DeleteItem|TransactWriteItems)$/;
