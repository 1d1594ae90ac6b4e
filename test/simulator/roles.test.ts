import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt, type JWTPayload } from 'jose';
import { Browser, callbackOf, codeOf, startBench, type Bench } from './client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const agent = { one: '900000000001', two: '900000000002' };
const page = { three: '900000000016', seven: '900000000012', sixty: '900000000013' };
const withoutRole = '900000000005';

const idTokenOf = async (callback: URLSearchParams): Promise<JWTPayload> => {
  const tokens = (await (await bench.tokenRequest({ code: codeOf(callback) })).json()) as {
    id_token: string;
  };
  return decodeJwt(tokens.id_token);
};

/** Who was asked for a role, or the one that came back unasked. */
async function roleAt(response: Response): Promise<unknown> {
  if (response.status === 200 && (await response.clone().text()).includes('Choose your role')) return 'asked';
  return (await idTokenOf(callbackOf(response)))['selected_roleid'];
}

const begin = async (browser: Browser, uid: string, parameters: Record<string, string> = {}) =>
  browser.submit(await browser.authorize({ scope: 'openid selectedrole', ...parameters }), { uid });

const roleIds = (markup: string): string[] =>
  [...markup.matchAll(/name="role"\s+type="radio"\s+value="([^"]+)"/g)].map(([, id]) => id ?? '');

describe('Role selection at CIS2', () => {
  test.each([
    ['nobody who has one role', agent.one, '900000000777'],
    ['nobody who chose in the Identity Agent', agent.two, '900000000702'],
    ['nobody who has no role, and sends an empty selected_roleid', withoutRole, ''],
    ['everybody else', page.three, 'asked'],
    ['somebody with sixty roles', page.sixty, 'asked'],
  ])('asks %s', async (_whom, uid, expected) => {
    expect(await roleAt(await begin(new Browser(bench), uid))).toBe(expected);
  });

  test('asks nobody and says nothing when the app did not ask for it', async () => {
    const response = await begin(new Browser(bench), page.three, { scope: 'openid nationalrbacaccess' });
    expect(await idTokenOf(callbackOf(response))).not.toHaveProperty('selected_roleid');
  });

  test('tells the role that was chosen, in the ID token and in UserInfo', async () => {
    const browser = new Browser(bench);
    const callback = callbackOf(
      await browser.submit(await begin(browser, page.three), { role: '900000000832' }),
    );
    const response = await bench.tokenRequest({ code: codeOf(callback) });
    const tokens = (await response.json()) as { id_token: string; access_token: string };
    expect(decodeJwt(tokens.id_token)['selected_roleid']).toBe('900000000832');
    const info = await fetch(bench.as.userinfo_endpoint ?? '', {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(await info.json()).toMatchObject({ selected_roleid: '900000000832' });
  });

  test('asks once in a CIS2 session, and again with prompt=login', async () => {
    const browser = new Browser(bench);
    await browser.submit(await begin(browser, page.three), { role: '900000000832' });
    expect(await roleAt(await browser.authorize({ scope: 'openid selectedrole' }))).toBe('900000000832');
    expect(await roleAt(await begin(browser, page.three, { prompt: 'login' }))).toBe('asked');
  });

  test('asks a session that was begun without it, and not with prompt=none', async () => {
    const browser = new Browser(bench);
    await begin(browser, page.three, { scope: 'openid' });
    const silent = callbackOf(await browser.authorize({ scope: 'openid selectedrole', prompt: 'none' }));
    expect(silent.get('error')).toBe('interaction_required');
    expect(await roleAt(await browser.authorize({ scope: 'openid selectedrole' }))).toBe('asked');
  });

  test('always asks for a change of role where there is something to choose from', async () => {
    const browser = new Browser(bench);
    await begin(browser, agent.two);
    const asked = await browser.authorize({ scope: 'openid changedrole' });
    expect(await roleAt(asked)).toBe('asked');
    expect(await roleAt(await browser.submit(asked, { role: '900000000701' }))).toBe('900000000701');
    // The change holds in this CIS2 session.
    expect(await roleAt(await browser.authorize({ scope: 'openid selectedrole' }))).toBe('900000000701');
    expect(await roleAt(await begin(new Browser(bench), agent.one, { scope: 'openid changedrole' }))).toBe(
      '900000000777',
    );
  });
});

describe('The page with the roles', () => {
  test('is a plain list for five roles and fewer, and has a search box above', async () => {
    const short = await (await begin(new Browser(bench), page.three)).text();
    expect(roleIds(short)).toEqual(['900000000831', '900000000832', '900000000833']);
    expect(short).not.toContain('type="search"');
    const long = await (await begin(new Browser(bench), page.seven)).text();
    expect(roleIds(long)).toHaveLength(7);
    expect(long).toContain('type="search"');
  });

  test.each([
    ['nurse TRUST', ['900000000792']],
    ['y9x98', ['900000000794', '900000000797']],
    ['R8003', ['900000000795']],
    ['nothing like it', []],
    ['', 7],
  ])('finds for "%s" the roles in which every word occurs', async (search, expected) => {
    const browser = new Browser(bench);
    const found = await browser.submit(await begin(browser, page.seven), { search, find: 'yes' });
    const ids = roleIds(await found.clone().text());
    if (typeof expected === 'number') expect(ids).toHaveLength(expected);
    else expect(ids).toEqual(expected);
    if (ids[0] !== undefined) {
      expect(await roleAt(await browser.submit(found, { role: ids[0] }))).toBe(ids[0]);
    }
  });

  test('asks once more when no role was chosen, or one that is not theirs', async () => {
    const browser = new Browser(bench);
    let asked = await begin(browser, page.three);
    for (const choice of [{}, { role: '900000000777' }]) {
      asked = await browser.submit(asked, choice);
      expect(asked.status).toBe(200);
      expect(await asked.clone().text()).toContain('There is a problem');
    }
  });

  test('sends access_denied back when the person cancels', async () => {
    const browser = new Browser(bench);
    const asked = await begin(browser, page.three, { state: 's 1' });
    const callback = callbackOf(await browser.submit(asked, { cancel: 'yes' }));
    expect(callback.get('error')).toBe('access_denied');
    expect(callback.get('state')).toBe('s 1');
  });

  test('is worth nothing in another browser, a second time, or after ten minutes', async () => {
    const browser = new Browser(bench);
    const asked = await begin(browser, page.three);
    const role = { role: '900000000831' };
    expect((await new Browser(bench).submit(asked.clone(), role)).status).toBe(400);
    expect((await browser.submit(asked.clone(), role)).status).toBe(302);
    expect((await browser.submit(asked, role)).status).toBe(400);
    const late = await begin(browser, page.three, { prompt: 'login' });
    bench.clock.ahead = 601;
    try {
      expect((await browser.submit(late, role)).status).toBe(400);
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('has nothing of a search on it that could be markup', async () => {
    const browser = new Browser(bench);
    const search = '"><script>alert(1)</script>';
    const found = await browser.submit(await begin(browser, page.seven), { search, find: 'yes' });
    expect(await found.text()).not.toContain('<script');
  });
});
