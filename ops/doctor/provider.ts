/** CIS2, as this machine and our functions see it. */
import type { LogEntry } from '../logs.ts';
import { isObject } from '../../lambdas/common/json.ts';
import { age } from '../wording.ts';
import { Fault, NotChecked } from './check.ts';
import { ask, jsonOf } from './http.ts';
import { text } from './log-entry.ts';
import type { StartedSignIn } from './site.ts';

export interface Discovery {
  readonly authorizationEndpoint: string;
  readonly userInfoEndpoint: string;
  /** How far CIS2's clock is ahead of this machine's, in seconds. */
  readonly clockAhead: number | undefined;
}

const cis2IsDown =
  'CIS2 is down or slow: see its service status, and call its service desk. Nobody can sign in; sessions go on.';
const cis2 = { name: 'CIS2', advice: cis2IsDown };
const clip = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 200) : typeof value);

/** Metadata and keys, from outside. */
export async function discover(issuer: string): Promise<Discovery> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await ask(cis2, address);
  const metadata = jsonOf(response);
  if (response.status !== 200 || !isObject(metadata)) {
    throw new Fault(
      `CIS2’s discovery document is answered ${String(response.status)}`,
      response.status >= 500
        ? cis2IsDown
        : 'The issuer is spelled wrongly, or is that of another environment: compare it with what CIS2 gave you.',
    );
  }
  if (metadata['issuer'] !== issuer) {
    throw new Fault(
      `the issuer does not match: configured is ${issuer}, CIS2’s metadata says ${clip(metadata['issuer'])}`,
      'They must be equal character for character, :443 included: correct issuer in the environment, and deploy.',
    );
  }
  const endpoints = ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'];
  const missing = endpoints.find((name) => typeof metadata[name] !== 'string');
  if (missing !== undefined) {
    throw new Fault(
      `CIS2’s metadata has no ${missing}`,
      'Ask CIS2’s service desk: their document is broken.',
    );
  }
  const keys = await ask(cis2, String(metadata['jwks_uri']));
  const set = jsonOf(keys);
  const listed = isObject(set) && Array.isArray(set['keys']) ? (set['keys'] as unknown[]) : [];
  if (keys.status !== 200 || !listed.some((key) => isObject(key) && key['kty'] === 'RSA')) {
    throw new Fault(
      `CIS2’s keys are answered ${String(keys.status)}, with no RSA key among them`,
      'Without them no ID token and no logout token can be verified: call CIS2’s service desk.',
    );
  }
  return {
    authorizationEndpoint: String(metadata['authorization_endpoint']),
    userInfoEndpoint: String(metadata['userinfo_endpoint']),
    clockAhead: response.clockAhead,
  };
}

/** The authorisation request that our function makes, and whether CIS2 accepts it. */
export async function checkAuthorisation(
  { location }: StartedSignIn,
  discovery: Discovery | undefined,
  { baseUrl, clientId }: { baseUrl: string; clientId: string },
): Promise<string> {
  const sent = location.searchParams;
  const endpoint = location.origin + location.pathname;
  if (discovery !== undefined && new URL(discovery.authorizationEndpoint).href !== new URL(endpoint).href) {
    throw new Fault(
      `sign-ins are sent to ${endpoint}, and not to the authorization_endpoint of the configured issuer`,
      'The function login has another issuer: deploy again.',
    );
  }
  const wanted: readonly (readonly [string, string, string])[] = [
    ['client_id', clientId, 'The function login has another client id than the stack says: deploy again.'],
    [
      'redirect_uri',
      `${baseUrl}/auth/callback`,
      'The function has another base URL: deploy again with this baseUrl.',
    ],
    ['response_type', 'code', 'Another program answers at /auth/login.'],
    ['code_challenge_method', 'S256', 'Another program answers at /auth/login.'],
  ];
  for (const [name, value, advice] of wanted) {
    if (sent.get(name) !== value) {
      throw new Fault(`/auth/login sends ${name}=${sent.get(name) ?? 'nothing'} instead of ${value}`, advice);
    }
  }
  const { status, headers } = await ask(cis2, location.href);
  if (status >= 500) {
    throw new Fault(`CIS2 answers our authorisation request ${String(status)}`, cis2IsDown);
  }
  if (status >= 400) {
    throw new Fault(
      `CIS2 refuses our authorisation request with ${String(status)}: it does not know the client id ${clientId}, or the redirect URI ${baseUrl}/auth/callback is not registered for it`,
      'Compare both with the registration at CIS2, character for character; correct clientId or baseUrl, or have the registration changed.',
    );
  }
  const next = headers.get('location') ?? '';
  if (status >= 300 && URL.canParse(next, location.href)) {
    const { origin, pathname, searchParams } = new URL(next, location);
    if (origin + pathname === sent.get('redirect_uri')) throw faultOfError(searchParams.get('error'));
  }
  return `CIS2 knows the client ${clientId} and its redirect URI`;
}

