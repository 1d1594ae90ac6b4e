/** The state of a session, from its items. */
import { timingSafeEqual } from 'node:crypto';
import { after, type EpochSeconds, type HealthcareWorker, type Role } from '../common/index.ts';
import { openContent } from './sealed-content.ts';
import type { SessionCredential } from './credential.ts';
import {
  format,
  readEpochSeconds,
  numberAttribute,
  readPositive,
  secretHash,
  readString,
  type Item,
} from './items.ts';
import { expiryOf, stricter, type Expiry, type SessionLimits, type SessionTimes } from './expiry.ts';
import type { StoreOptions } from './store.ts';
import type { Expression } from './table.ts';

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
  /** Names this session in this role; cannot be used as a cookie. */
  readonly handle: string;
  /** The keyed hash of the person, which does not identify them. */
  readonly person: string | undefined;
  readonly worker: HealthcareWorker;
  /** The role the person works in; null until one is chosen. */
  readonly role: Role | null;
  readonly expiry: Expiry;
  /** How many other live sessions the user had when this one began; undefined when none, or not requested. */
  readonly otherSessions: number | undefined;
}

export type SessionState =
  | { readonly status: 'active'; readonly session: Session }
  | { readonly status: 'ended'; readonly reason: EndReason }
  /** The credential opens no session. If there should be one, `unreadable` names the damaged part. */
  | { readonly status: 'unknown'; readonly unreadable?: 'core' | 'content' };

/** An ended session is stored this long beyond its absolute limit, in seconds, so that its user learns the reason. */
const retentionSeconds = 3_600;

export const ttlOf = ({ limits }: StoreOptions, signedInAt: EpochSeconds): EpochSeconds =>
  after(signedInAt, limits.absoluteSeconds + retentionSeconds);

/** What a session must match, in addition to its key. */
export interface SessionMatch {
  readonly credential?: SessionCredential;
  readonly handle?: string | undefined;
  readonly replacementHash?: string;
}

/** The condition that a session is alive by its own limits and the current ones, and matches. */
export const alive = ({ limits, clock }: StoreOptions, match: SessionMatch = {}): Expression => {
  const now = clock();
  const required = Object.entries({
    secretHash: match.credential && secretHash(match.credential.secret),
    handle: match.handle,
    replacementHash: match.replacementHash,
  }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return {
    expression: [
      '#state = :alive AND idleAt > :now AND absoluteAt > :now',
      'lastActiveAt > :idleSince AND signedInAt > :absoluteSince',
      ...required.map(([name]) => `${name} = :${name}`),
    ].join(' AND '),
    values: {
      ':alive': { S: 'alive' },
      ':now': numberAttribute(now),
      ':idleSince': numberAttribute(after(now, -limits.idleSeconds)),
      ':absoluteSince': numberAttribute(after(now, -limits.absoluteSeconds)),
      ...Object.fromEntries(required.map(([name, value]) => [`:${name}`, { S: value }])),
    },
  };
};

/** A session's times, and the limits that apply to it. */
interface AppliedTimes extends SessionTimes {
  readonly limits: SessionLimits;
}

/** The limits are its own or the current ones, whichever are stricter. Undefined when an attribute is missing or invalid. */
function timesOf({ limits }: StoreOptions, core: Item): AppliedTimes | undefined {
  const signedInAt = readEpochSeconds(core['signedInAt']);
  const lastActiveAt = readEpochSeconds(core['lastActiveAt']);
  const idleSeconds = readPositive(core['idleSeconds']);
  const absoluteSeconds = readPositive(core['absoluteSeconds']);
  if (signedInAt === undefined || lastActiveAt === undefined) return undefined;
  if (idleSeconds === undefined || absoluteSeconds === undefined) return undefined;
  return { signedInAt, lastActiveAt, limits: stricter(limits, { idleSeconds, absoluteSeconds }) };
}

/** Alive until `expiry`, or ended: `written` when the table has the end already. */
export type Liveness =
  | { readonly expiry: Expiry; readonly times: AppliedTimes }
  | { readonly reason: EndReason; readonly written: boolean };

/** Whether the session of a core item is alive, without opening anything; undefined when the item is invalid. */
export const livenessOf = (options: StoreOptions, core: Item): Liveness | undefined => {
  const times = timesOf(options, core);
  if (core['format']?.N !== String(format) || times === undefined) return undefined;
  const state = readString(core['state']);
  const reason = readString(core['reason']);
  if (state === 'ended') return isEndReason(reason) ? { reason, written: true } : undefined;
  if (state !== 'alive') return undefined;
  const expiry = expiryOf(times, times.limits);
  return options.clock() >= expiry.at ? { reason: expiry.bindingLimit, written: false } : { expiry, times };
};

/** Whether a core item, as it was before its end was written, was still alive. */
export const wasAlive = (options: StoreOptions, core: Item | undefined): boolean => {
  const liveness = core && livenessOf(options, core);
  return liveness !== undefined && 'expiry' in liveness;
};

const sameHash = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));

