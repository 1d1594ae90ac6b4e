/** How often a request waits for the network, warm. Calls made side by side count once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { logoutPath, logoutToken, signsIn } from '../contract/logout-tokens.ts';
import { AwsProxy } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Browser, sessionCookie } from '../support/browser.ts';
import { Provider, subject } from '../support/provider.ts';
import { wavesOf } from './waves.ts';

const clientId = 'rp.budgets';

let provider: Provider;
let store: AwsProxy;
let secrets: AwsProxy;
let bff: Bff;
const table: string[] = [];

beforeAll(async () => {
  [provider, store, secrets] = await Promise.all([
    Provider.start(),
    AwsProxy.dynamoDb(),
    AwsProxy.secretsManager(),
  ]);
  bff = await Bff.start({
    issuer: provider.issuer,
    'client-id': clientId,
    'dynamodb-endpoint': store.url,
    'secrets-endpoint': secrets.url,
  });
  // Warm: CIS2's metadata and keys are known, every connection is open.
  const browser = await signedIn();
  await browser.api('/auth/session/extend', { method: 'POST' });
  await browser.api('/auth/logout', { method: 'POST' });
  await browser.request('/auth/jwks.json');
  await postToken(await logoutToken(provider, { sid: 'nobody', aud: clientId }));
});
afterEach(() => {
  provider.behave();
  store.reset();
});
afterAll(async () => {
  process.stdout.write(`\nRound trips, warm: CIS2 + store (budget)\n${table.join('\n')}\n`);
  await bff.stop();
  await Promise.all([provider.close(), store.close(), secrets.close()]);
});

const signedIn = async (query?: string): Promise<Browser> => {
  const browser = new Browser(bff.baseUrl);
  expect((await browser.signIn(provider, query)).headers.get('location')).toBe(`${bff.baseUrl}/`);
  return browser;
};

const changeRole = (browser: Browser, roleId: string): Promise<Response> =>
  browser.api('/auth/session/role', {
    method: 'PUT',
    body: JSON.stringify({ roleId }),
    headers: { 'content-type': 'application/json' },
  });

const postToken = (token: string): Promise<Response> =>
  new Browser(bff.baseUrl).request(logoutPath, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  });

interface Counted {
  readonly provider: readonly string[];
  /** The calls of each wave. */
  readonly store: readonly (readonly string[])[];
}

async function count(work: () => Promise<Response>): Promise<Counted & { response: Response }> {
  secrets.reset();
  provider.requests.length = 0;
  const { result, waves } = await wavesOf(store, work);
  expect(secrets.calls).toEqual([]);
  return { response: result, provider: provider.requests.map(({ endpoint }) => endpoint), store: waves };
}

function expectBudget(name: string, counted: Counted, budget: { provider: number; store: number }): void {
  table.push(
    `  ${name.padEnd(41)}${String(counted.provider.length)} + ${String(counted.store.length)}` +
      `   (${String(budget.provider)} + ${String(budget.store)})`,
  );
  expect(counted.provider.length).toBeLessThanOrEqual(budget.provider);
  if (counted.store.length > budget.store) {
    throw new Error(
      `${name}: ${String(counted.store.length)} round trips to the store, not ${String(budget.store)}:\n` +
        counted.store.map((wave) => wave.join(' ∥ ')).join('\n'),
    );
  }
}

