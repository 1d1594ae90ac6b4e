/** What the contract says of every response, in one place. */
import { expect } from '@jest/globals';
import { Browser, signInCookie, type SessionJson } from '../support/browser.ts';
import type { Rig } from '../support/rig.ts';

export const referencePattern = /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/;

/** Header name → value, of any kind of response. */
export const headersOf = (headers: Headers): Record<string, string> => Object.fromEntries(headers);

/** The headers that stand on every response under `/auth` and `/api`, whichever it is. */
export function expectOwnHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  cacheControl = 'no-store',
): void {
  expect(headers).toMatchObject({
    'cache-control': cacheControl,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'x-request-id': expect.stringMatching(referencePattern),
  });
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
}

/** A whole problem: its status, its code, exactly these members, and the reference that is in the header too. */
export function expectProblem(
  response: {
    status: number;
    headers: Readonly<Record<string, string | string[] | undefined>>;
    body: string;
  },
  status: number,
  code: string,
  members: Record<string, unknown> = {},
): void {
  expect({ status: response.status, body: response.body }).toMatchObject({ status });
  expectOwnHeaders(response.headers);
  expect(response.headers['content-type']).toBe('application/problem+json');
  expect(response.headers['x-bff-problem']).toBe(code);
  expect(response.headers['set-cookie']).toBeUndefined();
  expect(JSON.parse(response.body)).toEqual({
    type: `urn:cis2-bff:problem:${code}`,
    title: expect.stringMatching(/^[A-Z].{5,}/),
    status,
    code,
    reference: response.headers['x-request-id'],
    ...members,
  });
}

/** A response of `fetch`, read. */
export const read = async (
  response: Response,
): Promise<{ status: number; headers: Record<string, string>; body: string }> => ({
  status: response.status,
  headers: headersOf(response.headers),
  body: await response.text(),
});

/**
 * A callback that failed as the contract wants: back into the app with this code and a reference that finds the log
 * entry, and nothing else.
 */
export async function expectFailure(rig: Rig, response: Response, code: string): Promise<string> {
  const failure = Browser.failure(response);
  expect(failure?.code ?? `${String(response.status)} ${response.headers.get('location') ?? ''}`).toBe(code);
  const reference = failure?.reference ?? '';
  expect(reference).toMatch(referencePattern);
  expect(response.headers.get('x-request-id')).toBe(reference);
  expect(response.headers.get('location')).toBe(
    `${rig.bff.baseUrl}/sign-in-error?code=${code}&reference=${reference}`,
  );
  expect(response.headers.getSetCookie()).toEqual([]);
  expectOwnHeaders(headersOf(response.headers));
  expect(await response.text()).toBe('');
  return reference;
}

/** By product: the browser of somebody who is signed in there. */
const signedIn = new WeakMap<Rig['bff'], Browser>();

/** A browser with a session, the same for all tests that leave it as it is. It signs in again where one of them has ended it. */
export async function signedInBrowser(rig: Rig): Promise<{ browser: Browser; session: SessionJson }> {
  const browser = signedIn.get(rig.bff) ?? rig.browser();
  signedIn.set(rig.bff, browser);
  let session = await browser.session();
  if (session.status !== 'active') {
    session = await expectSignedIn(browser, await browser.signIn(rig.provider));
  }
  return { browser, session };
}

/**
 * A sign-in by somebody who has a session already, which must fail with this code and leave that session as it was.
 *
 * @param attempt - makes the provider wrong, then signs in; gives the callback's response
 * @returns the reference
 */
export async function expectRefused(
  rig: Rig,
  code: string,
  attempt: (browser: Browser) => Promise<Response>,
): Promise<string> {
  const {
    browser,
    session: { serverTime: before, ...session },
  } = await signedInBrowser(rig);
  const reference = await expectFailure(rig, await attempt(browser), code);
  expect(browser.cookies.get(signInCookie)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const { serverTime: after, ...same } = await browser.session();
  expect(same).toEqual(session);
  expect(after >= before).toBe(true);
  return reference;
}

/** A sign-in that ended with a session. */
export async function expectSignedIn(browser: Browser, response: Response): Promise<SessionJson> {
  expect([response.status, Browser.failure(response)]).toEqual([303, undefined]);
  const session = await browser.session();
  expect(session.status).toBe('active');
  return session;
}
