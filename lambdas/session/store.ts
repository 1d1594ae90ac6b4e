import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { after, type Clock, type EpochSeconds, type HealthcareWorker, type Role } from '../common/index.ts';
import { newCredential, type SessionCredential } from './credential.ts';
import { all, available, unlessConditionFails } from './dynamo.ts';
import { StoreUnavailable } from './errors.ts';
import {
  attemptKey,
  format,
  indexHash,
  instant,
  number,
  openContent,
  providerSessionIndexKey,
  sealContent,
  secretHash,
  sessionKey,
  text,
  userIndexKey,
  type Item,
} from './items.ts';
import { createSessionIndex, type IndexEntry } from './session-index.ts';
import { expiryOf, type Expiry, type SessionLimits, type SessionTimes } from './limits.ts';

/** Why a session is over. */
export type EndReason = 'idle' | 'absolute' | 'signed_out' | 'provider_logout' | 'replaced' | 'revoked';
const writtenReasons: readonly string[] = ['signed_out', 'provider_logout', 'replaced', 'revoked'];
const isWrittenReason = (reason: string | undefined): reason is EndReason =>
  reason !== undefined && writtenReasons.includes(reason);

export interface Session extends SessionTimes {
  /** Names this session in this role; of no use as a cookie. */
  readonly handle: string;
  readonly worker: HealthcareWorker;
  /** The role the person works in; null until one is chosen. */
  readonly role: Role | null;
  readonly expiry: Expiry;
}

export type SessionState =
  | { readonly status: 'active'; readonly session: Session }
  | { readonly status: 'ended'; readonly reason: EndReason }
  /** No session that this credential opens. Where one should open, `unreadable` says what does not: the table was changed. */
  | { readonly status: 'unknown'; readonly unreadable?: 'core' | 'content' };

/** Everything a sign-in brings for its session. */
export interface NewSession {
  readonly worker: HealthcareWorker;
  readonly roleId: string | null;
  readonly device: string;
  /** Names the user across sessions. */
  readonly user: readonly string[];
  /** Names CIS2's own session, where CIS2 says which it is. */
  readonly providerSession: readonly string[] | undefined;
  /** When CIS2 issued what this sign-in rests on: a logout that is no older ends it. */
  readonly issuedAt: EpochSeconds;
  /** The session (by its key) that this one takes the place of. */
  readonly replaces: string | undefined;
  /** Live sessions a user may have, this one included; the oldest end when there would be more. */
  readonly sessionsPerUser: number;
}

export interface SessionStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /** True the first time an attempt comes back, and never again. */
  spendAttempt(attemptId: string, validForSeconds: number): Promise<boolean>;
  /** Writes a new session; `provider_logout` when CIS2 has ended it already. Nothing of it lives unless all is written. */
  create(session: NewSession): Promise<SessionCredential | 'provider_logout'>;
  read(credential: SessionCredential): Promise<SessionState>;
  /**
   * Counts as user activity. A session that is over stays over, and one whose handle is not `handle` (where given) is
   * only read.
   */
  extend(credential: SessionCredential, handle: string | undefined): Promise<SessionState>;
  /** True when a live session was ended: the one with this handle, where one is given. */
  end(credential: SessionCredential, reason: EndReason, handle: string | undefined): Promise<boolean>;
}

export interface StoreOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly limits: SessionLimits;
  readonly clock: Clock;
}

/** An ended session is remembered this long beyond its absolute limit, in seconds, to tell its user why it is over. */
const rememberedSeconds = 3_600;

const sameHash = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));

/**
 * Sessions in DynamoDB. Every write is conditional on the session being alive, so one that has ended never comes back;
 * time limits are enforced here on every read, whatever the table has or has not removed.
 */
