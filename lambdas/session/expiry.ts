import { after, type EpochSeconds } from '../common/index.ts';

/** How long a session may live, in seconds. */
export interface SessionLimits {
  readonly idleSeconds: number;
  readonly absoluteSeconds: number;
}

/** The stricter of two, limit by limit: raising a setting never lengthens a session that has begun. */
export const stricter = (one: SessionLimits, other: SessionLimits): SessionLimits => ({
  idleSeconds: Math.min(one.idleSeconds, other.idleSeconds),
  absoluteSeconds: Math.min(one.absoluteSeconds, other.absoluteSeconds),
});

export interface SessionTimes {
  readonly signedInAt: EpochSeconds;
  /** The last time the user was active. */
  readonly lastActiveAt: EpochSeconds;
}

export interface Expiry {
  /** When the session ends unless the user is active: the earlier of the two. */
  readonly at: EpochSeconds;
  readonly idleAt: EpochSeconds;
  readonly absoluteAt: EpochSeconds;
  readonly bindingLimit: 'idle' | 'absolute';
  /** When to warn the user. */
  readonly warnAt: EpochSeconds;
}

const maxWarningSeconds = 120;

/** When a session ends, and by which limit. */
export function expiryOf({ signedInAt, lastActiveAt }: SessionTimes, limits: SessionLimits): Expiry {
  const idleAt = after(lastActiveAt, limits.idleSeconds);
  const absoluteAt = after(signedInAt, limits.absoluteSeconds);
  const bindingLimit = idleAt <= absoluteAt ? 'idle' : 'absolute';
  const at = bindingLimit === 'idle' ? idleAt : absoluteAt;
  const warning = Math.min(maxWarningSeconds, Math.ceil(limits.idleSeconds / 5));
  return { at, idleAt, absoluteAt, bindingLimit, warnAt: after(at, -warning) };
}
