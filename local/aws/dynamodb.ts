import type { Server } from 'node:http';
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { reasonOf, StartError } from '../errors.ts';
import { closeServer, guardServer, listenOnLoopback, type LoopbackServer } from '../loopback-server.ts';
import type { TableStreams } from './event-source-mappings.ts';
import { addTransactions } from './transactions.ts';

export interface EmbeddedDynamoDb extends LoopbackServer {
  /** For a process that is to end while the store listens. */
  readonly server: Server;
  /** Has writes reported from then on. */
  readonly stream: (streams: TableStreams) => void;
}

/** Starts the embedded store on 127.0.0.1. It keeps everything in memory, and nothing expires by itself. */
export async function startDynamoDb(): Promise<EmbeddedDynamoDb> {
  const { default: dynalite } = await import('dynalite');
  const server = dynalite({ createTableMs: 0 });
  // The functions keep their connections, as they do in AWS: closing an idle one would race with its next use.
  server.keepAliveTimeout = 0;
  const stream = addTransactions(server);
  // By itself it lets a page of any site read and write everything.
  guardServer(server, { browsers: 'none' });
  const port = await listenOnLoopback(server);
  return {
    server,
    url: `http://127.0.0.1:${String(port)}`,
    stream,
    close: () => {
      closeServer(server);
    },
  };
}

/**
 * Makes tables at a DynamoDB endpoint, where they are not there yet.
 *
 * @throws StartError when the endpoint does not respond
 */
export async function createTables(
  endpoint: string,
  region: string,
  tables: readonly CreateTableCommandInput[],
): Promise<void> {
  const { CreateTableCommand, DynamoDBClient, ResourceInUseException, waitUntilTableExists } =
    await import('@aws-sdk/client-dynamodb');
  const client = new DynamoDBClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000, throwOnRequestTimeout: true },
  });
  try {
    await Promise.all(
      tables.map(async (table) => {
        await client.send(new CreateTableCommand(table)).catch((error: unknown) => {
          if (!(error instanceof ResourceInUseException)) throw error;
        });
        await waitUntilTableExists(
          { client, minDelay: 0.05, maxDelay: 1, maxWaitTime: 10 },
          { TableName: table.TableName },
        );
      }),
    );
  } catch (error) {
    throw new StartError(`cannot make the tables at ${endpoint}: ${reasonOf(error)}`);
  } finally {
    client.destroy();
  }
}