/** Advice by the error code in CIS2's redirect. No other text of the address is shown. */
const errorAdvice: Readonly<Record<string, string>> = {
  invalid_scope:
    'Compare the scopes that the functions ask for (CIS2_SCOPE) with those of the registration at CIS2; correct them, or have the registration changed.',
  unauthorized_client:
    'CIS2 knows the client, but does not let it use the authorization code flow: have the registration changed.',
  unsupported_response_type: 'Have the response type “code” entered in the registration at CIS2.',
  invalid_request:
    'CIS2 does not accept a parameter that /auth/login sends: compare acr_values, prompt and the scopes with the registration at CIS2.',
  access_denied: 'CIS2 does not let this client sign anybody in: ask its service desk.',
  server_error: cis2IsDown,
  temporarily_unavailable: cis2IsDown,
};

/** The browser was sent back to us instead of to a sign-in page. */
function faultOfError(error: string | null): Fault {
  const advice = Object.hasOwn(errorAdvice, error ?? '') ? errorAdvice[error ?? ''] : undefined;
  const named = advice === undefined ? 'no error code that doctor knows' : `the error ${String(error)}`;
  return new Fault(
    `CIS2 refuses our authorisation request: it sends the browser back without a sign-in page, with ${named}`,
    advice ??
      'Start a sign-in in a browser and see where it is sent; compare the request with the registration at CIS2, and ask its service desk.',
  );
}

/** How long a sign-in waits for one response of CIS2, in milliseconds. */
const maxSignInCallMs = 4_000;

/** UserInfo, called with an invalid access token: it must refuse the token. */
export async function checkUserInfo(discovery: Discovery | undefined): Promise<string> {
  if (discovery === undefined) throw new NotChecked('CIS2’s metadata, which has its address, cannot be read');
  const { status, isPage } = await ask({ ...cis2, maxMs: maxSignInCallMs }, discovery.userInfoEndpoint, {
    headers: { authorization: 'Bearer none', accept: 'application/json, application/jwt' },
  });
  if ([400, 401, 403].includes(status) && !isPage) return 'refuses an invalid access token';
  throw new Fault(
    `CIS2’s UserInfo endpoint answers ${String(status)}${isPage ? ' with a web page' : ''} to an invalid access token, and does not refuse it`,
    status >= 500
      ? cis2IsDown
      : 'Something else answers at that address, such as a proxy on the way; if not, call CIS2’s service desk. Nobody can sign in without UserInfo.',
  );
}

/**
 * Why a function could not go on with a sign-in, by its log.
 *
 * @param seeLog - how to read that log
 */
export function faultOfEntries(entries: readonly LogEntry[], what: string, seeLog: string): Fault {
  const detail = text(
    entries.find(({ event }) => event === 'dependency_failed'),
    'detail',
  );
  const code = text(
    entries.find(({ event }) => event === 'request'),
    'code',
  );
  if (/another issuer/.test(detail)) {
    return new Fault(
      `${what}: the issuer does not match, says the log (${detail})`,
      'The configured issuer must equal the one in CIS2’s metadata, character for character, :443 included.',
    );
  }
  if (detail !== '') {
    return new Fault(
      `${what}: ${detail}, says the log`,
      `CIS2 is down, or the functions do not reach it: see its service status and the metric ProviderUnavailable, and call its service desk. ${seeLog}`,
    );
  }
  return new Fault(`${what}${code === '' ? '' : ` (${code})`}`, seeLog);
}

/** Where a browser that signs out is sent. Without parameters it may refuse the request, but it must be there. */
export async function checkEndSession(url: string): Promise<string> {
  const { status } = await ask({ ...cis2, advice: endSessionAdvice }, url);
  if (status < 500 && status !== 404) return `${url} answers`;
  throw new Fault(`CIS2’s end-session endpoint, ${url}, answers ${String(status)}`, endSessionAdvice);
}

const endSessionAdvice =
  'Whoever signs out lands on an error page, signed out here and not at CIS2. Compare endSessionUrl with CIS2’s metadata (end_session_endpoint); if it matches, CIS2 is down or slow: call its service desk.';

/** Where users' tokens for APIs come from. It must refuse an empty request. */
export async function checkApiPlatform(tokenUrl: string): Promise<string> {
  const { status } = await ask({ name: 'the API platform' }, tokenUrl, {
    method: 'POST',
    body: new URLSearchParams(),
  });
  if (status >= 400 && status < 500 && status !== 404) return 'its token endpoint answers';
  throw new Fault(
    `the token endpoint of the API platform, ${tokenUrl}, answers ${String(status)}`,
    status >= 500
      ? 'The platform is down: see its status page. Sign-ins go on; calls to APIs answer 503.'
      : 'The address is not that of a token endpoint: correct apiPlatformTokenUrl, and deploy.',
  );
}

/** The events of calls to the platform's token endpoint. */
export const tokenEvents = ['token_exchanged', 'token_refreshed', 'token_refused', 'dependency_failed'];
export const tokenHours = 24;

