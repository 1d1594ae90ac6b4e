/**
 * Every secret and every personal detail of a whole run is a canary: unmistakable, and known to the test. Afterwards
 * every log line, every response and the whole store are searched for each of them, in every likely spelling.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { SignJWT } from 'jose';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { AwsProxy } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Browser, sessionCookie, signInCookie } from '../support/browser.ts';
import { oneRole, Provider, type ProviderKey } from '../support/provider.ts';
import { itemText, spells } from '../support/spellings.ts';
import { Tables, type Item } from '../support/table.ts';

/** A place where text comes to lie. */
interface Place {
  readonly name: string;
  readonly text: string;
}

interface Canary {
  readonly name: string;
  readonly value: string;
  /** Where it belongs, by the place's name; it must be found in one of them at least. */
  readonly belongs: RegExp;
}

const canaries: Canary[] = [];
const planted = new Set<string>();
/** What the browser, CIS2 and AWS were sent or gave: where a canary is at home. */
const sent: Place[] = [];
const responses: Place[] = [];
let log: Place[] = [];
let table: Place[] = [];

/** Makes a canary, or notes one that the run itself made. */
function canary(
  name: string,
  belongs: RegExp,
  value = `canary-${name.replace(/\W+/g, '-')}-${randomBytes(9).toString('hex')}`,
): string {
  if (!planted.has(value)) {
    planted.add(value);
    canaries.push({ name, value, belongs });
  }
  return value;
}

const contains = (place: Place, value: string): boolean => spells(place.text, value);

const uniqueOf = (places: readonly Place[]): Place[] => [
  ...new Map(places.map((place) => [`${place.name}\n${place.text}`, place])).values(),
];

/** What is wrong with where canaries were found: `canary in place`. */
const strays = (places: readonly Place[], allowed: (canary: Canary, place: Place) => boolean): string[] =>
  uniqueOf(places).flatMap((place) =>
    canaries
      .filter((found) => contains(place, found.value) && !allowed(found, place))
      .map((found) => `${found.name} in ${place.name}: ${place.text.slice(0, 300)}`),
  );

let provider: Provider;
let store: AwsProxy;
let secrets: AwsProxy;
let bff: Bff;

/** A browser whose every exchange is kept. */
class WatchedBrowser extends Browser {
  override async request(path: string, init: Parameters<Browser['request']>[1] = {}): Promise<Response> {
    const jar = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    sent.push({
      name: 'request',
      text: [path, jar, JSON.stringify(init.headers), JSON.stringify(init.body)].join('\n'),
    });
    const response = await super.request(path, init);
    const route = `${init.method ?? 'GET'} ${path.split('?')[0] ?? ''} ${String(response.status)}`;
    for (const [name, value] of response.headers) {
      responses.push({ name: `${name} of ${route}`, text: value });
    }
    responses.push({ name: `body of ${route}`, text: await response.clone().text() });
    for (const name of [sessionCookie, signInCookie]) noteCookie(name, this.cookies.get(name));
    return response;
  }
}

/** A cookie's value, whole and in its halves, in every form in which a store could keep them. */
function noteCookie(name: string, value: string | undefined): void {
  if (value === undefined || value === '') return;
  const home = new RegExp(`^set-cookie of GET /auth/(login|callback) 30[23]$`);
  canary(`cookie ${name}`, home, value);
  const bytes = Buffer.from(value, 'base64url');
  if (bytes.length !== 64) return;
  // Halves: at home nowhere but inside the whole, so their home is where the whole one is.
  canary(`first half of ${name}`, home, value.slice(0, 40));
  canary(`second half of ${name}`, home, value.slice(-40));
  halves.push(bytes.subarray(0, 32), bytes.subarray(32));
}
const halves: Buffer[] = [];

const ids = { sid: '', uid: '' };

