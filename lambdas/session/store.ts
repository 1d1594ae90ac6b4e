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
import { newCredential, parseReplacement, replacementHash, type SessionCredential } from './credential.ts';
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
  seconds,
  secretHash,
  sessionKey,
  text,
  userIndexKey,
  type Item,
} from './items.ts';
import { createSessionIndex, type Bound, type IndexEntry } from './session-index.ts';
import { expiryOf, stricter, type Expiry, type SessionLimits, type SessionTimes } from './limits.ts';

/** Why a session is over. */
export type EndReason = 'idle' | 'absolute' | 'signed_out' | 'provider_logout' | 'replaced' | 'revoked';
const endReasons: Record<EndReason, true> = {
  idle: true,
  absolute: true,
  signed_out: true,
  provider_logout: true,
  replaced: true,
  revoked: true,
};
const isEndReason = (reason: string | undefined): reason is EndReason =>
  reason !== undefined && Object.hasOwn(endReasons, reason);

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
  /** When this sign-in began: a logout of the user that is no older ends it. */
  readonly begunAt: EpochSeconds;
  /** The session that this one takes the place of, as `replacementOf` names it. */
  readonly replaces: string | undefined;
  /** Live sessions a user may have, this one included; the oldest end when there would be more. */
  readonly sessionsPerUser: number;
}

export interface CreatedSession {
  readonly credential: SessionCredential;
  /** How many sessions ended as `replaced` for it: the one it took the place of, and the oldest of too many. */
  readonly ended: number;
}

export interface SessionStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  /** True the first time an attempt comes back, and never again. */
  spendAttempt(attemptId: string, validForSeconds: number): Promise<boolean>;
  /**
   * Writes a new session; `provider_logout` when CIS2 has ended it already. Nothing of it lives unless all is written
   * before `deadline`, and only then does a session end for it.
   */
  create(session: NewSession, deadline: AbortSignal): Promise<CreatedSession | 'provider_logout'>;
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

/** Which session is meant, beyond its key. */
interface Meant {
  readonly credential?: SessionCredential;
  readonly handle?: string | undefined;
  readonly replacementHash?: string;
}

