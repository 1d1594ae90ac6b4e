import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds, Role } from '../common/index.ts';
import { resealRole } from './content.ts';
import { newHandle, renewedCredential, type SessionCredential } from './credential.ts';
import { all, available, unlessConditionFails } from './dynamo.ts';
import { coresOf, endAndClear, endByTime, type EndedSession } from './ending.ts';
import { secretHash, sessionKey, text, userIndexKey, type Item } from './items.ts';
import { listedIn } from './session-index.ts';
import {
  alive,
  formerSecrets,
  holds,
  lifeOf,
  stateOf,
  timesOf,
  type EndReason,
  type NotActive,
  type Session,
  type SessionState,
} from './state.ts';
import { getSessionItems, update, warmUp, type StoreOptions } from './store.ts';

/** One of a user's live sessions, as the user may see it. */
export interface ListedSession {
  readonly handle: string;
  /** Whether it is the one that asks. */
  readonly current: boolean;
  readonly signedInAt: EpochSeconds;
  readonly lastActiveAt: EpochSeconds;
  readonly device: string;
}

/**
 * What became of a change of role. `active` is another session than the one whose handle was given; nothing was changed.
 */
export type RoleChange =
  | { readonly status: 'changed'; readonly credential: SessionCredential; readonly session: Session }
  | { readonly status: 'refused' }
  | SessionState;

/** What the holder of a session may do to it, and to the others of the same user. */
export interface SessionStore {
  /** Opens the connection, so that the first request need not. */
  warmUp(): Promise<void>;
  read(credential: SessionCredential): Promise<SessionState>;
  /**
   * Counts as user activity. A session that is over stays over, and one whose handle is not `handle` (where given) is
   * only read.
   */
  extend(credential: SessionCredential, handle: string | undefined): Promise<SessionState>;
  /** Ends the live session: the one with this handle, where one is given. False where there is none. */
  end(
    credential: SessionCredential,
    reason: EndReason,
    handle: string | undefined,
  ): Promise<false | EndedSession>;
  /**
   * Gives the session another role, and with it a new cookie and a new handle; the old cookie is dead at once. Counts as
   * user activity.
   *
   * @param permits - whether a role of the user's may be worked in
   * @returns `refused` when the role is not the user's, or not permitted
   */
  changeRole(
    credential: SessionCredential,
    roleId: string,
    handle: string | undefined,
    permits: (role: Role) => boolean,
  ): Promise<RoleChange>;
  /** The user's live sessions: this one first, then the most recently active. `handle` is this one's. */
  list(
    credential: SessionCredential,
  ): Promise<
    | { readonly status: 'active'; readonly handle: string; readonly sessions: readonly ListedSession[] }
    | NotActive
  >;
  /**
   * Ends the user's live session of that handle as `revoked`; this one may be ended so, too.
   *
   * @param own - the handle that this session must have, where given; `active` is told when it has another
   * @returns found: false when the user has no such session
   */
  endListed(
    credential: SessionCredential,
    own: string | undefined,
    handle: string,
  ): Promise<
    { readonly status: 'done'; readonly found: boolean; readonly person?: string | undefined } | SessionState
  >;
}

/**
 * Sessions in DynamoDB. Every write is conditional on the session being alive, so one that has ended never comes back;
 * time limits are enforced here on every read, whatever the table has or has not removed.
 *
 * @throws StoreUnavailable from every method, when nothing is known
 */
export function createSessionStore(options: StoreOptions): SessionStore {
  return {
    warmUp: () => warmUp(options),
    read: async (credential) => (await look(options, credential)).state,
    extend: (credential, handle) => extend(options, credential, handle),
    end: (credential, reason, handle) =>
      endAndClear(options, credential.key, reason, { meant: { credential, handle } }),
    changeRole: (credential, roleId, handle, permits) =>
      changeRole(options, credential, roleId, handle, permits),
    list: (credential) => list(options, credential),
    endListed: (credential, own, handle) => endListed(options, credential, own, handle),
  };
}

interface Items {
  readonly core: Item | undefined;
  readonly profile: Item | undefined;
}

async function readItems(options: StoreOptions, key: string): Promise<Items> {
  const item = await getSessionItems(options, key, 'profile');
  return { core: item('core'), profile: item('profile') };
}

type Seen = { readonly state: NotActive } | { readonly state: ActiveState; readonly core: Item };
type ActiveState = Extract<SessionState, { status: 'active' }>;

async function look(options: StoreOptions, credential: SessionCredential): Promise<Seen> {
  return told(options, credential, await readItems(options, credential.key));
}

/** Told once that it is over, a session stays over, whatever becomes of clocks and settings. */
async function told(
  options: StoreOptions,
  credential: SessionCredential,
  { core, profile }: Items,
): Promise<Seen> {
  const state = stateOf(options, credential, core, profile);
  if (core !== undefined && state.status === 'active') return { state, core };
  if (
    core !== undefined &&
    state.status === 'ended' &&
    holds(credential, core) &&
    text(core['state']) === 'alive'
  ) {
    await endByTime(options, credential.key, core, state.reason).catch(() => undefined);
  }
  return { state: state as NotActive };
}

async function extend(
  options: StoreOptions,
  credential: SessionCredential,
  handle: string | undefined,
): Promise<SessionState> {
  const { client, table, clock } = options;
  const { expression, names, values } = alive(options, clock(), { credential, handle });
  const [touched, profile] = await all([
    unlessConditionFails(
      update(options, sessionKey(credential.key, 'core'), {
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
          TableName: table,
          ConsistentRead: true,
          Key: sessionKey(credential.key, 'profile'),
        }),
      ),
    ),
  ]);
  // Nothing was alive to extend, or it ended between the two calls: one read more says why.
  if (touched === undefined || profile.Item === undefined) return (await look(options, credential)).state;
  return stateOf(options, credential, touched.Attributes, profile.Item);
}

