import { Problem, readCookie, type HttpRequest } from '../http/index.ts';
import { parseCredential, type SessionCredential } from '../session/index.ts';

/**
 * The session cookie's credential; undefined when there is none, or what is there was never one of ours.
 *
 * @throws Problem `invalid_request` when the cookie came twice: one of the two is not ours, and we do not guess which
 */
export function presentedCredential(request: HttpRequest): SessionCredential | undefined {
  const [value, ...others] = readCookie('session', request.cookies);
  if (others.length > 0) throw new Problem('invalid_request');
  return value === undefined ? undefined : parseCredential(value);
}