/** The platform's errors that are about our application or its key, and not about a user's tokens. */
const applicationErrors = ['invalid_client', 'invalid_request', 'public_key error'];

/**
 * Whether the platform accepts our application's credentials. Only a call for a user tries them, and only the function may read their
 * secret.
 *
 * @param entries - of {@link tokenEvents}, the latest first
 */
export function checkApplication(entries: readonly LogEntry[], now: number): string {
  const advice =
    'See docs/operations/registering-with-the-api-platform.md: it says how to fill in the credentials, and what each error means.';
  for (const entry of entries) {
    const when = age(text(entry, 'time'), now);
    if (text(entry, 'event') === 'dependency_failed') {
      if (text(entry, 'error') !== 'ApplicationUnavailable') continue;
      throw new Fault(
        `a call ${when} could not read the application’s credentials, or they are not filled in`,
        advice,
      );
    }
    if (text(entry, 'event') !== 'token_refused') return `the platform accepted them ${when}`;
    const error = text(entry, 'error');
    if (applicationErrors.includes(error)) {
      throw new Fault(`the API platform refused our application ${when} (${error})`, advice);
    }
  }
  throw new NotChecked(
    `because no call for a user has tried them in the last ${String(tokenHours)} hours, and this role may not read their secret`,
  );
}

/** Any response but a 5xx will do: without a user's token it says no more. */
export async function checkUpstream(name: string, url: string): Promise<string> {
  const { status } = await ask({ name: `the upstream ${name}` }, url);
  if (status < 500) return `${url} answers`;
  throw new Fault(
    `the upstream ${name}, ${url}, answers ${String(status)}`,
    'It is down or overloaded: see its status page. Sign-ins go on; calls to it answer 502 or 504.',
  );
}

/**
 * The result of a sign-in with an invalid code: CIS2 must accept our client assertion, and refuse the code.
 *
 * @param entries - the log of that request
 * @param trace - the command that shows the log entries of a reference
 */
export function checkAssertion(
  entries: readonly LogEntry[],
  clockAhead: number | undefined,
  trace: (reference: string) => string,
): string {
  const failed = entries.find(({ event }) => event === 'sign_in_failed' || event === 'sign_in_probed');
  const seeLog = `Run ${trace(text(failed, 'reference'))}, or see the log of the function callback.`;
  if (failed === undefined) throw new NotChecked('the log has no entry of the sign-in that was tried');
  const check = text(failed, 'check');
  if (check.endsWith('error invalid_grant')) {
    return 'CIS2 accepts our client assertion, and refuses an invalid code';
  }
  if (check.endsWith('error invalid_client')) {
    const off = clockAhead !== undefined && Math.abs(clockAhead) > maxClockDifference;
    throw new Fault(
      'CIS2 refuses our client assertion (invalid_client): it does not know the client id, has not read the key that signs, has another authentication method registered, or finds the times wrong',
      off
        ? `The clocks differ by ${String(clockAhead)} s, which may be enough for that: correct the clock first.`
        : 'Compare with the registration at CIS2: the client id, the JWKS address, authentication private_key_jwt (no client secret), algorithm RS512. If they match, see docs/operations/cis2-cannot-read-our-keys.md.',
    );
  }
  if (check === 'no sign-in cookie') {
    throw new Fault(
      'the sign-in cookie does not come back: GET /auth/callback arrives without it',
      'A proxy before the site strips the request header Cookie, or rewrites the cookie’s name or value: it must pass both on unchanged.',
    );
  }
  if (text(failed, 'code') === 'provider_unavailable') {
    throw faultOfEntries(entries, 'the token endpoint of CIS2 cannot be used', seeLog);
  }
  throw new Fault(
    `a sign-in with an invalid code ends with ${text(failed, 'code')}${check === '' ? '' : ` (${check})`} instead of invalid_grant`,
    seeLog,
  );
}

/** In seconds. With a larger difference, tokens or assertions may be refused for their times. */
const maxClockDifference = 15;

/** How far CIS2's clock is ahead of the functions', in seconds, as they measured it. */
export function measuredClockDifference(entries: readonly LogEntry[]): number | undefined {
  const values = entries
    .flatMap((entry) => entry['ClockDifference'])
    .filter((value) => typeof value === 'number')
    .toSorted((one, other) => Math.abs(other) - Math.abs(one));
  return values[0];
}

export function checkClock(difference: number | undefined): string {
  if (difference === undefined) throw new NotChecked('no response of CIS2 had its time');
  if (Math.abs(difference) > maxClockDifference) {
    throw new Fault(
      `the clocks differ: CIS2’s is ${String(Math.abs(difference))} s ${difference > 0 ? 'ahead of' : 'behind'} ours`,
      'AWS keeps the functions’ clock right: on a laptop, synchronise the clock; otherwise tell CIS2’s service desk. Until then sign-ins and logouts may be refused for their times.',
    );
  }
  return `differs from CIS2’s by ${String(difference)} s`;
}
