/** One user, one CIS2 session and one browser or more, in a table that is empty at first. */
import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds, EpochMilliseconds } from '../../lambdas/common/index.ts';
import {
  createLogoutStore,
  createSessionStore,
  createSignInStore,
  type Logout,
  type LogoutStore,
  type NewSession,
  type SessionCredential,
  type SessionStore,
  type SignInStore,
} from '../../lambdas/session/index.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  start,
  tableName,
  type Item,
} from '../unit/session-fixtures.ts';
import { EmbeddedTable, operationOf, type Command } from './embedded-table.ts';

export type Stores = Omit<SignInStore & SessionStore & LogoutStore, 'warmUp'>;

/**
 * The table, with an eye on every session: which there are, whether one that has ended is alive again, and whether tokens
 * are stored for it.
 */
export class WatchedTable {
  readonly #embedded = new EmbeddedTable(sessionTable);
  #states = new Map<string, string | undefined>();
  #sealed = new Map<string, string | undefined>();
  #revived: string[] = [];
  #storedLate: string[] = [];

  clear(): void {
    this.#embedded.clear();
    this.#states.clear();
    this.#sealed.clear();
    this.#revived = [];
    this.#storedLate = [];
  }

  /** @returns puts everything back as it is now */
  snapshot(): () => void {
    const restoreItems = this.#embedded.snapshot();
    const [states, sealed] = [new Map(this.#states), new Map(this.#sealed)];
    const [revived, storedLate] = [[...this.#revived], [...this.#storedLate]];
    return () => {
      restoreItems();
      this.#states = new Map(states);
      this.#sealed = new Map(sealed);
      this.#revived = [...revived];
      this.#storedLate = [...storedLate];
    };
  }

  /** Sessions that have ended and were alive after that. */
  get revived(): readonly string[] {
    return this.#revived;
  }

  /** Sessions for which tokens were stored after they had ended. */
  get storedLate(): readonly string[] {
    return this.#storedLate;
  }

  /** The keys of the sessions that the table says are alive, whether anybody holds their cookie or not. */
  get alive(): readonly string[] {
    return [...this.#states].flatMap(([key, state]) => (state === 'alive' ? [key] : []));
  }

  get client(): DynamoDBClient {
    return { send: (command: Command) => this.send(command) } as unknown as DynamoDBClient;
  }

  async send(command: Command): Promise<unknown> {
    const response = await this.#embedded.send(command);
    const operation = operationOf(command);
    if (operation !== 'GetItem') {
      const { Key, Item: put, TransactItems: parts = [] } = command.input as WrittenItems;
      for (const key of [Key, put, ...parts.map(({ Update }) => Update?.Key)]) {
        if (key?.['sk']?.S === 'core') await this.#noteState(key);
        if (key?.['sk']?.S === 'token#api-platform') await this.#noteTokens(key);
      }
    }
    return response;
  }

  async #itemOf({ pk, sk }: Item): Promise<{ key: string; item: Item | undefined }> {
    if (pk === undefined || sk === undefined) throw new TypeError('an item without a key');
    const { Item } = (await this.#embedded.send(
      new GetItemCommand({ TableName: tableName, Key: { pk, sk } }) as unknown as Command,
    )) as { Item?: Item };
    return { key: pk.S?.replace('session#', '') ?? '', item: Item };
  }

  async #noteState(written: Item): Promise<void> {
    const { key, item } = await this.#itemOf(written);
    const state = item?.['state']?.S;
    if (this.#states.get(key) === 'ended' && state !== 'ended') this.#revived.push(key);
    this.#states.set(key, state);
  }

  async #noteTokens(written: Item): Promise<void> {
    const { key, item } = await this.#itemOf(written);
    const sealed = item?.['sealed']?.B && Buffer.from(item['sealed'].B).toString('base64');
    if (this.#states.get(key) === 'ended' && sealed !== this.#sealed.get(key)) this.#storedLate.push(key);
    this.#sealed.set(key, sealed);
  }
}

interface WrittenItems {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly TransactItems?: readonly { readonly Update?: { readonly Key: Item } }[];
}

export type LogoutForm = 'sid' | 'sub' | 'sid and sub';
/** The signal of a deadline that does not come. */
const inTime = new AbortController().signal;
let worlds = 0;

export class World {
  readonly #number = (worlds += 1);
  readonly #table: WatchedTable;
  /** What the time is, for whatever begins now. */
  now: number = start;

  constructor(table: WatchedTable) {
    table.clear();
    this.#table = table;
  }

  /** @returns puts everything back as it is now */
  snapshot(): () => void {
    const restoreTable = this.#table.snapshot();
    const { now } = this;
    return () => {
      restoreTable();
      this.now = now;
    };
  }

  get #issuer(): string {
    return 'https://am.example.nhs.uk:443/realm';
  }

  stores(client: DynamoDBClient = this.#table.client): Stores {
    const options = { ...identified, client, tableName, limits, clock: () => this.now as EpochSeconds };
    return { ...createSignInStore(options), ...createSessionStore(options), ...createLogoutStore(options) };
  }

  newSession(changes: Partial<NewSession> = {}): NewSession {
    return newSession(this.now, {
      user: [this.#issuer, `user ${String(this.#number)}`],
      providerSession: [this.#issuer, `sid ${String(this.#number)}`],
      ...changes,
    });
  }

  /** A session that is there before the race begins. */
  async signedIn(changes: Partial<NewSession> = {}): Promise<SessionCredential> {
    const created = await this.signIn(this.#table.client, changes);
    if (created === 'provider_logout') throw new Error('refused');
    return created;
  }

  async signIn(
    client: DynamoDBClient,
    changes: Partial<NewSession> = {},
  ): Promise<SessionCredential | 'provider_logout'> {
    const created = await this.stores(client).create(this.newSession(changes), inTime);
    return created === 'provider_logout' ? created : created.credential;
  }

  logout(form: LogoutForm, token = 'token'): Logout {
    const { user, providerSession } = this.newSession();
    return {
      tokenId: [this.#issuer, `${token} ${String(this.#number)}`],
      user: form === 'sid' ? undefined : user,
      providerSession: form === 'sub' ? undefined : providerSession,
      arrivedAt: this.now as EpochMilliseconds,
    };
  }

  logOut(client: DynamoDBClient, form: LogoutForm, token?: string): ReturnType<Stores['logOut']> {
    return this.stores(client).logOut(this.logout(form, token), inTime);
  }

  async statusOf(credential: SessionCredential): Promise<string> {
    const state = await this.stores().read(credential);
    return state.status === 'ended' ? state.reason : state.status;
  }
}
