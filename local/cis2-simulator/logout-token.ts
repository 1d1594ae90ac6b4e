import { randomUUID } from 'node:crypto';
import { base64url, SignJWT, type JWTPayload } from 'jose';
import { createSigningKey, type SigningKey } from './signer.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';

/** Who is logged out where. */
export interface LogoutSubject {
  readonly issuer: string;
  readonly clientId: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** Claims of a logout token as CIS2 sends it (OpenID Connect Back-Channel Logout 1.0 section 2.4): without `exp`. */
export const logoutClaims = ({ issuer, clientId, sub, sid, now }: LogoutSubject): JWTPayload => ({
  iss: issuer,
  ...(sub === undefined ? {} : { sub }),
  aud: clientId,
  iat: now,
  jti: randomUUID(),
  ...(sid === undefined ? {} : { sid }),
  events: { [event]: {} },
});

/** What a token is made from. */
interface LogoutContext {
  readonly claims: JWTPayload;
  readonly key: SigningKey;
  readonly now: number;
  /** The last token that was sent to this client. */
  readonly lastToken: string | undefined;
  readonly lastId: string | undefined;
  /** The last ID token that this client got in this session. */
  readonly idToken: string | undefined;
}

/** A token, and how it travels. */
export interface LogoutMessage {
  readonly token: string;
  readonly carriedBy: 'form' | 'json' | 'query';
}

interface Kind {
  readonly label: string;
  /** The response that is expected of a client; `any` where the specification leaves it open. */
  readonly expected: 'accepted' | 'refused' | 'any';
  readonly make: (context: LogoutContext) => Promise<LogoutMessage>;
}

/** There is nothing to make the token from. */
export class LogoutImpossible extends Error {
  override readonly name = 'LogoutImpossible';
  readonly code = 'logout_impossible';
}

const inForm = (token: string): LogoutMessage => ({ token, carriedBy: 'form' });

const kind = (
  label: string,
  expected: Kind['expected'],
  token: (context: LogoutContext) => Promise<string>,
): Kind => ({ label, expected, make: async (context) => inForm(await token(context)) });

/** A token that is right but for some claims; `undefined` leaves one out. */
const withClaims = (
  label: string,
  expected: Kind['expected'],
  change: (context: LogoutContext) => Record<string, unknown>,
): Kind => kind(label, expected, (context) => context.key.sign({ ...context.claims, ...change(context) }));

const withHeader = (label: string, header: Readonly<Record<string, unknown>>): Kind =>
  kind(label, 'accepted', ({ key, claims }) => key.sign(claims, header));

const encoded = (value: unknown): string => base64url.encode(JSON.stringify(value));

/**
 * The same issuer in a spelling that a URL parser takes for the same: with a port that is tidied away, as `:443` is, or
 * without it.
 */
export function otherSpelling(issuer: string): string {
  const tidied = new URL(issuer).href;
  if (tidied !== issuer) return tidied;
  const { port, origin } = new URL(issuer);
  const [scheme = '', host = ''] = origin.split(/:\/\//);
  const padded = port === '' ? `${host}:80` : host.replace(`:${port}`, `:0${port}`);
  return `${scheme}://${padded}${issuer.slice(origin.length)}`;
}

const needed = (value: string | undefined, reason: string): string => {
  if (value === undefined) throw new LogoutImpossible(reason);
  return value;
};

const nothingSent = 'No logout token has been sent to this client yet, so there is none to repeat.';

export const logoutKinds = {
  good: kind('As CIS2 sends it: sub and sid', 'accepted', ({ key, claims }) => key.sign(claims)),
  'sub-only': withClaims('sub without sid: everywhere', 'accepted', () => ({ sid: undefined })),
  'sid-only': withClaims('sid without sub', 'accepted', () => ({ sub: undefined })),
  'with-exp': withClaims('With an exp that is to come', 'accepted', ({ now }) => ({ exp: now + 120 })),
  'typ-logout-jwt': withHeader('typ logout+jwt', { typ: 'logout+jwt' }),
  'no-typ': withHeader('No typ', { typ: undefined }),

  'alg-none': kind('alg none, no signature', 'refused', ({ claims }) =>
    Promise.resolve(`${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims)}.`),
  ),
  hs256: kind('HS256, with our public key as the secret', 'refused', ({ key, claims }) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: key.kid })
      .sign(new TextEncoder().encode(key.publicPem)),
  ),
  'wrong-key': kind('Signed with another key under our kid', 'refused', async ({ key, claims }) =>
    (await createSigningKey()).sign(claims, { kid: key.kid }),
  ),
  'unknown-kid': kind('Signed with a key that is not published', 'refused', async ({ claims }) =>
    (await createSigningKey()).sign(claims),
  ),
  'wrong-iss': withClaims('Another issuer', 'refused', () => ({ iss: 'https://cis2.example.invalid/realm' })),
  'iss-spelt-otherwise': withClaims(
    'The issuer in another spelling, as with and without :443',
    'refused',
    ({ claims }) => ({ iss: otherSpelling(claims.iss ?? '') }),
  ),
  'wrong-aud': withClaims('For another client', 'refused', () => ({ aud: 'somebody-else' })),
  'no-events': withClaims('No events', 'refused', () => ({ events: undefined })),
  'wrong-event': withClaims('Another event', 'refused', () => ({
    events: { 'http://schemas.openid.net/event/something-else': {} },
  })),
  'events-null': withClaims('events is null', 'refused', () => ({ events: null })),
  'event-not-an-object': withClaims('The event is a string', 'refused', () => ({
    events: { [event]: 'yes' },
  })),
  nonce: withClaims('With a nonce', 'refused', () => ({ nonce: 'n-0' })),
  'stale-iat': withClaims('Issued ten minutes ago', 'refused', ({ now }) => ({ iat: now - 600 })),
  'future-iat': withClaims('Issued in ten minutes', 'refused', ({ now }) => ({ iat: now + 600 })),
  'no-iat': withClaims('No iat', 'refused', () => ({ iat: undefined })),
  expired: withClaims('exp passed two minutes ago', 'refused', ({ now }) => ({ exp: now - 120 })),
  'no-sub-no-sid': withClaims('Neither sub nor sid', 'refused', () => ({ sub: undefined, sid: undefined })),
  'no-jti': withClaims('No jti', 'refused', () => ({ jti: undefined })),
  'repeated-jti': withClaims('The jti of the token before', 'any', ({ lastId }) => ({
    jti: needed(lastId, nothingSent),
  })),
  replay: kind('The token before, once more', 'any', ({ lastToken }) =>
    Promise.resolve(needed(lastToken, nothingSent)),
  ),
  'id-token': kind('The ID token of this session in its place', 'refused', ({ idToken }) =>
    Promise.resolve(needed(idToken, 'This client has no ID token of this session.')),
  ),
  'wrong-content-type': {
    label: 'As JSON',
    expected: 'refused',
    make: async ({ key, claims }) => ({ token: await key.sign(claims), carriedBy: 'json' }),
  },
  'in-the-query': {
    label: 'In the query, with an empty form',
    expected: 'refused',
    make: async ({ key, claims }) => ({ token: await key.sign(claims), carriedBy: 'query' }),
  },
} as const satisfies Record<string, Kind>;

export type LogoutKind = keyof typeof logoutKinds;
export const isLogoutKind = (value: string): value is LogoutKind => Object.hasOwn(logoutKinds, value);