/** Whether this credential's secret is the session's present one. */
export const matchesSecret = (credential: SessionCredential, core: Item): boolean =>
  sameHash(readString(core['secretHash']) ?? '', secretHash(credential.secret));

/** The hashes of the session's earlier secrets, the latest first. */
export const formerSecrets = (core: Item): readonly string[] =>
  (core['formerSecrets']?.L ?? []).flatMap((hash) => readString(hash) ?? []);

/** Whether this credential's secret was replaced by a role change. */
const matchesFormerSecret = (credential: SessionCredential, core: Item): boolean => {
  const presented = secretHash(credential.secret);
  return formerSecrets(core).some((former) => sameHash(former, presented));
};

/** No live session of this credential. */
export type NotActive = Exclude<SessionState, { status: 'active' }>;

/** The result of checking a credential, before anything is opened. */
export type CredentialCheck =
  | {
      readonly status: 'alive';
      readonly core: Item;
      readonly times: AppliedTimes;
      readonly expiry: Expiry;
      readonly handle: string;
    }
  | NotActive;

/**
 * Checks a credential against a session's core item.
 *
 * A cookie that a role change has replaced gets `replaced`, whatever happened to the session since.
 */
export const checkCredential = (
  options: StoreOptions,
  credential: SessionCredential,
  core: Item | undefined,
): CredentialCheck => {
  const unknown = { status: 'unknown' } as const;
  // A session of an earlier release cannot be opened any more.
  if (core === undefined || (readPositive(core['format']) ?? format) < format) return unknown;
  if (!matchesSecret(credential, core)) {
    return matchesFormerSecret(credential, core) ? { status: 'ended', reason: 'replaced' } : unknown;
  }
  const liveness = livenessOf(options, core);
  const handle = readString(core['handle']);
  if (liveness === undefined || handle === undefined) return { status: 'unknown', unreadable: 'core' };
  if ('reason' in liveness) return { status: 'ended', reason: liveness.reason };
  return { status: 'alive', core, handle, ...liveness };
};

/** The state of a session for the holder of a credential. */
export const stateOf = (
  options: StoreOptions,
  credential: SessionCredential,
  found: Item | undefined,
  profile: Item | undefined,
): SessionState => {
  const checked = checkCredential(options, credential, found);
  if (checked.status !== 'alive') return checked;
  const { core, times, handle, expiry } = checked;
  const content = openContent(credential, core, profile);
  if (content === undefined) return { status: 'unknown', unreadable: 'content' };
  const { worker, roleId } = content;
  return {
    status: 'active',
    session: {
      signedInAt: times.signedInAt,
      lastActiveAt: times.lastActiveAt,
      handle,
      person: readString(core['userHash']),
      worker,
      role: worker.roles.find((role) => role.roleId === roleId) ?? null,
      expiry,
      otherSessions: readPositive(core['otherSessions']),
    },
  };
};
