/** The embedded store without its network and its database: a call costs little, so that thousands of runs can be made. */
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
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
type Callback = (error: StoreError, response?: unknown) => void;
interface Validation {
  readonly types: unknown;
  readonly custom: unknown;
}
/** What dynalite reads in the expressions of a request. */
interface Parsed {
  readonly _updates?: unknown;
  readonly _condition?: unknown;
}
interface Request extends Parsed {
  readonly UpdateExpression?: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, object>>;
}
interface Range {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
}

const part = createRequire(import.meta.url);
const { checkTypes, checkValidations } = part('dynalite/validations') as {
  checkTypes: (data: unknown, types: unknown) => Request;
  checkValidations: (data: unknown, types: unknown, custom: unknown, store: object) => void;
};

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

type Term = string | object;
/** What a request has in place of the names and values in its expressions. */
const termsOf = ({ ExpressionAttributeNames = {}, ExpressionAttributeValues = {} }: Request): Term[] => [
  ...Object.values(ExpressionAttributeNames),
  ...Object.values(ExpressionAttributeValues),
];
/** Equal for requests whose expressions differ in terms only. */
const formOf = (request: Request): string => {
  const { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} } = request;
  const types = Object.entries(values).map(([name, value]) => [name, ...Object.keys(value)]);
  return JSON.stringify([request.UpdateExpression, request.ConditionExpression, Object.keys(names), types]);
};
/** A copy with other terms. */
const withTerms = (parsed: unknown, terms: ReadonlyMap<unknown, Term | undefined>): unknown => {
  if (terms.has(parsed)) return terms.get(parsed);
  if (Array.isArray(parsed)) return parsed.map((part) => withTerms(part, terms));
  if (typeof parsed !== 'object' || parsed === null) return parsed;
  return Object.fromEntries(Object.entries(parsed).map(([name, part]) => [name, withTerms(part, terms)]));
};

export class EmbeddedTable {
  /** What dynalite's operations need of its store. They are carried out in one go, but for reads of several items. */
  readonly #store: object;
  #items = new Map<string, unknown>();
  /** By the form of a request: what is read in its expressions, with these terms. */
  readonly #parsed = new Map<string, (terms: readonly Term[]) => Parsed>();

  constructor(table: CreateTableCommandInput) {
    const items = {
      lock: (_key: string, work: (release: (done: Callback) => Callback) => void) => {
        work((done) => done);
      },
      get: (key: string, done: Callback) => {
        done(null, this.#items.get(key));
      },
      put: (key: string, item: unknown, done: Callback) => {
        this.#items.set(key, item);
        done(null);
      },
      del: (key: string, done: Callback) => {
        this.#items.delete(key);
        done(null);
      },
      createValueStream: ({ gt = '', gte = '', lt = '\uffff', lte = '\uffff' }: Range) =>
        Readable.from(
          [...this.#items]
            .filter(([key]) => key > gt && key >= gte && key < lt && key <= lte)
            .sort(([one], [other]) => (one < other ? -1 : 1))
            .map(([, item]) => item),
        ),
    };
    this.#store = {
      options: { maxItemSize: 409_600 },
      getTable: (name: string, done: Callback) => {
        if (name === table.TableName) done(null, table);
        else done({ body: { message: `no table ${name}` } });
      },
      getItemDb: () => items,
    };
  }

  clear(): void {
    this.#items.clear();
  }

  /** @returns puts all items back as they are now */
  snapshot(): () => void {
    const items = new Map(this.#items);
    return () => {
      this.#items = new Map(items);
    };
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

  /** Checks a request. Its parser takes longer than all else, so expressions of a form are parsed once. */
  #checked(request: Request, { types, custom }: Validation): Request {
    const form = formOf(request);
    const terms = termsOf(request);
    const parse = this.#parsed.get(form);
    if (parse !== undefined) return { ...request, ...parse(terms) };
    checkValidations(request, types, custom, this.#store);
    const { _updates, _condition } = request;
    if (_updates !== undefined || _condition !== undefined) {
      // A copy, for what carries the request out changes it.
      const parsed = withTerms({ _updates, _condition }, new Map(terms.map((term) => [term, term])));
      this.#parsed.set(
        form,
        (others) =>
          withTerms(parsed, new Map(terms.map((term, position) => [term, others[position]]))) as Parsed,
      );
    }
    return request;
  }

  async #call(operation: string, input: unknown): Promise<unknown> {
    const name = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}`;
    const validation = part(`dynalite/validations/${name}`) as Validation;
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
        act(
          this.#store,
          this.#checked(checkTypes(input, validation.types), validation),
          (error, response) => {
            if (error === null || error === undefined) resolve(response);
            else refuse(error);
          },
        );
      } catch (error) {
        refuse(error as StoreError);
      }
    });
  }
}
