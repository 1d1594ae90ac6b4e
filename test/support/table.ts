/** The tables as somebody sees them who can read and write all of them. */
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  paginateScan,
  PutItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { parseCredential } from '../../lambdas/session/index.ts';
import { localAws } from './aws-client.ts';

export type Item = Record<string, AttributeValue>;

export class Tables {
  readonly #client: DynamoDBClient;
  readonly names: readonly string[];

  private constructor(client: DynamoDBClient, names: readonly string[]) {
    this.#client = client;
    this.names = names;
  }

  static async at(endpoint: string): Promise<Tables> {
    const client = new DynamoDBClient(localAws(endpoint));
    const { TableNames = [] } = await client.send(new ListTablesCommand({}));
    return new Tables(client, TableNames);
  }

  /** The table whose items have these attributes as their key. */
  #nameFor(item: Item): string {
    const published = item['sk'] === undefined;
    const name = this.names.find((candidate) => /key/i.test(candidate) === published);
    if (name === undefined) throw new Error(`no such table among ${this.names.join(', ')}`);
    return name;
  }

  /** Every item of every table. */
  async items(): Promise<Item[]> {
    const items: Item[] = [];
    for (const TableName of this.names) {
      for await (const { Items } of paginateScan({ client: this.#client }, { TableName })) {
        items.push(...(Items ?? []));
      }
    }
    return items;
  }

  async item(pk: string, sk?: string): Promise<Item | undefined> {
    const key: Item = { pk: { S: pk }, ...(sk === undefined ? {} : { sk: { S: sk } }) };
    const TableName = this.#nameFor(key);
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName, Key: key, ConsistentRead: true }),
    );
    return item;
  }

  async put(item: Item): Promise<void> {
    await this.#client.send(new PutItemCommand({ TableName: this.#nameFor(item), Item: item }));
  }

  async delete({ pk, sk }: Item): Promise<void> {
    if (pk === undefined) throw new Error('an item without a key');
    const key = { pk, ...(sk === undefined ? {} : { sk }) };
    await this.#client.send(new DeleteItemCommand({ TableName: this.#nameFor(key), Key: key }));
  }

  /** The partition keys of sessions that are marked alive, in order. */
  async alive(): Promise<string[]> {
    return (await this.items())
      .filter((item) => item['sk']?.S === 'core' && item['state']?.S === 'alive')
      .map((item) => item['pk']?.S ?? '')
      .sort();
  }

  close(): void {
    this.#client.destroy();
  }
}

/** Where the session of a cookie lies. */
export function partitionOf(cookie: string | undefined): string {
  const credential = parseCredential(cookie ?? '');
  if (credential === undefined) throw new Error('not a session cookie');
  return `session#${credential.key}`;
}
