/** Logout tokens as CIS2 sends them, and whatever a test makes of them. */
import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { subject, type Provider, type ProviderKey } from '../support/provider.ts';
import { rawRequest, type RawResponse } from '../support/raw-http.ts';
import { clientId } from '../support/rig.ts';

export const logoutPath = '/auth/backchannel-logout';
export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';
export const formType = 'application/x-www-form-urlencoded';

/** The claims of a logout token that is right in every way; `undefined` leaves one out. */
export const logoutClaims = (
  provider: Provider,
  changes: Record<string, unknown> = {},
): Record<string, unknown> => ({
  iss: provider.issuer,
  sub: subject,
  aud: clientId,
  iat: Math.floor(Date.now() / 1000),
  jti: randomUUID(),
  events: { [logoutEvent]: {} },
  ...changes,
});

/** Signs claims as they are. */
export const signLogout = (
  claims: Record<string, unknown>,
  key: ProviderKey,
  header: Record<string, unknown> = {},
  algorithm = 'RS256',
): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ typ: 'JWT', kid: key.kid, ...header, alg: algorithm })
    .sign(key.privateKey);

/** A logout token, right but for these changes. */
export const logoutToken = (
  provider: Provider,
  changes: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> => signLogout(logoutClaims(provider, changes), provider.signing, header);

/** Posts a form's text, with nothing but what CIS2 sends. */
export const postForm = (
  baseUrl: string,
  body: string,
  headers: readonly (readonly [string, string])[] = [['Content-Type', formType]],
  target = logoutPath,
): Promise<RawResponse> => rawRequest(baseUrl, target, { method: 'POST', headers, body });

export const postLogout = (baseUrl: string, token: string): Promise<RawResponse> =>
  postForm(baseUrl, new URLSearchParams({ logout_token: token }).toString());

/** From now on this is who signs in, and in which session of CIS2's; `undefined`: CIS2 does not say. */
export function signsIn(provider: Provider, user: string, sid: string | undefined): void {
  provider.claims = () => ({ sub: user, sid });
  provider.userInfo = { sub: user };
}

let users = 0;
/** A user id that no other test of the file has. */
export function newUser(): string {
  users += 1;
  return String(910_000_000_000 + users);
}