/** What a sign-in does at its end, or to take back what it wrote, has this many milliseconds beyond its deadline. */
const longestLastStepMs = 1_200;
const lastStep = (): Bound => ({ abortSignal: AbortSignal.timeout(longestLastStepMs) });

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

  /** The condition under which a session is alive at this moment by its own limits and by today's, and is the one meant. */
  const alive = (now: EpochSeconds, meant: Meant = {}) => ({
    expression: [
      '#state = :alive AND idleAt > :now AND absoluteAt > :now',
      'lastActiveAt > :idleSince AND signedInAt > :absoluteSince',
      ...(meant.credential === undefined ? [] : ['secretHash = :secretHash']),
      ...(meant.handle === undefined ? [] : ['handle = :handle']),
      ...(meant.replacementHash === undefined ? [] : ['replacementHash = :replacementHash']),
    ].join(' AND '),
    names: { '#state': 'state' },
    values: {
      ':alive': { S: 'alive' },
      ':now': number(now),
      ':idleSince': number(after(now, -limits.idleSeconds)),
      ':absoluteSince': number(after(now, -limits.absoluteSeconds)),
      ...(meant.credential === undefined
        ? {}
        : { ':secretHash': { S: secretHash(meant.credential.secret) } }),
      ...(meant.handle === undefined ? {} : { ':handle': { S: meant.handle } }),
      ...(meant.replacementHash === undefined ? {} : { ':replacementHash': { S: meant.replacementHash } }),
    },
  });

  const ttl = (signedInAt: EpochSeconds) => after(signedInAt, limits.absoluteSeconds + rememberedSeconds);

  const timesOf = (core: Item): (SessionTimes & { limits: SessionLimits }) | undefined => {
    const signedInAt = instant(core['signedInAt']);
    const lastActiveAt = instant(core['lastActiveAt']);
    const idleSeconds = seconds(core['idleSeconds']);
    const absoluteSeconds = seconds(core['absoluteSeconds']);
    if (signedInAt === undefined || lastActiveAt === undefined) return undefined;
    if (idleSeconds === undefined || absoluteSeconds === undefined) return undefined;
    return { signedInAt, lastActiveAt, limits: stricter(limits, { idleSeconds, absoluteSeconds }) };
  };

  /** What a core item means at this moment, before anything is opened; undefined when it cannot be understood. */
  const lifeOf = (
    core: Item,
    now: EpochSeconds,
  ): { expiry: Expiry } | { reason: EndReason; written: boolean } | undefined => {
    const times = timesOf(core);
    if (core['format']?.N !== String(format) || times === undefined) return undefined;
    const state = text(core['state']);
    const reason = text(core['reason']);
    if (state === 'ended') return isEndReason(reason) ? { reason, written: true } : undefined;
    if (state !== 'alive') return undefined;
    const expiry = expiryOf(times, times.limits);
    return now >= expiry.at ? { reason: expiry.bindingLimit, written: false } : { expiry };
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
    if (content === undefined) return { status: 'unknown', unreadable: 'content' };
    const { worker, roleId } = content;
    const role = worker.roles.find((held) => held.roleId === roleId) ?? null;
    const { signedInAt, lastActiveAt } = times;
    return {
      status: 'active',
      session: { signedInAt, lastActiveAt, handle, worker, role, expiry: life.expiry },
    };
  };

  const update = (key: Item, input: Omit<UpdateItemCommandInput, 'TableName' | 'Key'>, bound: Bound = {}) =>
    client.send(new UpdateItemCommand({ TableName, Key: key, ...input }), bound);

  /**
   * Writes a new session's items. The SDK may send a put again whose answer was lost: it may find its own work, but never
   * undo an end.
   */
  const putNew = async (core: Item, profile: Item, bound: Bound): Promise<void> => {
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
          bound,
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
    { meant, bound, clearAway = true }: { meant?: Meant; bound?: Bound; clearAway?: boolean } = {},
  ): Promise<boolean> => {
    const { expression, names, values } = alive(clock(), meant);
    return markEnded(key, reason, { expression, names, values, bound, clearAway });
  };

  /** Writes down an end that time has brought, unless the session turns out to have been active since. */
  const endByTime = (key: string, core: Item, reason: EndReason, bound: Bound = {}): Promise<boolean> =>
    markEnded(key, reason, {
      expression: '#state = :alive AND lastActiveAt = :seen',
      names: { '#state': 'state' },
      values: {
        ':alive': { S: 'alive' },
        ':seen': core['lastActiveAt'] ?? { NULL: true },
        ':now': number(clock()),
      },
      bound,
    });

  const markEnded = async (
    key: string,
    reason: EndReason,
    {
      expression,
      names,
      values,
      bound,
      clearAway = true,
    }: {
      expression: string;
      names: Record<string, string>;
      values: Item;
      bound?: Bound | undefined;
      clearAway?: boolean;
    },
  ): Promise<boolean> => {
    const ended = await unlessConditionFails(
      update(
        sessionKey(key, 'core'),
        {
          UpdateExpression: 'SET #state = :ended, reason = :reason, endedAt = :now REMOVE wrappedKey, #role',
          ConditionExpression: expression,
          ExpressionAttributeNames: { ...names, '#role': 'role' },
          ExpressionAttributeValues: { ...values, ':ended': { S: 'ended' }, ':reason': { S: reason } },
          ReturnValues: 'ALL_OLD',
        },
        bound,
      ),
    );
    if (ended === undefined) return false;
    if (!clearAway) return true;
    const user = text(ended.Attributes?.['userHash']);
    const providerSession = text(ended.Attributes?.['providerSessionHash']);
    // The session is over already; what is cleared away here would otherwise be cleared by the next write or the TTL.
    await Promise.allSettled([
      client.send(new DeleteItemCommand({ TableName, Key: sessionKey(key, 'profile') }), bound ?? {}),
      ...(user === undefined ? [] : [index.forget(userIndexKey(user), [key], bound)]),
      ...(providerSession === undefined
        ? []
        : [index.forget(providerSessionIndexKey(providerSession), [key], bound)]),
    ]);
    return true;
  };

  /** The core items of these sessions, by session key. */
  const coresOf = async (entries: readonly IndexEntry[], bound: Bound): Promise<Map<string, Item>> => {
    const cores = new Map<string, Item>();
    for (let start = 0; start < entries.length; start += 100) {
      const keys = entries.slice(start, start + 100).map(({ key }) => sessionKey(key, 'core'));
      const { Responses, UnprocessedKeys } = await available(
        client.send(
          new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys, ConsistentRead: true } } }),
          bound,
        ),
      );
      if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new StoreUnavailable('unprocessed keys');
      for (const core of Responses?.[TableName] ?? []) {
        cores.set((text(core['pk']) ?? '').replace('session#', ''), core);
      }
    }
    return cores;
  };

  /**
   * Ends the oldest of a user's other sessions until there is room for the new one, and forgets those that are over.
   * What time has ended is written down as ended first, and what cannot be understood counts as living: an index never
   * forgets a session that could still be alive.
   *
   * @returns how many were ended
   */
  const makeRoom = async (
    userIndex: Item,
    others: readonly IndexEntry[],
    sessionsPerUser: number,
    bound: Bound,
  ): Promise<number> => {
    if (others.length < sessionsPerUser) return 0;
    const cores = await coresOf(others, bound);
    const over = await Promise.all(
      others.map(async ({ key }) => {
        const core = cores.get(key);
        if (core === undefined) return true;
        const life = lifeOf(core, clock());
        if (life === undefined || 'expiry' in life) return false;
        return life.written || (await endByTime(key, core, life.reason, bound));
      }),
    );
    const living = others.filter((_, position) => over[position] !== true);
    const surplus = living
      .toSorted((left, right) => left.signedInAt - right.signedInAt)
      .slice(0, Math.max(0, living.length + 1 - sessionsPerUser));
    const [ended] = await all([
      Promise.all(surplus.map(({ key }) => endByKey(key, 'replaced', { bound }))),
      index.forget(
        userIndex,
        others.filter((_, position) => over[position] === true).map(({ key }) => key),
        bound,
      ),
    ]);
    return ended.filter(Boolean).length;
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

    async create(session, deadline) {
      const now = clock();
      const bound = { abortSignal: deadline };
      const credential = newCredential();
      const { key, secret } = credential;
      const content = sealContent(key, secret, session.worker, session.roleId);
      const user = indexHash(...session.user);
      const providerSession =
        session.providerSession === undefined ? undefined : indexHash(...session.providerSession);
      const replaced = session.replaces === undefined ? undefined : parseReplacement(session.replaces);

      /*
       *   this sign-in:   core + profile ──► indexes, unless they carry an end mark that counts ──► cookie
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
            idleSeconds: number(limits.idleSeconds),
            idleAt: number(after(now, limits.idleSeconds)),
            absoluteSeconds: number(limits.absoluteSeconds),
            absoluteAt: number(after(now, limits.absoluteSeconds)),
            handle: { S: randomBytes(16).toString('base64url') },
            device: { S: session.device },
            secretHash: { S: secretHash(secret) },
            replacementHash: { S: replacementHash(secret) },
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
          bound,
        );

        const entry = {
          key,
          signedInAt: now,
          begunAt: session.begunAt,
          hasProviderSession: providerSession !== undefined,
          ttl: ttl(now),
        };
        const [ofUser, ofProviderSession] = await all([
          index.listForUser(user, entry, bound),
          providerSession === undefined
            ? Promise.resolve(true)
            : index.listForProviderSession(providerSession, entry, bound),
        ]);
        if (ofUser === undefined || !ofProviderSession) {
          await endByKey(key, 'provider_logout', { bound: lastStep() });
          return 'provider_logout';
        }
        deadline.throwIfAborted();
        const others = ofUser.filter((listed) => listed.key !== key && listed.key !== replaced?.key);
        const crowdedOut = await makeRoom(userIndexKey(user), others, session.sessionsPerUser, bound);
        // Last, and only once all else holds: a sign-in that fails leaves the session before it alone. Once begun, the
        // deadline does not cut it short, for it cannot be taken back.
        deadline.throwIfAborted();
        const inItsPlace =
          replaced !== undefined &&
          (await endByKey(replaced.key, 'replaced', {
            meant: { replacementHash: replaced.hash },
            bound: lastStep(),
            clearAway: false,
          }));
        return { credential, ended: crowdedOut + Number(inItsPlace) };
      } catch (error) {
        await endByKey(key, 'revoked', { bound: lastStep(), clearAway: false }).catch(() => undefined);
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
      const core = item('core');
      const state = stateOf(credential, core, item('profile'));
      // Told once that it is over, a session stays over, whatever becomes of clocks and settings.
      if (state.status === 'ended' && core !== undefined && text(core['state']) === 'alive') {
        await endByTime(credential.key, core, state.reason).catch(() => undefined);
      }
      return state;
    },

    async extend(credential, handle) {
      const now = clock();
      const { expression, names, values } = alive(now, { credential, handle });
      const [touched, profile] = await all([
        unlessConditionFails(
          update(sessionKey(credential.key, 'core'), {
            UpdateExpression: 'SET lastActiveAt = :now, idleAt = :now + idleSeconds',
            ConditionExpression: expression,
            ExpressionAttributeNames: names,
            ExpressionAttributeValues: values,
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
