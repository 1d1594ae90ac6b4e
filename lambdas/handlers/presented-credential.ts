import { decodeBase64Url, Secret } from '../common/index.ts';
import { Problem, readCookie, type HttpRequest } from '../http/index.ts';
import { parseCredential, type SessionCredential } from '../session/index.ts';

/**
 * The session cookie's credential; undefined when there is none, or it cannot be one of ours.
 *
 * @throws Problem `invalid_request` when the cookie was sent twice: one of them is not ours
 */
export function presentedCredential(request: HttpRequest): SessionCredential | undefined {
  const [value, ...others] = readCookie('session', request.cookies);
  if (others.length > 0) throw new Problem('invalid_request');
  return value === undefined ? undefined : parseCredential(value);
}

/** Size of the sign-in cookie's secret. */
export const signInSecretBytes = 32;

/** The secret of this browser's other sign-ins; a new one would invalidate them. */
export function presentedSecret(request: HttpRequest): Secret<Buffer> | undefined {
  const [value, ...others] = readCookie('signIn', request.cookies);
  if (value === undefined || others.length > 0) return undefined;
  const bytes = decodeBase64Url(value, signInSecretBytes);
  return bytes === undefined ? undefined : new Secret(bytes);
}