/** CIS2 with every claim a canary. */
function plantClaims(): void {
  ids.uid = canary(
    'uid',
    /^body of (GET|POST) \/auth\/session(\/extend)? 200$/,
    `9${randomBytes(5).readUIntBE(0, 5).toString().padStart(13, '7')}`,
  );
  ids.sid = canary('sid', /^ID token$/);
  const body = /^body of (GET|POST) \/auth\/session(\/extend)? 200$/;
  const claims = {
    title: canary('title', body),
    given_name: canary('given name', body),
    family_name: canary('family name', body),
    display_name: canary('display name', body),
  };
  provider.userInfo = {
    ...claims,
    sub: ids.uid,
    uid: ids.uid,
    nhsid_useruid: ids.uid,
    name: canary('name that is not shown', /^UserInfo$/),
    email: canary('email', /^UserInfo$/),
    nhsid_nrbac_roles: [
      {
        ...oneRole,
        person_roleid: canary('role id', body),
        person_orgid: canary('person org id', /^UserInfo$/),
        role_name: `"A":"B":"${canary('role name', body)}"`,
        activities: [canary('activity', /^UserInfo$/)],
        activity_codes: [canary('activity code', body)],
        workgroups_codes: [canary('workgroup', body)],
      },
    ],
    nhsid_user_orgs: [{ org_code: 'A9A5A', org_name: canary('org name', body) }],
  };
  provider.claims = ({ accessToken, grant }) => {
    canary('access token', /^(request to|response of) CIS2$/, accessToken);
    sent.push({ name: 'response of CIS2', text: accessToken });
    canary('nonce', /^(location of GET \/auth\/login 302|ID token)$/, grant['nonce']);
    return { sub: ids.uid, sid: ids.sid, given_name: claims.given_name };
  };
  provider.idToken = async (claims: JWTPayload, key: ProviderKey) => {
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: key.kid })
      .sign(key.privateKey);
    canary('ID token', /^ID token$/, token);
    canary('signature of the ID token', /^ID token$/, token.split('.')[2]);
    sent.push({ name: 'ID token', text: `${token}\n${JSON.stringify(claims)}` });
    return token;
  };
  sent.push({ name: 'UserInfo', text: JSON.stringify(provider.userInfo) });
}

/** A request as raw bytes: a client library would refuse to send it. */
async function rawRequest(lines: readonly string[]): Promise<void> {
  const url = new URL(bff.baseUrl);
  const text = `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`;
  sent.push({ name: 'request', text });
  const socket = connect(Number(url.port), '127.0.0.1');
  socket.write(text, 'latin1');
  responses.push({ name: 'raw response', text: Buffer.concat(await socket.toArray()).toString('latin1') });
}

/** A sign-in from its start to CIS2 and back, with canaries in all that the browser may add. */
async function attempt(
  browser: Browser,
  returned?: (state: string) => Record<string, string>,
): Promise<Response> {
  const junk = canary('query junk', /^request$/);
  const { location } = await browser.login(`?returnTo=/ward&junk=${junk}&state=${junk}&nonce=${junk}`);
  const granted = provider.authorise(location);
  canary('state', /^location of GET \/auth\/login 302$/, granted.state);
  if (returned !== undefined) return browser.callback(returned(granted.state));
  canary('code', /^request$/, granted.code);
  return browser.callback({ ...granted, junk: canary('callback junk', /^request$/) });
}

const post = { method: 'POST' } as const;

