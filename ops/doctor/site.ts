/** The site as a browser and CIS2 see it. */
import { randomBytes } from 'node:crypto';
import { isObject } from '../../lambdas/common/json.ts';
import { cookieNames } from '../../lambdas/cookie-names.ts';
import { responseHeaders } from '../../lambdas/response-headers.ts';
import { isLoopback } from '../../lambdas/settings/urls.ts';
import { Fault } from './check.ts';
import { ask, jsonOf, type HttpResponse } from './http.ts';

export const site = { name: 'the site' };
const call = { 'x-csrf': '1', 'sec-fetch-site': 'same-origin' };

/** The site responds, over TLS, with our own function behind it. */
export async function checkSite(baseUrl: string): Promise<string> {
  const url = new URL(baseUrl);
  if (url.protocol !== 'https:' && !isLoopback(url)) {
    throw new Fault(
      `the base URL ${baseUrl} is not https`,
      'Browsers keep our cookies on https alone: give the environment an https baseUrl, and deploy.',
    );
  }
  const response = await ask(site, `${baseUrl}/auth/session`, { headers: call });
  const body = jsonOf(response);
  if (response.headers.get('x-bff-problem') === 'csrf_rejected') {
    throw new Fault(
      'a request with X-CSRF: 1 is refused as csrf_rejected: the header does not arrive',
      'A proxy before the site strips or doubles request headers: it must pass X-CSRF, Origin, Sec-Fetch-Site and Cookie on as they came.',
    );
  }
  if (response.status !== 200 || !isObject(body) || typeof body['status'] !== 'string') {
    throw new Fault(
      `GET /auth/session answers ${String(response.status)}${isObject(body) && typeof body['code'] === 'string' ? ` ${body['code']}` : ', and not as the session function does'}`,
      'Something else answers in place of the session function, or it fails: check the distribution’s /auth/* behaviour, a proxy before it, and the log of the function session.',
    );
  }
  if (!isLoopback(url)) {
    const plain = await ask(site, `http://${url.hostname}/`).catch(() => undefined);
    if (plain !== undefined && plain.status < 300) {
      throw new Fault(
        'the site answers over plain http too',
        'Redirect http to https at the edge, or close the port.',
      );
    }
  }
  return `${baseUrl} answers`;
}

/** The app itself: everything else can be right while people see an error page. */
export async function checkApp(baseUrl: string): Promise<string> {
  const { status, isPage } = await ask(site, `${baseUrl}/`, { headers: { accept: 'text/html' } });
  if (status === 200 && isPage) return '/ is a page';
  throw new Fault(
    `GET / answers ${String(status)}${isPage ? '' : ', and not with a page'}: users see no app`,
    'The edge reads the app from a bucket (stack output SpaBucket): upload what its build made, index.html at the top, and invalidate the distribution. A local start reads what --spa or bff.config.ts names.',
  );
}

/** With a cookie of no session, the session function reads the table. */
export async function checkStore(baseUrl: string): Promise<string> {
  const cookie = `${cookieNames.session}=${randomBytes(64).toString('base64url')}`;
  const response = await ask(site, `${baseUrl}/auth/session`, { headers: { ...call, cookie } });
  const body = jsonOf(response);
  if (response.status === 200 && isObject(body) && body['status'] === 'anonymous') {
    return 'the sessions table is read';
  }
  throw new Fault(
    `with a session cookie GET /auth/session answers ${String(response.status)}`,
    response.status === 503
      ? 'The sessions table cannot be read: check its throttles, its encryption key, and the log of the function session.'
      : 'See the log of the function session, and check whether a proxy changes cookies.',
  );
}

/** On the app's documents; an empty text stands for any value. */
const documentHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': '',
  'strict-transport-security': responseHeaders['strict-transport-security'],
  'x-content-type-options': responseHeaders['x-content-type-options'],
  'referrer-policy': '',
  'permissions-policy': '',
  'cross-origin-opener-policy': 'same-origin',
};

const policyAdvice =
  'The edge sets them (its response headers policies): check whether a proxy or another distribution before it strips or replaces headers, and deploy again where somebody changed it by hand.';

function requireHeaders(
  path: string,
  { headers }: HttpResponse,
  wanted: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(wanted)) {
    const found = headers.get(name);
    if (found === null) throw new Fault(`${path} is answered without the header ${name}`, policyAdvice);
    if (value !== '' && found !== value) {
      throw new Fault(`${path} is answered with ${name}: ${found} in place of ${value}`, policyAdvice);
    }
  }
  const cors = [...headers.keys()].find((name) => name.startsWith('access-control-'));
  if (cors !== undefined) {
    throw new Fault(
      `${path} is answered with ${cors}, which lets other sites read responses`,
      'We send no such header: remove it from the proxy or the distribution that adds it.',
    );
  }
}