export function createSessionStore(options: StoreOptions): SessionStore {
  const { client, table: TableName, limits, clock } = options;
  const index = createSessionIndex(client, TableName);

  /** The condition under which a session is alive at this moment, and is the one that is meant. */
  const alive = (
    now: EpochSeconds,
    meant: { credential?: SessionCredential; handle?: string | undefined } = {},
  ) => ({
    expression: [
      '#state = :alive AND lastActiveAt > :idleSince AND signedInAt > :absoluteSince',
      ...(meant.credential === undefined ? [] : ['secretHash = :secretHash']),
      ...(meant.handle === undefined ? [] : ['handle = :handle']),
    ].join(' AND '),
    names: { '#state': 'state' },
    values: {
      ':alive': { S: 'alive' },
      ':idleSince': number(after(now, -limits.idleSeconds)),
      ':absoluteSince': number(after(now, -limits.absoluteSeconds)),
      ...(meant.credential === undefined
        ? {}
        : { ':secretHash': { S: secretHash(meant.credential.secret) } }),
      ...(meant.handle === undefined ? {} : { ':handle': { S: meant.handle } }),
    },
  });

  const ttl = (signedInAt: EpochSeconds) => after(signedInAt, limits.absoluteSeconds + rememberedSeconds);

  const timesOf = (core: Item | undefined): SessionTimes | undefined => {
    const signedInAt = instant(core?.['signedInAt']);
    const lastActiveAt = instant(core?.['lastActiveAt']);
    return signedInAt === undefined || lastActiveAt === undefined ? undefined : { signedInAt, lastActiveAt };
  };

  /** What a core item means at this moment, before anything is opened. */
  const lifeOf = (core: Item, now: EpochSeconds): { expiry: Expiry } | { reason: EndReason } | undefined => {
    const times = timesOf(core);
    if (core['format']?.N !== String(format) || times === undefined) return undefined;
    const state = text(core['state']);
    const reason = text(core['reason']);
    if (state === 'ended') return isWrittenReason(reason) ? { reason } : undefined;
    if (state !== 'alive') return undefined;
    const expiry = expiryOf(times, limits);
    return now >= expiry.at ? { reason: expiry.bindingLimit } : { expiry };
  };

  const stateOf = (
    credential: SessionCredential,
    core: Item | undefined,
    profile: Item | undefined,
  ): SessionState => {
    const unknown = { status: 'unknown' } as const;
    if (core === undefined) return unknown;
    if (!sameHash(text(core['secretHash']) ?? '', secretHash(credential.secret))) return unknown;
    const life = lifeOf(core, clock());
    const times = timesOf(core);
    const handle = text(core['handle']);
    if (life === undefined || times === undefined || handle === undefined) {
      return { status: 'unknown', unreadable: 'core' };
    }
    if ('reason' in life) return { status: 'ended', reason: life.reason };
    const content = openContent(credential.key, credential.secret, {
      wrappedKey: core['wrappedKey']?.B,
      roleId: core['role']?.B,
      profile: profile?.['sealed']?.B,
    });
    if (content === undefined) {
      return { status: 'unknown', unreadable: 'content' };
    }
    const { worker, roleId } = content;
    const role = worker.roles.find((held) => held.roleId === roleId) ?? null;
    return { status: 'active', session: { ...times, handle, worker, role, expiry: life.expiry } };
  };

  const update = (key: Item, input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>) =>
    client.send(new UpdateItemCommand({ TableName, Key: key, ...input }));

  /**
   * Writes a new session's items. The SDK may send a put again whose answer was lost: it may find its own work, but never
   * undo an end.
   */
  const putNew = async (core: Item, profile: Item): Promise<void> => {
    const put = (item: Item, condition: string, names: Record<string, string>, values: Item) =>
      available(
        client.send(
          new PutItemCommand({
            TableName,
            Item: item,
            ConditionExpression: `attribute_not_exists(pk) OR (${condition})`,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
          }),
        ),
      );
    const { secretHash: own, state } = core;
    const { sealed } = profile;
    if (own === undefined || state === undefined || sealed === undefined)
      throw new TypeError('not a whole session');
    await all([
      put(
        core,
        'secretHash = :own AND #state = :alive',
        { '#state': 'state' },
        { ':own': own, ':alive': state },
      ),
      put(profile, '#sealed = :sealed', { '#sealed': 'sealed' }, { ':sealed': sealed }),
    ]);
  };

  /**
   * Marks a session ended and drops its wrapped key; nothing can open its content after that, whatever is left lying.
   * The indexes are told last: they may name a session that is over, never miss one that lives.
   *
   * @param options.clearAway - false saves a round trip, and leaves what is over to the index's next write and the TTL
   */
  const endByKey = async (
    key: string,
    reason: EndReason,
    {
      meant,
      clearAway = true,
    }: {
      meant?: { credential: SessionCredential; handle: string | undefined };
      clearAway?: boolean;
    } = {},
  ): Promise<boolean> => {
    const now = clock();
    const { expression, names, values } = alive(now, meant);
    const ended = await unlessConditionFails(
      update(sessionKey(key, 'core'), {
        UpdateExpression: 'SET #state = :ended, reason = :reason, endedAt = :now REMOVE wrappedKey, #role',
        ConditionExpression: expression,
        ExpressionAttributeNames: { ...names, '#role': 'role' },
        ExpressionAttributeValues: {
          ...values,
          ':ended': { S: 'ended' },
          ':reason': { S: reason },
          ':now': number(now),
        },
        ReturnValues: 'ALL_OLD',
      }),
    );
    if (ended === undefined) return false;
    if (!clearAway) return true;
    const user = text(ended.Attributes?.['userHash']);
    const providerSession = text(ended.Attributes?.['providerSessionHash']);
    // The session is over already; what is cleared away here would otherwise be cleared by the next write or the TTL.
    await Promise.allSettled([
      client.send(new DeleteItemCommand({ TableName, Key: sessionKey(key, 'profile') })),
      ...(user === undefined ? [] : [index.forget(userIndexKey(user), [key])]),
      ...(providerSession === undefined
        ? []
        : [index.forget(providerSessionIndexKey(providerSession), [key])]),
    ]);
    return true;
  };

  /** Of these sessions, the ones that live. */
  const livingAmong = async (entries: readonly IndexEntry[]): Promise<IndexEntry[]> => {
    const living: IndexEntry[] = [];
    for (let start = 0; start < entries.length; start += 100) {
      const page = entries.slice(start, start + 100);
      const { Responses, UnprocessedKeys } = await available(
        client.send(
          new BatchGetItemCommand({
            RequestItems: {
              [TableName]: { Keys: page.map(({ key }) => sessionKey(key, 'core')), ConsistentRead: true },
            },
          }),
        ),
      );
      if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new StoreUnavailable('unprocessed keys');
      const cores = new Map((Responses?.[TableName] ?? []).map((core) => [text(core['pk']), core]));
      for (const entry of page) {
        const core = cores.get(`session#${entry.key}`);
        const life = core === undefined ? undefined : lifeOf(core, clock());
        if (life !== undefined && 'expiry' in life) living.push(entry);
      }
    }
    return living;
  };

  /** Ends the oldest of a user's other sessions until there is room for the new one; forgets those that are over. */
  const makeRoom = async (
    userIndex: Item,
    others: readonly IndexEntry[],
    sessionsPerUser: number,
  ): Promise<void> => {
    const now = clock();
    const expired = others.filter(({ expiresAt }) => expiresAt <= now);
    const candidates = others.filter(({ expiresAt }) => expiresAt > now);
    if (candidates.length < sessionsPerUser) {
      await index.forget(
        userIndex,
        expired.map(({ key }) => key),
      );
      return;
    }
    const living = await livingAmong(candidates);
    const surplus = living
      .toSorted((left, right) => left.signedInAt - right.signedInAt)
      .slice(0, Math.max(0, living.length + 1 - sessionsPerUser));
    const over = others.filter((entry) => !living.includes(entry));
    await all([
      index.forget(
        userIndex,
        over.map(({ key }) => key),
      ),
      ...surplus.map(({ key }) => endByKey(key, 'replaced')),
    ]);
  };

  return {
    async warmUp() {
      await available(
        client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'warm-up' }, sk: { S: 'none' } } })),
      );
    },

    async spendAttempt(attemptId, validForSeconds) {
      // The SDK may send a put again whose answer was lost: whoever wrote the item may write it once more.
      const spender = randomBytes(16).toString('base64url');
      const spent = await unlessConditionFails(
        client.send(
          new PutItemCommand({
            TableName,
            Item: {
              ...attemptKey(attemptId),
              format: number(format),
              spender: { S: spender },
              ttl: number(after(clock(), validForSeconds)),
            },
            ConditionExpression: 'attribute_not_exists(pk) OR spender = :spender',
            ExpressionAttributeValues: { ':spender': { S: spender } },
          }),
        ),
      );
      return spent !== undefined;
    },

    async create(session) {
      const now = clock();
      const credential = newCredential();
      const { key, secret } = credential;
      const content = sealContent(key, secret, session.worker, session.roleId);
      const user = indexHash(...session.user);
      const providerSession =
        session.providerSession === undefined ? undefined : indexHash(...session.providerSession);

      /*
       *   this sign-in:   core + profile ──► indexes, unless they carry an end mark at or after issuedAt ──► cookie
       *   CIS2's logout:                     end mark on the index ──► ends every session the index lists
       *
       * Whichever reaches the index first, one sees the other: a session is either listed when the logout reads the
       * list, or it meets the mark and ends itself.
       */
      try {
        await putNew(
          {
            ...sessionKey(key, 'core'),
            format: number(format),
            state: { S: 'alive' },
            signedInAt: number(now),
            lastActiveAt: number(now),
            handle: { S: randomBytes(16).toString('base64url') },
            device: { S: session.device },
            secretHash: { S: secretHash(secret) },
            wrappedKey: { B: content.wrappedKey },
            role: { B: content.roleId },
            userHash: { S: user },
            ...(providerSession === undefined ? {} : { providerSessionHash: { S: providerSession } }),
            ttl: number(ttl(now)),
          },
          {
            ...sessionKey(key, 'profile'),
            format: number(format),
            sealed: { B: content.profile },
            ttl: number(ttl(now)),
          },
        );

        const userIndex = userIndexKey(user);
        const entry = {
          key,
          signedInAt: now,
          expiresAt: after(now, limits.absoluteSeconds),
          hasProviderSession: providerSession !== undefined,
          ttl: ttl(now),
        };
        const [byUser, byProviderSession] = await all([
          index.list(userIndex, entry, session.issuedAt),
          providerSession === undefined
            ? Promise.resolve([])
            : index.list(providerSessionIndexKey(providerSession), entry, session.issuedAt),
        ]);
        if (byUser === undefined || byProviderSession === undefined) {
          await endByKey(key, 'provider_logout');
          return 'provider_logout';
        }
        await makeRoom(
          userIndex,
          byUser.filter((listed) => listed.key !== key && listed.key !== session.replaces),
          session.sessionsPerUser,
        );
        // Last, and only once all else holds: a sign-in that fails leaves the session before it alone.
        if (session.replaces !== undefined) {
          await endByKey(session.replaces, 'replaced', { clearAway: false });
        }
        return credential;
      } catch (error) {
        await endByKey(key, 'revoked').catch(() => undefined);
        throw error;
      }
    },

    async read(credential) {
      const { Items } = await available(
        client.send(
          new QueryCommand({
            TableName,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk AND sk BETWEEN :core AND :profile',
            ExpressionAttributeValues: {
              ':pk': { S: `session#${credential.key}` },
              ':core': { S: 'core' },
              ':profile': { S: 'profile' },
            },
          }),
        ),
      );
      const item = (name: string) => Items?.find((found) => found['sk']?.S === name);
      return stateOf(credential, item('core'), item('profile'));
    },

    async extend(credential, handle) {
      const now = clock();
      const { expression, names, values } = alive(now, { credential, handle });
      const [touched, profile] = await all([
        unlessConditionFails(
          update(sessionKey(credential.key, 'core'), {
            UpdateExpression: 'SET lastActiveAt = :now',
            ConditionExpression: expression,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: { ...values, ':now': number(now) },
            ReturnValues: 'ALL_NEW',
          }),
        ),
        available(
          client.send(
            new GetItemCommand({
              TableName,
              ConsistentRead: true,
              Key: sessionKey(credential.key, 'profile'),
            }),
          ),
        ),
      ]);
      // Nothing was alive to extend, or it ended between the two calls: one read more says why.
      if (touched === undefined || profile.Item === undefined) return this.read(credential);
      return stateOf(credential, touched.Attributes, profile.Item);
    },

    end: (credential, reason, handle) => endByKey(credential.key, reason, { meant: { credential, handle } }),
  };
}
