/** Transactions for the embedded store, which has none of its own: checks of items, and one update. */
import { randomUUID } from 'node:crypto';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from '../loopback-server.ts';

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

/** Lets a server of the embedded store carry out one request after the other, and transactions, too. */
export function addTransactions(server: http.Server): void {
  const listeners = server.listeners('request') as http.RequestListener[];
  server.removeAllListeners('request');
  const partOfTransaction = randomUUID();
  let last: Promise<unknown> = Promise.resolve();

  const send = async (headers: http.IncomingHttpHeaders, input: object): Promise<boolean> => {
    const { port } = server.address() as AddressInfo;
    const { authorization = '', 'x-amz-target': target, 'x-amz-date': date } = headers;
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`, {
      method: 'POST',
      headers: {
        ...{ authorization, 'x-amz-date': String(date), 'content-type': 'application/x-amz-json-1.0' },
        'x-amz-target': String(target).replace('TransactWriteItems', 'UpdateItem'),
        'x-part-of': partOfTransaction,
      },
      body: JSON.stringify(input),
    });
    const body = await answer.text();
    if (!answer.ok && !body.includes('ConditionalCheckFailedException')) throw new Error(body);
    return answer.ok;
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
    const isTransaction = String(request.headers['x-amz-target']).endsWith('.TransactWriteItems');
    last = last.then(
      () =>
        new Promise<void>((resolve) => {
          if (response.destroyed) resolve();
          else response.once('close', resolve);
          if (isTransaction) void carryOut(request, response);
          else if (!response.destroyed) pass(request, response);
        }),
    );
  });
}