describe('a request waits for the network no more often than its budget says', () => {
  test('GET /auth/login', async () => {
    for (const query of ['', '?returnTo=/ward/7&reauth=1']) {
      const counted = await count(async () => (await new Browser(bff.baseUrl).login(query)).response);
      expect(counted.response.status).toBe(302);
      expectBudget(`GET /auth/login${query === '' ? '' : ', reauth'}`, counted, { provider: 0, store: 0 });
    }
    const browser = await signedIn();
    const counted = await count(async () => (await browser.login()).response);
    expect(counted.response.status).toBe(302);
    expectBudget('GET /auth/login, signed in', counted, { provider: 0, store: 0 });
  });

  test('GET /auth/callback', async () => {
    const browser = new Browser(bff.baseUrl);
    const { location } = await browser.login();
    const counted = await count(() => browser.callback(provider.authorise(location)));
    expect(counted.response.headers.getSetCookie()).toHaveLength(1);
    expect(counted.provider).toEqual(['token', 'userinfo']);
    expectBudget('GET /auth/callback', counted, { provider: 2, store: 3 });
  });

  test('GET /auth/callback that takes the place of a session', async () => {
    const browser = await signedIn();
    const former = browser.cookies.get(sessionCookie) ?? '';
    const { location } = await browser.login();
    const counted = await count(() => browser.callback(provider.authorise(location)));
    expect(counted.response.headers.getSetCookie()).toHaveLength(1);
    expectBudget('GET /auth/callback, replacing', counted, { provider: 2, store: 4 });
    browser.cookies.set(sessionCookie, former);
    expect(await browser.session()).toEqual({ status: 'ended', reason: 'replaced' });
  });

  test('GET /auth/callback that is refused before CIS2 is asked', async () => {
    const browser = new Browser(bff.baseUrl);
    const { location } = await browser.login();
    const parameters = provider.authorise(location);
    const other = await count(() => new Browser(bff.baseUrl).callback(parameters));
    expect(Browser.failure(other.response)?.code).toBe('login_expired');
    expectBudget('GET /auth/callback, another browser', other, { provider: 0, store: 0 });
    await browser.callback(parameters);
    const again = await count(() => browser.callback(parameters));
    expect(Browser.failure(again.response)?.code).toBe('login_expired');
    expectBudget('GET /auth/callback, used before', again, { provider: 0, store: 1 });
  });

  test('GET /auth/session', async () => {
    const browser = await signedIn();
    const counted = await count(() => browser.api('/auth/session'));
    expect(counted.response.status).toBe(200);
    expectBudget('GET /auth/session', counted, { provider: 0, store: 1 });
    const anonymous = await count(() => new Browser(bff.baseUrl).api('/auth/session'));
    expectBudget('GET /auth/session, no cookie', anonymous, { provider: 0, store: 0 });
  });

  test('POST /auth/session/extend', async () => {
    const browser = await signedIn();
    const counted = await count(() => browser.api('/auth/session/extend', { method: 'POST' }));
    expect(counted.response.status).toBe(200);
    expectBudget('POST /auth/session/extend', counted, { provider: 0, store: 1 });

    const cookie = browser.cookies.get(sessionCookie) ?? '';
    await browser.api('/auth/logout', { method: 'POST' });
    browser.cookies.set(sessionCookie, cookie);
    const ended = await count(() => browser.api('/auth/session/extend', { method: 'POST' }));
    expect(ended.response.status).toBe(401);
    expectBudget('POST /auth/session/extend, ended', ended, { provider: 0, store: 2 });
  });

  test('PUT /auth/session/role', async () => {
    const browser = await signedIn();
    const counted = await count(() => changeRole(browser, '900000000701'));
    expect(counted.response.headers.getSetCookie()).toHaveLength(1);
    expectBudget('PUT /auth/session/role', counted, { provider: 0, store: 2 });
    const refused = await count(() => changeRole(browser, 'nobody'));
    expect(refused.response.status).toBe(403);
    expectBudget('PUT /auth/session/role, refused', refused, { provider: 0, store: 1 });
  });

  test('GET /auth/sessions and DELETE /auth/sessions/{handle}', async () => {
    const [browser, other] = [await signedIn(), await signedIn()];
    const { handle } = await other.session();
    const counted = await count(() => browser.api('/auth/sessions'));
    expect(counted.response.status).toBe(200);
    expectBudget('GET /auth/sessions', counted, { provider: 0, store: 3 });
    const ended = await count(() => browser.api(`/auth/sessions/${handle}`, { method: 'DELETE' }));
    expect(ended.response.status).toBe(204);
    expectBudget('DELETE /auth/sessions/{handle}', ended, { provider: 0, store: 5 });
  });

  test('POST /auth/logout', async () => {
    const browser = await signedIn();
    const counted = await count(() => browser.api('/auth/logout', { method: 'POST' }));
    expect(counted.response.headers.getSetCookie()).toHaveLength(1);
    expectBudget('POST /auth/logout', counted, { provider: 0, store: 2 });
  });

  test('POST /auth/backchannel-logout', async () => {
    const sid = `sid-${randomUUID()}`;
    signsIn(provider, subject, sid);
    const browsers = [await signedIn(), await signedIn(), await signedIn()];
    const claims = { sid, aud: clientId };
    const token = await logoutToken(provider, claims);
    const counted = await count(() => postToken(token));
    expect(counted.response.status).toBe(200);
    for (const browser of browsers) expect((await browser.session()).status).toBe('ended');
    expectBudget('POST /auth/backchannel-logout', counted, { provider: 0, store: 3 });
    const again = await count(() => postToken(token));
    expect(again.response.status).toBe(200);
    expectBudget('POST /auth/backchannel-logout, again', again, { provider: 0, store: 4 });
    const refused = await logoutToken(provider, { ...claims, aud: 'another-client' });
    expectBudget('POST /auth/backchannel-logout, refused', await count(() => postToken(refused)), {
      provider: 0,
      store: 0,
    });
  });

  test('GET /auth/jwks.json', async () => {
    const counted = await count(() => new Browser(bff.baseUrl).request('/auth/jwks.json'));
    expect(counted.response.status).toBe(200);
    expectBudget('GET /auth/jwks.json', counted, { provider: 0, store: 1 });
  });

  test('a request that a guard refuses', async () => {
    const browser = await signedIn();
    const counted = await count(() => browser.request('/auth/session/extend', { method: 'POST' }));
    expect(counted.response.status).toBe(403);
    expectBudget('a request that a guard refuses', counted, { provider: 0, store: 0 });
  });
});

test('the count sees calls side by side as one, and calls in a row as several', async () => {
  const browser = await signedIn();
  // Two requests at once need two instances, and the second opens its connection as it starts.
  for (let round = 0; round < 5; round += 1) {
    await Promise.all([browser.session(), browser.session(), browser.session(), browser.session()]);
  }
  const parallel = await count(async () => {
    await Promise.all([browser.session(), browser.session()]);
    return new Response();
  });
  expect(parallel.store).toHaveLength(1);
  const serial = await count(async () => {
    await browser.session();
    await browser.session();
    return new Response();
  });
  expect(serial.store).toHaveLength(2);
});
