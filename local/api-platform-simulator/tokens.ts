import { randomBytes } from 'node:crypto';
import type { Clock } from '../cis2-simulator/expiring-map.ts';
import type { Subject } from './subject-token.ts';
import { TokenError } from './token-error.ts';

/** How long a family can be refreshed, in milliseconds: what the platform's own parameters are in. */
const refreshLifetimeMs = 12 * 3_600_000;

/** What the control panel can change. */
export interface TokenBehaviour {
  /** How long an access token is good for, in milliseconds. */
  readonly accessLifetimeMs: number;
  /** Whether everything of a family dies when one of its spent refresh tokens turns up again. */
  readonly reuseRevokesFamily: boolean;
  /** Whether a refresh ends the access tokens before it. */
  readonly refreshEndsAccess: boolean;
}

export const defaultBehaviour: TokenBehaviour = {
  accessLifetimeMs: 600_000,
  reuseRevokesFamily: false,
  refreshEndsAccess: false,
};

/** What the caller asks for in place of the platform's lifetimes: never a longer one. */
export interface AskedLifetimes {
  readonly accessMs: number | undefined;
  readonly refreshMs: number | undefined;
  /** How long the whole family can be refreshed, from its first issue. */
  readonly familyMs: number | undefined;
}

/** The success response (RFC 6749 section 5.1, RFC 8693 section 2.2.1): every number in it is text. */
export interface TokenResponse {
  readonly access_token: string;
  readonly expires_in: string;
  readonly token_type: 'Bearer';
  readonly issued_token_type: 'urn:ietf:params:oauth:token-type:access_token';
  readonly refresh_token: string;
  readonly refresh_token_expires_in: string;
  readonly refresh_count: string;
}

/** What a good access token stands for. */
export interface Introspection extends Subject {
  readonly apiKey: string;
}

/** Everything that comes of one exchange. */
interface Family {
  readonly apiKey: string;
  readonly subject: Subject;
  /** Milliseconds since the epoch, as all times here. */
  readonly firstIssuedAt: number;
  refreshableUntil: number;
  refreshes: number;
  revoked: boolean;
}

interface Issued {
  readonly family: Family;
  readonly expiresAt: number;
}

const opaque = (): string => randomBytes(24).toString('base64url');

/** The shorter of what is asked for and what there is. */
const shorter = (asked: number | undefined, max: number): number => Math.min(asked ?? max, max);

/** The platform counts from a moment before it responds: 600 s are stated as 599. */
const statedSeconds = (milliseconds: number): string =>
  String(Math.max(0, Math.ceil(milliseconds / 1_000) - 1));

const invalidGrant = (description: string): TokenError => new TokenError(401, 'invalid_grant', description);

/** The tokens that have been given out. They are opaque: only this knows what they stand for. */
export class Tokens {
  readonly #access = new Map<string, Issued>();
  readonly #refresh = new Map<string, Issued & { spent: boolean }>();
  readonly #clock: Clock;
  behaviour: TokenBehaviour = defaultBehaviour;
  /** How often a spent refresh token has turned up. */
  reuses = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The tokens of a new exchange. */
  issue(apiKey: string, subject: Subject, asked: AskedLifetimes): TokenResponse {
    this.#dropDead();
    const now = this.#now();
    const refreshableUntil = now + shorter(asked.familyMs, refreshLifetimeMs);
    return this.#issueTokens(
      { apiKey, subject, firstIssuedAt: now, refreshableUntil, refreshes: 0, revoked: false },
      asked,
    );
  }

  /**
   * The next tokens of a family, for a refresh token that is good this once.
   *
   * @throws TokenError when it is unknown, spent, expired, revoked or somebody else's
   */
  refresh(apiKey: string, token: string | undefined, asked: AskedLifetimes) {
    const issued = this.#refresh.get(token ?? '');
    if (issued?.family.apiKey !== apiKey || issued.family.revoked) {
      throw invalidGrant('refresh_token is invalid');
    }
    const { family } = issued;
    if (issued.spent) {
      this.reuses += 1;
      if (this.behaviour.reuseRevokesFamily) family.revoked = true;
      throw invalidGrant('refresh_token is invalid');
    }
    const now = this.#now();
    if (asked.familyMs !== undefined) {
      family.refreshableUntil = Math.min(family.refreshableUntil, family.firstIssuedAt + asked.familyMs);
    }
    if (family.refreshableUntil <= now) throw invalidGrant('refresh token refresh period has expired');
    if (issued.expiresAt <= now) throw invalidGrant('refresh_token is invalid');
    issued.spent = true;
    family.refreshes += 1;
    if (this.behaviour.refreshEndsAccess) this.#endAccess(family);
    return { issued: this.#issueTokens(family, asked), uid: family.subject.uid };
  }

  /** What an access token stands for; undefined when it is unknown, expired or revoked. */
  introspect(token: string): Introspection | undefined {
    const issued = this.#access.get(token);
    if (issued === undefined || issued.family.revoked || issued.expiresAt <= this.#now()) return undefined;
    return { ...issued.family.subject, apiKey: issued.family.apiKey };
  }

  /** Ends access tokens, and with `refreshTokens` everything; of one person, or of everybody. */
  revoke(uid: string | undefined, refreshTokens: boolean): void {
    const families = new Set(
      [...this.#access.values(), ...this.#refresh.values()].map(({ family }) => family),
    );
    for (const family of families) {
      if (uid !== undefined && family.subject.uid !== uid) continue;
      this.#endAccess(family);
      if (refreshTokens) family.revoked = true;
    }
  }

  #now(): number {
    return this.#clock() * 1_000;
  }

  #issueTokens(family: Family, asked: AskedLifetimes): TokenResponse {
    const now = this.#now();
    const [access, refresh] = [opaque(), opaque()];
    const accessMs = shorter(asked.accessMs, this.behaviour.accessLifetimeMs);
    const refreshMs = shorter(asked.refreshMs, family.refreshableUntil - now);
    this.#access.set(access, { family, expiresAt: now + accessMs });
    this.#refresh.set(refresh, { family, expiresAt: now + refreshMs, spent: false });
    return {
      access_token: access,
      expires_in: statedSeconds(accessMs),
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      refresh_token: refresh,
      refresh_token_expires_in: statedSeconds(refreshMs),
      refresh_count: String(family.refreshes),
    };
  }

  #endAccess(family: Family): void {
    for (const [token, issued] of this.#access) if (issued.family === family) this.#access.delete(token);
  }

  /** A family that can no longer be refreshed is forgotten a lifetime later, spent tokens and all. */
  #dropDead(): void {
    const longAgo = this.#now() - refreshLifetimeMs;
    for (const tokens of [this.#access, this.#refresh]) {
      for (const [token, { family }] of tokens) if (family.refreshableUntil < longAgo) tokens.delete(token);
    }
  }
}
