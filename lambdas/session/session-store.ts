import type { EpochSeconds, Role } from '../common/index.ts';
import { resealRole } from './sealed-content.ts';
import { renewedCredential, type SessionCredential } from './credential.ts';
import { sessionKey, readString, userIndexKey, type Item } from './items.ts';
import { settleAll } from './parallel.ts';
import { readIndex } from './session-index.ts';
import {
  livenessOf,
  matchesSecret,
  stateOf,
  type EndReason,
  type NotActive,
  type Session,
  type SessionState,
} from './state.ts';
import { getCores, getSessionItems, warmUp, type StoreOptions } from './store.ts';
import { get } from './table.ts';
import * as transitions from './transitions.ts';

/** One of a user's live sessions. */
interface LiveSession {
  readonly key: string;
  readonly handle: string;
  readonly signedInAt: EpochSeconds;
  readonly lastActiveAt: EpochSeconds;
  readonly device: string;
}

/** The same, as the user may see it. */
export interface ListedSession extends Omit<LiveSession, 'key'> {
  /** Whether it is the session of the request. */
  readonly current: boolean;
}

/**
 * The result of a role change. `active`: the session has another handle than the given one; nothing was changed.
 */
export type RoleChange =
  | { readonly status: 'changed'; readonly credential: SessionCredential; readonly session: Session }
  | { readonly status: 'refused' }
  | SessionState;

/** What the holder of a session may do to it, and to the others of the same user. */
export type SessionStore = ReturnType<typeof createSessionStore>;

/**
 * Sessions in DynamoDB. Every write is conditional on the session being alive, so one that has ended never comes back;
 * time limits are enforced here on every read, whatever the table has or has not removed.
 *
 * @throws StoreUnavailable from every method, when nothing is known
 */
