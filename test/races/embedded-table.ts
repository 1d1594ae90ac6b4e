/** The embedded store without its network: a call costs a tenth of a millisecond, so that thousands of runs can be made. */
import { createRequire } from 'node:module';
import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { transact } from '../../local/aws/transactions.ts';

/** What the SDK calls a command. */
export interface Command {
  readonly constructor: { readonly name: string };
  readonly input: Readonly<Record<string, unknown>>;
}

type StoreError = { body?: { __type?: string; message?: string } } | null | undefined;
type Callback = (error: StoreError, response: unknown) => void;
interface Validation {
  readonly types: unknown;
  readonly custom: unknown;
}

const part = createRequire(import.meta.url);
const { checkTypes, checkValidations } = part('dynalite/validations') as {
  checkTypes: (data: unknown, types: unknown) => unknown;
  checkValidations: (data: unknown, types: unknown, custom: unknown, store: object) => void;
};
const { create } = part('dynalite/db') as { create: (options: { createTableMs: number }) => object };

export const operationOf = (command: Command): string => command.constructor.name.replace(/Command$/, '');

/** On the wire, bytes are base64. */
const toWire = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === undefined ? [] : [[name, toWire(inner)]])),
  );
};
const fromWire = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'B' && typeof inner === 'string' ? Buffer.from(inner, 'base64') : fromWire(inner),
    ]),
  );
};

export class EmbeddedTable {
  readonly #store = create({ createTableMs: 0 });

  static async create(table: CreateTableCommandInput): Promise<EmbeddedTable> {
    const made = new EmbeddedTable();
    await made.#call('CreateTable', table);
    for (let active = false; !active;) {
      const { Table } = (await made.#call('DescribeTable', { TableName: table.TableName })) as {
        Table: { TableStatus: string };
      };
      active = Table.TableStatus === 'ACTIVE';
    }
    return made;
  }

  /** Carries a command out at once. */
  async send(command: Command): Promise<unknown> {
    const input = toWire(command.input) as Readonly<Record<string, unknown>>;
    if (operationOf(command) !== 'TransactWriteItems') {
      return fromWire(await this.#call(operationOf(command), input));
    }
    const reasons = await transact(input['TransactItems'] as object[], (update) =>
      this.#call('UpdateItem', update).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ConditionalCheckFailedException) return false;
          throw error;
        },
      ),
    );
    if (reasons === undefined) return {};
    throw new TransactionCanceledException({
      ...{ message: 'cancelled', $metadata: {}, CancellationReasons: [...reasons] },
    });
  }

  get client(): DynamoDBClient {
    return { send: (command: Command) => this.send(command) } as unknown as DynamoDBClient;
  }

  async #call(operation: string, input: unknown): Promise<unknown> {
    const name = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
    const { types, custom } = part(`dynalite/validations/${name}`) as Validation;
    const act = part(`dynalite/actions/${name}`) as (store: object, data: unknown, done: Callback) => void;
    return new Promise((resolve, reject) => {
      const refuse = (error: StoreError) => {
        const { __type = '', message = 'the embedded store failed' } = error?.body ?? {};
        reject(
          __type.endsWith('ConditionalCheckFailedException')
            ? new ConditionalCheckFailedException({ message, $metadata: {} })
            : new Error(`${__type} ${message}`, { cause: error }),
        );
      };
      try {
        const data = checkTypes(input, types);
        checkValidations(data, types, custom, this.#store);
        act(this.#store, data, (error, response) => {
          if (error === null || error === undefined) resolve(response);
          else refuse(error);
        });
      } catch (error) {
        refuse(error as StoreError);
      }
    });
  }
}