/** One user's day, good and bad, with everything that can go wrong on the way. */
async function wholeRun(): Promise<void> {
  const agent = `Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 ${canary('User-Agent', /^request$/)}`;
  const withAgent = { headers: { 'user-agent': agent } };

  // Keys: read once, with a canary of each private member.
  const { SecretId: keysSecret, SecretString: secret } =
    secrets.calls.find(({ operation }) => operation === 'PutSecretValue')?.body ?? {};
  const ring = JSON.parse(String(secret)) as { keys: { privateJwk: Record<string, string> }[] };
  for (const [index, { privateJwk }] of ring.keys.entries()) {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) {
      canary(`private key ${String(index)} ${member}`, /^secret$/, privateJwk[member]);
    }
  }
  sent.push({ name: 'secret', text: String(secret) });

  // A failure before any key or session is in memory.
  const broken = JSON.stringify({ SecretString: `{"${canary('broken secret', /^broken secret$/)}` });
  sent.push({ name: 'broken secret', text: broken });
  secrets.judge = ({ body }) => (body['SecretId'] === keysSecret ? { status: 200, body: broken } : 'pass');
  await attempt(new WatchedBrowser(bff.baseUrl));
  secrets.reset();

  // Good: in, look, stay, again, out.
  const browser = new WatchedBrowser(bff.baseUrl);
  expect((await attempt(browser)).headers.get('location')).toBe(`${bff.baseUrl}/ward`);
  expect((await browser.session()).status).toBe('active');
  await browser.api('/auth/session/extend', { ...post, ...withAgent });
  expect((await attempt(browser)).headers.get('location')).toBe(`${bff.baseUrl}/ward`);
  await browser.session();
  const left = new WatchedBrowser(bff.baseUrl);
  expect((await attempt(left)).headers.get('location')).toBe(`${bff.baseUrl}/ward`);
  await left.api('/auth/logout', post);
  await left.session();

  // Refused by CIS2, and what it says of it.
  for (const error of ['access_denied', 'server_error', canary('unknown error', /^request$/)]) {
    await attempt(browser, (state) => ({
      error,
      error_description: `${canary('error_description', /^request$/)}\r\n{"event":"forged"}\u001b[31m`,
      error_uri: `https://${canary('error_uri', /^request$/)}.invalid`,
      state,
    }));
  }
  // Wrong responses.
  const claims = provider.claims;
  const userInfo = provider.userInfo;
  for (const wrong of [
    { nonce: canary('wrong nonce', /^ID token$/) },
    { aud: canary('wrong aud', /^ID token$/) },
    { iss: canary('wrong iss', /^ID token$/) },
    { at_hash: canary('wrong at_hash', /^ID token$/) },
    { sid: [canary('wrong sid', /^ID token$/)] },
    { authentication_assurance_level: canary('wrong level', /^ID token$/) },
  ]) {
    provider.claims = (context) => ({ ...claims(context), ...wrong });
    expect(Browser.failure(await attempt(new WatchedBrowser(bff.baseUrl)))).toBeDefined();
  }
  provider.claims = claims;
  provider.userInfo = { ...userInfo, sub: canary('wrong sub', /^UserInfo$/) };
  sent.push({ name: 'UserInfo', text: JSON.stringify(provider.userInfo) });
  expect(Browser.failure(await attempt(new WatchedBrowser(bff.baseUrl)))).toBeDefined();
  provider.userInfo = userInfo;
  for (const endpoint of ['token', 'userinfo', 'jwks'] as const) {
    for (const status of [200, 400, 401, 500]) {
      const text = canary(`${endpoint} body ${String(status)}`, /^response of CIS2$/);
      const headers = { 'www-authenticate': `Bearer error="invalid_token", error_description="${text}"` };
      const body = JSON.stringify({ error: text, error_description: text, [text]: text });
      sent.push({ name: 'response of CIS2', text: body });
      provider.faults.set(endpoint, { kind: 'body', status, body, headers });
      await attempt(new WatchedBrowser(bff.baseUrl));
      provider.faults.clear();
    }
  }
  // The store says no, at length.
  for (const operation of ['PutItem', 'UpdateItem', 'Query']) {
    const text = canary(`store error at ${operation}`, /^response of the store$/);
    const body = JSON.stringify({ __type: 'ValidationException', message: text });
    sent.push({ name: 'response of the store', text: body });
    store.judge = (call) => (call.operation === operation ? { status: 400, body } : 'pass');
    if (operation !== 'Query') await attempt(new WatchedBrowser(bff.baseUrl));
    await browser.api('/auth/session');
    await browser.api('/auth/session/extend', post);
    await browser.api('/auth/logout', post);
    store.reset();
    await attempt(browser);
  }
  // What anybody may send.
  const junk = canary('junk of a stranger', /^request$/);
  for (const path of [`/auth/${junk}`, `/api/${junk}/x?${junk}=${junk}`, `/auth/session?${junk}`]) {
    await browser.api(path, {
      ...post,
      body: JSON.stringify({ [junk]: junk }),
      headers: { 'content-type': 'application/json' },
    });
    await browser.api(path);
  }
  for (const headers of [
    { 'x-csrf': junk },
    { origin: `https://${junk}.invalid` },
    { 'sec-fetch-site': junk },
    { 'x-session': junk },
    { 'x-request-id': junk, 'x-forwarded-for': junk, 'x-forwarded-host': junk, referer: junk },
    { cookie: `${sessionCookie}=${junk}` },
    { cookie: `${sessionCookie}=${junk}; ${sessionCookie}=${junk}` },
  ]) {
    await browser.api('/auth/session', { headers });
    await browser.api('/auth/session/extend', { ...post, headers });
    await browser.api('/auth/logout', { ...post, headers });
  }
  await browser.api('/auth/session/extend', { ...post, body: junk, headers: { 'content-type': junk } });
  await browser.request('/auth/session', { method: 'PATCH' });
  for (const query of [
    `?returnTo=https://${junk}.invalid`,
    `?acr=${junk}`,
    `?role=${junk}`,
    `?reauth=${junk}`,
  ]) {
    await browser.login(query);
  }
  await new WatchedBrowser(bff.baseUrl).callback({ code: junk, state: junk });
  await browser.callback({ code: junk, state: junk, iss: junk });
  const escape = canary('User-Agent with an escape', /^request$/);
  for (const separator of ['\u001b[31m', '\u0000', '\n', '\r', '\u009b']) {
    await rawRequest([
      'GET /auth/session HTTP/1.1',
      `Host: ${new URL(bff.baseUrl).host}`,
      'X-CSRF: 1',
      `User-Agent: ${escape}${separator}{"event":"forged"}`,
    ]);
  }
  await browser.request('/auth/jwks.json');

  for (const { endpoint, form, headers } of provider.requests) {
    sent.push({ name: 'request to CIS2', text: `${endpoint}\n${JSON.stringify([form, headers])}` });
    if (form['client_assertion'] !== undefined) {
      canary('client assertion', /^request to CIS2$/, form['client_assertion']);
      canary(
        'signature of the client assertion',
        /^request to CIS2$/,
        form['client_assertion'].split('.')[2],
      );
    }
    if (form['code_verifier'] !== undefined) {
      canary('code_verifier', /^request to CIS2$/, form['code_verifier']);
    }
  }
}