/** An old cookie is known as such for this many role changes; one that is older is unknown. */
const formerSecretsKept = 5;

async function changeRole(
  options: StoreOptions,
  credential: SessionCredential,
  roleId: string,
  handle: string | undefined,
  permits: (role: Role) => boolean,
): Promise<RoleChange> {
  const { key } = credential;
  const items = await readItems(options, key);
  const seen = await told(options, credential, items);
  if (!('core' in seen)) return seen.state;
  const { state, core } = seen;
  if (handle !== undefined && state.session.handle !== handle) return state;
  const role = state.session.worker.roles.find((held) => held.roleId === roleId);
  if (role === undefined || !permits(role)) return { status: 'refused' };

  const next = renewedCredential(credential);
  const sealed = resealRole(credential, next, core, roleId);
  if (sealed === undefined) return { status: 'unknown', unreadable: 'content' };
  const { expression, names, values } = alive(options, options.clock(), { credential, handle });
  const former = [secretHash(credential.secret), ...formerSecrets(core)].slice(0, formerSecretsKept);
  // One update of one item: at every moment exactly one secret opens the session, and it opens this role.
  const [written] = await Promise.allSettled([
    unlessConditionFails(
      update(options, sessionKey(key, 'core'), {
        UpdateExpression: `SET secretHash = :next, formerSecrets = :former, wrappedKey = :wrappedKey,
          #role = :role, handle = :newHandle, lastActiveAt = :now, idleAt = :now + idleSeconds`,
        ConditionExpression: expression,
        ExpressionAttributeNames: { ...names, '#role': 'role' },
        ExpressionAttributeValues: {
          ...values,
          ':next': { S: secretHash(next.secret) },
          ':former': { L: former.map((hash) => ({ S: hash })) },
          ':wrappedKey': { B: sealed.wrappedKey },
          ':role': { B: sealed.roleId },
          ':newHandle': { S: newHandle() },
        },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  ]);
  const changed = (now: SessionState): RoleChange =>
    now.status === 'active' ? { status: 'changed', credential: next, session: now.session } : now;
  if (written.status === 'fulfilled' && written.value !== undefined) {
    return changed(stateOf(options, next, written.value.Attributes, items.profile));
  }
  // The change may have been made and its answer lost: the new cookie would be lost with it, and the old one is dead.
  const now = await readItems(options, key);
  if (now.core !== undefined && holds(next, now.core)) {
    return changed((await told(options, next, now)).state);
  }
  if (written.status === 'rejected') throw written.reason;
  return (await told(options, credential, now)).state;
}

interface OwnSession {
  readonly key: string;
  readonly listed: ListedSession;
}

/** The live sessions of the user that this session's core names, in no order. */
async function liveSessions(options: StoreOptions, key: string, core: Item): Promise<readonly OwnSession[]> {
  const user = text(core['userHash']);
  if (user === undefined) return [];
  const entries = await listedIn(options, userIndexKey(user));
  const cores = await coresOf(
    options,
    entries.map((entry) => entry.key),
  );
  return [...cores].flatMap(([found, other]) => {
    const listed =
      text(other['userHash']) === user ? describeSession(options, other, found === key) : undefined;
    return listed === undefined ? [] : [{ key: found, listed }];
  });
}

/** What is shown of a session to its user; undefined when it is over. */
export function describeSession(
  options: StoreOptions,
  core: Item,
  current: boolean,
): ListedSession | undefined {
  const life = lifeOf(options, core);
  const times = timesOf(options, core);
  const handle = text(core['handle']);
  if (life === undefined || !('expiry' in life) || times === undefined || handle === undefined)
    return undefined;
  const { signedInAt, lastActiveAt } = times;
  return { handle, current, signedInAt, lastActiveAt, device: text(core['device']) ?? '' };
}

const byRecentUse = (left: ListedSession, right: ListedSession): number =>
  Number(right.current) - Number(left.current) ||
  right.lastActiveAt - left.lastActiveAt ||
  right.signedInAt - left.signedInAt;

async function list(options: StoreOptions, credential: SessionCredential): ReturnType<SessionStore['list']> {
  const seen = await look(options, credential);
  if (!('core' in seen)) return seen.state;
  const sessions = (await liveSessions(options, credential.key, seen.core)).map(({ listed }) => listed);
  return { status: 'active', handle: seen.state.session.handle, sessions: sessions.toSorted(byRecentUse) };
}

async function endListed(
  options: StoreOptions,
  credential: SessionCredential,
  own: string | undefined,
  handle: string,
): ReturnType<SessionStore['endListed']> {
  const seen = await look(options, credential);
  if (!('core' in seen)) return seen.state;
  if (own !== undefined && seen.state.session.handle !== own) return seen.state;
  const sessions = await liveSessions(options, credential.key, seen.core);
  const meant = sessions.find(({ listed }) => listed.handle === handle);
  if (meant === undefined) return { status: 'done', found: false };
  const ended = await endAndClear(options, meant.key, 'revoked', { meant: { handle } });
  if (ended !== false) return { status: 'done', found: true, person: ended.person };
  // Over all the same, or in another role by now, under a handle that this user has not seen.
  const core = (await coresOf(options, [meant.key])).get(meant.key);
  return { status: 'done', found: core !== undefined && text(core['state']) === 'ended' };
}
