/** The tables as somebody sees them who can read and write all of them. */
import {
  DeleteItemCommand,
  DynamoDBClient,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
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
    const pages = await Promise.all(
      this.names.map((TableName) => this.#client.send(new ScanCommand({ TableName }))),
    );
    return pages.flatMap(({ Items }) => Items ?? []);
  }

  async item(pk: string, sk?: string): Promise<Item | undefined> {
    return (await this.items()).find((item) => item['pk']?.S === pk && item['sk']?.S === sk);
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