export async function checkHeaders(baseUrl: string): Promise<string> {
  const paths = ['/auth/session', '/auth/no-such-route', '/api/no-such-upstream/x'];
  for (const path of paths) {
    const response = await ask(site, baseUrl + path, { headers: call });
    requireHeaders(path, response, responseHeaders);
    if (response.headers.get('x-request-id') === null) {
      throw new Fault(`${path} is answered without the header x-request-id`, policyAdvice);
    }
    if (response.status !== 200 && response.headers.get('x-bff-problem') === null) {
      throw new Fault(
        `${path} is answered ${String(response.status)} without the header x-bff-problem`,
        'An error page of a proxy or of the distribution replaces our response: switch its custom error responses off.',
      );
    }
    if (response.headers.getSetCookie().length > 0) {
      throw new Fault(
        `${path} is answered with a cookie`,
        'A proxy or a load balancer sets a cookie of its own on our responses: switch that off.',
      );
    }
  }
  const document = await ask(site, `${baseUrl}/`, { headers: { accept: 'text/html' } });
  requireHeaders('/', document, documentHeaders);
  const policy = document.headers.get('content-security-policy') ?? '';
  if (policy.includes("'unsafe-") && !isLoopback(new URL(baseUrl))) {
    throw new Fault('the content security policy of / allows unsafe sources', policyAdvice);
  }
  return 'all present, on our responses and on the app';
}

/** Each guard refuses by itself; a proxy that adds or drops headers would switch one off. */
export async function checkGuards(baseUrl: string): Promise<string> {
  const tries: readonly (readonly [string, Record<string, string>])[] = [
    ['without X-CSRF', {}],
    ['of another origin', { ...call, origin: 'https://other-site.invalid' }],
    ['of another site', { 'x-csrf': '1', 'sec-fetch-site': 'cross-site' }],
  ];
  for (const [what, headers] of tries) {
    const { status, headers: received } = await ask(site, `${baseUrl}/auth/session`, { headers });
    if (status !== 403 || received.get('x-bff-problem') !== 'csrf_rejected') {
      throw new Fault(
        `a request ${what} is answered ${String(status)}, and not refused as csrf_rejected`,
        'A proxy before the site adds, drops or rewrites request headers (X-CSRF, Origin, Sec-Fetch-Site), or answers itself: it must pass them on as they came.',
      );
    }
  }
  return 'each refuses by itself';
}

/** The endpoint at which CIS2 ends sessions, called as CIS2 would, with an invalid token. */
export async function checkBackchannel(baseUrl: string): Promise<string> {
  const response = await ask(
    { name: 'the back-channel logout endpoint' },
    `${baseUrl}/auth/backchannel-logout`,
    {
      method: 'POST',
      body: new URLSearchParams({ logout_token: 'bogus' }),
    },
  );
  const ours = response.headers.get('x-bff-problem');
  if (response.status === 400 && ours === 'invalid_request') return 'reached; an invalid token is refused';
  const advice =
    response.status === 503
      ? 'It cannot read CIS2’s keys or the table: see the log of the function backchannel-logout.'
      : ours === null
        ? 'Something before the function answers: the firewall, the gateway or a proxy. They must let POST to this path through, without cookies and user agent.'
        : 'A proxy changes the request on its way: POST with application/x-www-form-urlencoded must arrive as it is.';
  throw new Fault(
    `POST /auth/backchannel-logout answers ${String(response.status)} to an invalid token, and not 400 invalid_request: sessions would outlive a logout at CIS2`,
    advice,
  );
}

/** A sign-in that was started. */
export interface StartedSignIn {
  readonly location: URL;
  readonly state: string;
  /** As a `Cookie` header. */
  readonly cookie: string;
  /** As it was set. */
  readonly setCookie: string;
}

/**
 * Starts a sign-in as a browser does.
 *
 * @returns the sign-in, or the reference of the request that failed
 */
export async function beginSignIn(
  baseUrl: string,
): Promise<StartedSignIn | { readonly reference: string | null }> {
  const response = await ask(site, `${baseUrl}/auth/login`, {
    // Anybody can send this header; it must have no effect.
    headers: { 'x-forwarded-host': 'other-site.invalid' },
  });
  const location = response.headers.get('location') ?? '';
  if (response.status !== 302 || !URL.canParse(location)) {
    return { reference: response.headers.get('x-request-id') };
  }
  const url = new URL(location);
  const setCookie = response.headers.getSetCookie().find((line) => line.includes('sign-in')) ?? '';
  return {
    location: url,
    state: url.searchParams.get('state') ?? '',
    cookie: setCookie.split(';', 1)[0] ?? '',
    setCookie,
  };
}

export function checkCookie({ setCookie }: StartedSignIn): string {
  const advice =
    'We set it with all its attributes, so a proxy or a load balancer before the site rewrites cookies. Browsers would refuse the cookie, or send it where it must not go.';
  if (setCookie === '') throw new Fault('GET /auth/login sets no sign-in cookie', advice);
  const [pair = '', ...rest] = setCookie.split(';');
  const attributes = rest.map((attribute) => attribute.trim().toLowerCase());
  if (!pair.startsWith('__Host-Http-')) {
    throw new Fault('the name of the sign-in cookie does not begin with __Host-Http-', advice);
  }
  const missing = ['secure', 'httponly', 'samesite=lax', 'path=/', 'max-age=600'].find(
    (attribute) => !attributes.includes(attribute),
  );
  if (missing !== undefined) throw new Fault(`the sign-in cookie is set without ${missing}`, advice);
  if (attributes.some((attribute) => attribute.startsWith('domain='))) {
    throw new Fault('the sign-in cookie is set with a Domain', advice);
  }
  return '__Host-Http-, Secure, HttpOnly, SameSite=Lax, Path=/';
}
