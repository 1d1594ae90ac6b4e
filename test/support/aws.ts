/** The store and the secrets behind a proxy of the test's own: every call is recorded, and can be delayed, refused or cut. */
import {
  Agent,
  createServer,
  request as forward,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { localAws } from './aws-client.ts';
import { unref } from './unref.ts';

export interface AwsCall {
  /** E.g. `PutItem`. */
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The items a DynamoDB call touches, as `pk|sk`. */
  readonly items: readonly string[];
}

/**
 * What becomes of a call: nothing special; an error of the service's; no response, with the call not carried out (`hang`,
 * `reset`) or carried out (`lost`); or a response of the test's own.
 */
export type Verdict =
  'pass' | 'fail' | 'hang' | 'reset' | 'lost' | { readonly status: number; readonly body: string };

interface Behind {
  readonly url: string;
  /** When it is in this process. */
  readonly server?: Server;
  close(): unknown;
}

export class AwsProxy {
  readonly url: string;
  readonly calls: AwsCall[] = [];
  /** Decides each call. */
  judge: (call: AwsCall) => Verdict | Promise<Verdict> = () => 'pass';
  readonly #server: Server;
  readonly #behind: Behind;
  readonly #agent: Agent | false;

  private constructor(server: Server, behind: Behind) {
    this.#server = server;
    this.#behind = behind;
    // The embedded store closes no idle connection. Others can close one just when it is used again, which no test asked for.
    this.#agent = behind.server === undefined ? false : new Agent({ keepAlive: true });
    this.url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    server.on('request', (request, response) => {
      void this.#pass(request, response, behind.url);
    });
  }

  static async before(behind: Behind): Promise<AwsProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AwsProxy(server, behind);
  }

  /** Before the embedded store; in a parity run, before the DynamoDB Local that `DYNAMODB_LOCAL_URL` names, emptied. */
  static async dynamoDb(): Promise<AwsProxy> {
    const local = process.env['DYNAMODB_LOCAL_URL'];
    if (local === undefined) return AwsProxy.before(await startDynamoDb());
    await dropTables(local);
    return AwsProxy.before({ url: local, close: () => undefined });
  }

  static async secretsManager(): Promise<AwsProxy> {
    return AwsProxy.before(await startSecretsManager({ region: 'eu-west-2', account: '000000000000' }));
  }

  /** Drops recorded calls and lets everything pass. */
  reset(): void {
    this.calls.length = 0;
    this.judge = () => 'pass';
  }

  /** Lets this process end while the proxy listens. Call it before the first connection. */
  unref(): void {
    for (const server of [this.#server, this.#behind.server]) if (server !== undefined) unref(server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#behind.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse, behind: string): Promise<void> {
    const bytes = Buffer.concat(await request.toArray());
    const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const body = JSON.parse(bytes.toString() || '{}') as Record<string, unknown>;
    const call = { operation, body, items: itemsOf(body) };
    this.calls.push(call);
    const verdict = await this.judge(call);
    if (verdict === 'hang') return;
    if (verdict === 'reset') {
      request.socket.destroy();
      return;
    }
    if (verdict === 'fail') {
      response
        .writeHead(500, { 'content-type': 'application/x-amz-json-1.0' })
        .end('{"__type":"InternalServerError","message":"made to fail"}');
      return;
    }
    if (typeof verdict === 'object') {
      response.writeHead(verdict.status, { 'content-type': 'application/x-amz-json-1.1' }).end(verdict.body);
      return;
    }
    const url = new URL(behind);
    const onward = forward(
      {
        host: url.hostname,
        port: url.port,
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent: this.#agent,
      },
      (reply) => {
        if (verdict === 'lost') {
          reply.resume();
          request.socket.destroy();
          return;
        }
        response.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    onward.end(bytes);
  }
}

/** Drops every table of a store on this machine, so that each test file finds it empty. */
async function dropTables(endpoint: string): Promise<void> {
  const { hostname } = new URL(endpoint);
  if (!['localhost', '127.0.0.1', '[::1]'].includes(hostname))
    throw new Error(`${endpoint} is not on this machine`);
  const { DeleteTableCommand, DynamoDBClient, ListTablesCommand, waitUntilTableNotExists } =
    await import('@aws-sdk/client-dynamodb');
  const client = new DynamoDBClient(localAws(endpoint));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  for (const TableName of TableNames) {
    await client.send(new DeleteTableCommand({ TableName }));
    await waitUntilTableNotExists({ client, minDelay: 0.05, maxDelay: 1, maxWaitTime: 10 }, { TableName });
  }
  client.destroy();
}

function itemsOf(body: Record<string, unknown>): string[] {
  const name = (value: unknown): string[] => {
    const item = value as Record<string, { S?: string } | undefined> | undefined;
    return item?.['pk']?.S === undefined ? [] : [`${item['pk'].S}|${item['sk']?.S ?? ''}`];
  };
  const parts = (body['TransactItems'] ?? []) as readonly Record<string, Record<string, unknown>>[];
  const values = body['ExpressionAttributeValues'] as Record<string, { S?: string }> | undefined;
  return [
    ...name(body['Key']),
    ...name(body['Item']),
    ...parts.flatMap((part) => Object.values(part)).flatMap(({ Key }) => name(Key)),
    ...(values?.[':pk']?.S === undefined ? [] : [`${values[':pk'].S}|`]),
  ];
}