let items: Item[] = [];

beforeAll(async () => {
  [provider, store, secrets] = await Promise.all([
    Provider.start(),
    AwsProxy.dynamoDb(),
    AwsProxy.secretsManager(),
  ]);
  // Without a warm-up no function starts with a key in its memory.
  bff = await Bff.start(
    {
      issuer: provider.issuer,
      'client-id': 'rp.secrecy',
      'dynamodb-endpoint': store.url,
      'secrets-endpoint': secrets.url,
      'key-cache-seconds': 0,
    },
    { LOG_LEVEL: 'debug', WARM_UP: 'off' },
  );
  plantClaims();
  await wholeRun();
  const tables = await Tables.at(store.url);
  items = await tables.items();
  tables.close();
  table = items.map((item) => ({
    name: `item ${item['pk']?.S ?? ''}|${item['sk']?.S ?? ''}`,
    text: itemText(item),
  }));
  await bff.stop();
  log = bff.output.split('\n').map((text) => ({ name: 'log line', text }));
}, 120_000);
afterAll(() => Promise.all([provider.close(), store.close(), secrets.close()]));

describe('a whole run', () => {
  test('planted its canaries, each where it belongs', () => {
    const homes = [...sent, ...responses];
    const missing = canaries.filter(
      ({ value, belongs }) => !homes.some((place) => belongs.test(place.name) && contains(place, value)),
    );
    expect(missing.map(({ name, belongs }) => `${name} is not in ${String(belongs)}`)).toEqual([]);
    const used = canaries.filter(({ name }) => name === 'access token' || name === 'code');
    const calls = sent.filter(({ name }) => name === 'request to CIS2');
    for (const name of ['access token', 'code']) {
      const found = used.filter((candidate) => candidate.name === name);
      expect(found.some(({ value }) => calls.some((call) => contains(call, value)))).toBe(true);
    }
    const kinds = new Set(canaries.map(({ name }) => name));
    expect(kinds.size).toBeGreaterThan(60);
    for (const kind of [
      'state',
      'code',
      'nonce',
      'code_verifier',
      'access token',
      'ID token',
      'client assertion',
    ]) {
      expect(kinds).toContain(kind);
    }
    expect([...kinds].filter((name) => name.includes(sessionCookie))).toHaveLength(3);
  });

  test('wrote its logs, its responses and its items [ASVS-16.3.1]', () => {
    const events = new Set(bff.log.map(({ event }) => event));
    for (const event of [
      'request',
      'sign_in_started',
      'sign_in_completed',
      'sign_in_failed',
      'session_ended',
      'request_refused',
      'dependency_failed',
      'dependency_failed',
    ]) {
      expect(events).toContain(event);
    }
    expect(responses.length).toBeGreaterThan(500);
    expect(items.map((item) => item['sk']?.S)).toEqual(
      expect.arrayContaining(['core', 'profile', 'sessions', 'spent']),
    );
  });

  test('put no canary in any log [S-13, ASVS-16.2.5]', () => {
    expect(strays(log, () => false)).toEqual([]);
  });

  test('let nobody forge a log line or a terminal’s escape [ASVS-16.4.1]', () => {
    expect(bff.log.filter(({ event }) => event === 'forged')).toEqual([]);
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    expect(log.filter(({ text }) => /[\u0000-\u001f\u007f-\u009f]/.test(text))).toEqual([]);
    // After the lines for people, everything is JSON.
    const lines = bff.output.split('\n');
    const rest = lines.slice(lines.findIndex((line) => line.startsWith('ready ')) + 1);
    expect(rest.filter((line) => line !== '' && !line.startsWith('{'))).toEqual([]);
  });

  test('put no canary in a response that it does not belong in [B-26, S-13, ASVS-3.3.4, ASVS-10.1.1, ASVS-16.5.1]', () => {
    expect(strays(responses, ({ belongs }, { name }) => belongs.test(name))).toEqual([]);
  });

  test('put no canary in the store [S-13]', () => {
    expect(strays(table, () => false)).toEqual([]);
  });

  test('put no half of a cookie in the store as bytes either', () => {
    expect(halves.length).toBeGreaterThan(4);
    const bytes = items.flatMap((item) =>
      Object.values(item).flatMap(({ B }) => (B === undefined ? [] : [Buffer.from(B)])),
    );
    expect(bytes.length).toBeGreaterThan(4);
    expect(bytes.filter((value) => halves.some((half) => value.includes(half)))).toEqual([]);
    const text = table.map((place) => place.text).join('\n');
    for (const half of halves) {
      expect(text).not.toContain(half.toString('hex'));
      expect(text).not.toContain(half.toString('base64url').slice(0, 40));
    }
  });

  test('kept a device’s name in the store, and nothing more of the browser', () => {
    const devices = items.flatMap((item) => item['device']?.S ?? []);
    expect(devices.length).toBeGreaterThan(0);
    for (const device of devices) expect(device).toMatch(/^(Unknown device|[A-Z][A-Za-z]+( on [A-Za-z]+)?)$/);
  });

  test('would have found a canary in any spelling', () => {
    const value = 'canary-of-this-test-0123456789';
    for (const text of [
      `x${value}y`,
      encodeURIComponent(value),
      Buffer.from(value).toString('hex').toUpperCase(),
      Buffer.from(`{"name":"${value}"}`).toString('base64'),
      Buffer.from(`${value}!`).toString('base64url'),
    ]) {
      expect(contains({ name: 'here', text }, value)).toBe(true);
    }
    expect(contains({ name: 'here', text: 'canary-of-this-test-012345678' }, value)).toBe(false);
  });
});