export function createSessionStore(options: StoreOptions) {
  return {
    /** Opens the connection, so that the first request need not. */
    warmUp: () => warmUp(options),

    read: async (credential: SessionCredential): Promise<SessionState> =>
      (await readState(options, credential)).state,

    /**
     * Counts as user activity. An ended session stays ended, and one with another handle than `handle` (if given) is only
     * read.
     */
    async extend(credential: SessionCredential, handle: string | undefined): Promise<SessionState> {
      const [core, profile] = await settleAll([
        transitions.extend(options, credential, handle),
        get(options, sessionKey(credential.key, 'profile')),
      ]);
      // There was no live session, or it ended between the two calls: another read says why.
      if (core === undefined || profile === undefined) return (await readState(options, credential)).state;
      return stateOf(options, credential, core, profile);
    },

    /** Ends the live session, if it has this handle or none is given. False if there is none. */
    end: (credential: SessionCredential, reason: EndReason, handle: string | undefined) =>
      transitions.endAndCleanUp(options, credential.key, reason, { credential, handle }),

    /**
     * Gives the session another role, and with it a new cookie and a new handle; the old cookie is invalid at once. Counts as
     * user activity.
     *
     * @param permits - whether a role is accepted
     * @returns `refused` when the role is not the user's, or not permitted
     */
    async changeRole(
      credential: SessionCredential,
      roleId: string,
      handle: string | undefined,
      permits: (role: Role) => boolean,
    ): Promise<RoleChange> {
      const items = await readItems(options, credential.key);
      const read = await settleState(options, credential, items);
      if (!('core' in read)) return read.state;
      const { state, core } = read;
      if (handle !== undefined && state.session.handle !== handle) return state;
      const role = state.session.worker.roles.find((candidate) => candidate.roleId === roleId);
      if (role === undefined || !permits(role)) return { status: 'refused' };

      const next = renewedCredential(credential);
      const sealed = resealRole(credential, next, core, roleId);
      if (sealed === undefined) return { status: 'unknown', unreadable: 'content' };
      const [written] = await Promise.allSettled([
        transitions.changeRole(options, { credential, handle, core }, next, sealed),
      ]);
      const changed = (now: SessionState): RoleChange =>
        now.status === 'active' ? { status: 'changed', credential: next, session: now.session } : now;
      if (written.status === 'fulfilled' && written.value !== undefined) {
        return changed(stateOf(options, next, written.value, items.profile));
      }
      // The change may have been made and its response lost: then the old cookie is invalid, and only we have the new one.
      const now = await readItems(options, credential.key);
      if (now.core !== undefined && matchesSecret(next, now.core)) {
        return changed((await settleState(options, next, now)).state);
      }
      if (written.status === 'rejected') throw written.reason;
      return (await settleState(options, credential, now)).state;
    },

    /** The user's live sessions: this one first, then the most recently active. `handle` is this one's. */
    async list(
      credential: SessionCredential,
    ): Promise<
      | { readonly status: 'active'; readonly handle: string; readonly sessions: readonly ListedSession[] }
      | NotActive
    > {
      const read = await readState(options, credential);
      if (!('core' in read)) return read.state;
      const sessions = (await ownSessions(options, read.core))
        .map(({ key, ...listed }) => ({ ...listed, current: key === credential.key }))
        .sort((one, other) => Number(other.current) - Number(one.current));
      return { status: 'active', handle: read.state.session.handle, sessions };
    },

    /**
     * Ends the user's live session with that handle as `revoked`; this may be the session of the request.
     *
     * @param own - the handle that this session must have, where given; gives `active` when it has another
     * @returns found: false when the user has no such session
     */
    async endListed(
      credential: SessionCredential,
      own: string | undefined,
      handle: string,
    ): Promise<
      | { readonly status: 'done'; readonly found: boolean; readonly person?: string | undefined }
      | SessionState
    > {
      const read = await readState(options, credential);
      if (!('core' in read)) return read.state;
      if (own !== undefined && read.state.session.handle !== own) return read.state;
      const sessions = await ownSessions(options, read.core);
      const target = sessions.find((session) => session.handle === handle);
      if (target === undefined) return { status: 'done', found: false };
      const ended = await transitions.endAndCleanUp(options, target.key, 'revoked', { handle });
      if (ended !== false) return { status: 'done', found: true, person: ended.person };
      // It has ended otherwise, or has a new handle after a role change.
      const core = (await getCores(options, [target])).get(target.key);
      return { status: 'done', found: core !== undefined && readString(core['state']) === 'ended' };
    },
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

type StateRead = { readonly state: NotActive } | { readonly state: ActiveState; readonly core: Item };
type ActiveState = Extract<SessionState, { status: 'active' }>;

const readState = async (options: StoreOptions, credential: SessionCredential): Promise<StateRead> =>
  settleState(options, credential, await readItems(options, credential.key));

/** The state of the items; an expiry that is found is written to the table. */
async function settleState(
  options: StoreOptions,
  credential: SessionCredential,
  { core, profile }: Items,
): Promise<StateRead> {
  const state = stateOf(options, credential, core, profile);
  if (core !== undefined && state.status === 'active') return { state, core };
  const ended = await transitions.recordExpiry(options, credential, core, state);
  await transitions.cleanUpAfterEnd(options, credential.key, ended);
  return { state: state as NotActive };
}

/** The live sessions of the same user. */
async function ownSessions(options: StoreOptions, core: Item): Promise<readonly LiveSession[]> {
  const user = readString(core['userHash']);
  return user === undefined ? [] : liveSessions(options, user);
}

/** A user's live sessions, the most recently active first. */
export async function liveSessions(options: StoreOptions, userHash: string): Promise<readonly LiveSession[]> {
  const cores = await getCores(options, await readIndex(options, userIndexKey(userHash)));
  return [...cores]
    .flatMap(([key, core]): LiveSession[] => {
      const liveness = readString(core['userHash']) === userHash ? livenessOf(options, core) : undefined;
      const handle = readString(core['handle']);
      if (liveness === undefined || !('expiry' in liveness) || handle === undefined) return [];
      const { signedInAt, lastActiveAt } = liveness.times;
      return [{ key, handle, signedInAt, lastActiveAt, device: readString(core['device']) ?? '' }];
    })
    .sort((one, other) => other.lastActiveAt - one.lastActiveAt || other.signedInAt - one.signedInAt);
}
