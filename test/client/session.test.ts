import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createBff, type ActiveState } from '../../client/index.ts';
import { problemResponse } from '../../client/testing/index.ts';
import { during, pass, refusal, useClock, waitingTimers } from './clock.ts';
import { TabbedBrowser, type Tab, type TabOptions } from './tabs.ts';

useClock();

let browser = new TabbedBrowser();

beforeEach(() => {
  browser = new TabbedBrowser();
});
afterEach(() => {
  browser.close();
  expect(browser.errors).toEqual([]);
});

const sessionPath = '/auth/session';
const appOrigin = 'https://app.example.nhs.uk';

const role = (roleId: string) => ({
  ...{ roleId, roleCode: 'S8000:G8000:R8000', jobRoleCode: 'R8000', roleName: 'Nurse', orgCode: 'A9A5A' },
  ...{ orgName: 'EXAMPLE', activityCodes: [], workgroupCodes: [] },
});

const active = (tab: Tab): ActiveState => {
  const { state } = tab;
  if (state.status !== 'active') throw new Error(`the state is ${state.status}`);
  return state;
};

/** Tabs that know who is signed in; the first is visible, the others are not. */
async function openTabs(count: number, options: TabOptions = {}): Promise<[Tab, ...Tab[]]> {
  const first = browser.open(options);
  await pass(0.1);
  const others = Array.from({ length: count - 1 }, () => browser.open({ ...options, hidden: true }));
  await pass(0.1);
  browser.requests.splice(0);
  return [first, ...others];
}

const endedByCis2 = (): void => browser.server.set({ status: 'ended', reason: 'provider_logout' });

describe('the state', () => {
  test('is loading, then what the BFF says, with its instants as Date', async () => {
    const tab = browser.open();
    expect(tab.state).toEqual({ status: 'loading' });
    await pass(0.1);
    const state = active(tab);
    expect(state).toMatchObject({
      warning: false,
      user: { name: 'Amara Okafor' },
      role: { orgCode: 'A9A5A' },
    });
    for (const instant of [
      ...Object.values(state.expires),
      state.serverTime,
      state.assurance.authenticatedAt,
    ]) {
      if (instant !== 'idle') expect(instant).toBeInstanceOf(Date);
    }
    expect(state.remainingSeconds()).toBe(900);
  });

  test('is the same object until it changes, however often the BFF is asked', async () => {
    const [tab] = await openTabs(1);
    const before = tab.state;
    tab.seen.splice(0);
    await pass(30);
    expect(browser.count(sessionPath)).toBeGreaterThan(5);
    expect(tab.state).toBe(before);
    expect(tab.seen).toEqual([]);
    expect(active(tab).remainingSeconds()).toBe(870);
  });

  test('tells listeners of every change, until they have had enough, and one that throws keeps nobody from hearing', async () => {
    const [tab] = await openTabs(1);
    const heard: string[] = [];
    tab.bff.session.subscribe(() => {
      throw new Error('a mistake of the page');
    });
    const end = tab.bff.session.subscribe(() => void heard.push(tab.status));
    endedByCis2();
    await pass(5);
    expect(heard).toEqual(['ended']);
    expect(browser.errors.splice(0)).toEqual([new Error('a mistake of the page')]);
    end();
    browser.server.set({ status: 'active' });
    tab.hide();
    await pass(10);
    tab.show();
    await pass(1);
    browser.errors.splice(0);
    expect(tab.status).toBe('active');
    expect(heard).toEqual(['ended']);
  });

  test.each([
    ['nothing', {}],
    ['no user', { status: 'active', handle: 'h' }],
    ['a status that there is not', { status: 'signed-in' }],
    ['a list', []],
    ['null', null],
  ])('is unavailable when the BFF responds with %s', async (_, body) => {
    browser.respond = () => Response.json(body);
    const tab = browser.open();
    await pass(0.1);
    expect(tab.state).toMatchObject({ status: 'unavailable', error: { code: 'invalid_answer' } });
  });

  test.each(['at', 'idleAt', 'absoluteAt', 'warnAt'])(
    'is unavailable when expires.%s is no instant',
    async (name) => {
      const { expires, ...session } = browser.server.session();
      for (const value of [undefined, null, '', 'soon', 1_767_258_000_000]) {
        browser.respond = () =>
          Response.json({ ...session, expires: { ...(expires as object), [name]: value } });
        const tab = browser.open();
        await pass(0.1);
        expect(tab.state).toMatchObject({ status: 'unavailable', error: { code: 'invalid_answer' } });
        tab.bff.stop();
      }
    },
  );

  test('is unavailable while the BFF cannot be reached and nobody is known to be signed in, and asks again within 15 seconds', async () => {
    browser.respond = () => Promise.reject(new TypeError('network'));
    const tab = browser.open();
    await pass(0.1);
    const { state } = tab;
    expect(state).toMatchObject({ status: 'unavailable', error: { code: 'unreachable', status: 0 } });
    await pass(40);
    expect(tab.state).toBe(state);
    expect(browser.count(sessionPath)).toBeGreaterThanOrEqual(3);
    browser.respond = () => undefined;
    await pass(15);
    expect(tab.status).toBe('active');
  });

  test('is asked for again when Retry-After says so, not earlier', async () => {
    browser.respond = () => new Response(null, { status: 503, headers: { 'Retry-After': '30' } });
    const tab = browser.open();
    await pass(0.1);
    expect(tab.state).toMatchObject({ error: { code: 'store_unavailable', retryAfterSeconds: 30 } });
    browser.requests.splice(0);
    await pass(29);
    expect(browser.count(sessionPath)).toBe(0);
    browser.respond = () => undefined;
    await pass(3);
    expect(tab.status).toBe('active');
  });

  test('stays active while the BFF is down, until the session must have ended', async () => {
    const [tab] = await openTabs(1);
    browser.respond = () => problemResponse('store_unavailable');
    await pass(890);
    expect(tab.status).toBe('active');
    expect(active(tab).warning).toBe(true);
    await pass(12);
    expect(tab.state).toMatchObject({ status: 'unavailable', error: { code: 'store_unavailable' } });
  });

  test('stays ended when the BFF no longer knows why', async () => {
    const [tab] = await openTabs(1);
    endedByCis2();
    await pass(5);
    browser.server.set({ status: 'anonymous' });
    tab.hide();
    await pass(60);
    tab.show();
    await pass(1);
    expect(tab.state).toMatchObject({ status: 'ended', reason: 'provider_logout' });
  });

  test('is anonymous when the cookies were cleared under the page', async () => {
    const [tab, other] = await openTabs(2);
    browser.server.set({ status: 'anonymous' });
    await pass(5);
    expect([tab.status, other?.status]).toEqual(['anonymous', 'anonymous']);
  });

  test('is loading on a server, where nothing is started', () => {
    const bff = createBff();
    expect(bff.session.get()).toEqual({ status: 'loading' });
    expect(waitingTimers()).toBe(0);
    bff.stop();
  });

  test('is asked for no more once the client was stopped', async () => {
    const [tab] = await openTabs(1);
    tab.bff.stop();
    await pass(60);
    tab.show();
    tab.window.dispatchEvent(new Event('focus'));
    await pass(60);
    expect(browser.requests).toEqual([]);
    expect(browser.channels.size).toBe(0);
  });
});

describe('time', () => {
  test.each([-7_200, -30, 0, 30, 7_200])(
    'is the server’s, whatever this computer’s clock is wrong by: %d s',
    async (skew) => {
      browser.wallSkew = skew * 1_000;
      const [tab] = await openTabs(1);
      expect(active(tab).remainingSeconds()).toBe(900);
      await pass(779);
      expect(active(tab).warning).toBe(false);
      await pass(2);
      expect(active(tab).warning).toBe(true);
      expect(active(tab).remainingSeconds()).toBe(119);
      await pass(118);
      expect(tab.status).toBe('active');
      await pass(3);
      expect(tab.state).toMatchObject({ status: 'ended', reason: 'idle' });
    },
  );

  test('of a response that was slow makes the end come early, never late', async () => {
    browser.latency = 4_000;
    const tab = browser.open();
    await pass(4.1);
    const { expires, remainingSeconds } = active(tab);
    const left = (+expires.at - Date.now()) / 1_000;
    expect(remainingSeconds()).toBeLessThanOrEqual(Math.ceil(left));
    expect(remainingSeconds()).toBeGreaterThanOrEqual(left - 3);
  });

  test('does not jump to and fro when the server’s clock shows whole seconds only', async () => {
    const bare = browser.server.session();
    browser.respond = () =>
      Response.json({ ...bare, serverTime: new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString() });
    const [tab] = await openTabs(1);
    let before = active(tab).remainingSeconds();
    for (let step = 0; step < 300; step += 1) {
      await pass(0.37);
      const now = active(tab).remainingSeconds();
      expect(now).toBeLessThanOrEqual(before);
      before = now;
    }
  });

  test.each(['visibilitychange', 'resume', 'focus', 'pageshow'])(
    'after sleep is applied in the %s event itself, and no listener ever sees an active session that is over',
    async (name) => {
      const [tab] = await openTabs(1);
      tab.hide();
      browser.sleep(1_000);
      tab.document.visibilityState = 'visible';
      const target = ['focus', 'pageshow'].includes(name) ? tab.window : tab.document;
      tab.seen.splice(0);
      target.dispatchEvent(new Event(name));
      expect(tab.seen).toEqual([{ status: 'loading' }]);
      await pass(1);
      expect(tab.state).toMatchObject({ status: 'ended', reason: 'idle' });
    },
  );

  test('after sleep is applied to whoever reads the state first, also without an event, and listeners hear it', async () => {
    const [tab] = await openTabs(1);
    tab.seen.splice(0);
    browser.sleep(1_000);
    expect(tab.state).toEqual({ status: 'loading' });
    expect(tab.seen).toEqual([]);
    await pass(0);
    expect(tab.seen).toEqual([{ status: 'loading' }]);
    await pass(2);
    expect(tab.state).toMatchObject({ status: 'ended', reason: 'idle' });
  });

  test('after a short sleep goes on, with a warning where it is due', async () => {
    const [tab] = await openTabs(1);
    browser.sleep(800);
    tab.hide();
    tab.document.visibilityState = 'visible';
    tab.document.dispatchEvent(new Event('visibilitychange'));
    expect(active(tab).warning).toBe(true);
    await pass(0.1);
    expect(active(tab).remainingSeconds()).toBe(100);
  });

  test.each([-3_600, 3_600])(
    'after the clock was set by %d s is right again as soon as the BFF has responded',
    async (by) => {
      const [tab] = await openTabs(1);
      browser.wallSkew += by * 1_000;
      await pass(6);
      expect(active(tab).warning).toBe(false);
      expect(Math.abs(active(tab).remainingSeconds() - 894)).toBeLessThanOrEqual(1);
      endedByCis2();
      await pass(6);
      expect(tab.status).toBe('ended');
    },
  );

  test('of a message that a frozen tab hears late is the time at which it was sent', async () => {
    const [tab, other] = await openTabs(2);
    other?.freeze();
    await pass(10);
    // Whoever told of an active session has gone, and so has the session.
    tab.bff.stop();
    browser.sleep(1_000);
    browser.respond = () => Promise.reject(new TypeError('network'));
    other?.seen.splice(0);
    other?.thaw();
    expect(other?.seen.map(({ status }) => status)).toEqual(['loading']);
    await pass(0.1);
    expect(other?.status).toBe('unavailable');
  });
});

describe('tabs', () => {
  test.each([1, 2, 5])(
    'that are visible, %d of them, have one that asks, and all know within 5 s that CIS2 has ended the session',
    async (count) => {
      const tabs = Array.from({ length: count }, () => browser.open());
      await pass(1);
      browser.requests.splice(0);
      await pass(60);
      const asked = browser.requests.length;
      expect(asked).toBeGreaterThanOrEqual(12);
      expect(asked).toBeLessThanOrEqual(17);
      expect(new Set(browser.requests.map(({ tab }) => tab)).size).toBe(1);
      for (let step = 0; step < 8; step += 1) {
        browser.server.set({ status: 'active', handle: `h${String(step)}` });
        await pass(5.5 + step / 8);
        expect(tabs.map((tab) => active(tab).handle)).toEqual(tabs.map(() => `h${String(step)}`));
        endedByCis2();
        await pass(4.9);
        expect(tabs.map(({ status }) => status)).toEqual(tabs.map(() => 'ended'));
        browser.server.set({ status: 'active' });
        tabs[0]?.hide();
        await pass(5);
        tabs[0]?.show();
        await pass(1);
      }
    },
  );

  test.each([['locks'], ['channel']] as const)('without %s look after themselves', async (missing) => {
    const tabs = [browser.open({ without: [missing] }), browser.open({ without: [missing] })];
    await pass(1);
    browser.requests.splice(0);
    await pass(20);
    expect(new Set(browser.requests.map(({ tab }) => tab)).size).toBe(2);
    endedByCis2();
    await pass(5);
    expect(tabs.map(({ status }) => status)).toEqual(['ended', 'ended']);
  });

  test('that are hidden do not ask, and hear', async () => {
    const [tab, other] = await openTabs(2);
    await pass(60);
    expect(new Set(browser.requests.map((request) => request.tab))).toEqual(new Set([tab]));
    tab.hide();
    browser.requests.splice(0);
    await pass(60);
    expect(browser.requests).toEqual([]);
    other?.show();
    await pass(0.1);
    expect(browser.requests.map((request) => request.tab)).toEqual([other]);
  });

  test('are asked for by the next when the one that asked is hidden, closed or hangs', async () => {
    const [first, second, third] = [browser.open(), browser.open(), browser.open()];
    await pass(1);
    first.hide();
    browser.requests.splice(0);
    await pass(12);
    expect(new Set(browser.requests.map(({ tab }) => tab))).toEqual(new Set([second]));
    second.bff.stop();
    browser.requests.splice(0);
    await pass(12);
    expect(new Set(browser.requests.map(({ tab }) => tab))).toEqual(new Set([third]));
    first.show();
    // It has the lock, and its requests go nowhere.
    browser.respond = ({ tab }) => (tab === third ? new Promise<Response>(() => undefined) : undefined);
    await pass(2);
    endedByCis2();
    await pass(15);
    expect(first.status).toBe('ended');
  });

  test('hear of a sign-out, which goes where the response says', async () => {
    const [tab, other] = await openTabs(2);
    await during(tab.bff.signOut());
    expect(tab.visits).toEqual(['/signed-out']);
    for (const { state } of [tab, other!]) {
      expect(state).toEqual({ status: 'ended', reason: 'signed_out', reference: 'FAKE-0000-0001' });
    }
  });

  test.each([
    ['https://cis2.example.nhs.uk/logout?client_id=rp', 'https://cis2.example.nhs.uk/logout?client_id=rp'],
    ['javascript:alert(1)', '/'],
    ['data:text/html,x', '/'],
    ['https:evil', '/'],
    [undefined, '/'],
  ])('are signed out, whatever the response says of where to go: %s', async (redirectTo, address) => {
    const [tab] = await openTabs(1);
    browser.respond = ({ path }) => (path === '/auth/logout' ? Response.json({ redirectTo }) : undefined);
    await during(tab.bff.signOut());
    expect(tab.visits).toEqual([address]);
    expect(tab.status).toBe('ended');
  });

  test('stay signed in when the sign-out failed', async () => {
    const [tab, other] = await openTabs(2);
    browser.respond = ({ path }) =>
      path === '/auth/logout' ? problemResponse('store_unavailable') : undefined;
    expect(await refusal(tab.bff.signOut())).toMatchObject({
      code: 'store_unavailable',
      retryAfterSeconds: 5,
    });
    expect([tab.status, other?.status, tab.visits]).toEqual(['active', 'active', []]);
  });

  test('hear of another role, and of time that was extended', async () => {
    const roles = [role('1'), role('2')];
    browser.server.set({ status: 'active', roles });
    const [tab, other] = await openTabs(2);
    const { handle } = active(tab);
    expect(active(other!).role).toBeNull();
    await during(tab.bff.chooseRole('2'));
    for (const each of [tab, other!]) expect(active(each).role?.roleId).toBe('2');
    expect(active(other!).handle).not.toBe(handle);

    await pass(800);
    expect([active(tab).warning, active(other!).warning]).toEqual([true, true]);
    await during(other!.bff.extend());
    for (const each of [tab, other!]) {
      expect(active(each).warning).toBe(false);
      expect(active(each).remainingSeconds()).toBeGreaterThan(890);
    }
  });

  test('see no end of the session while one of them changes the role, however slow the response', async () => {
    browser.server.set({ status: 'active', roles: [role('1'), role('2')] });
    const [tab, other] = await openTabs(2);
    other!.show();
    browser.latency = 3_000;
    let isChanged = false;
    browser.respond = ({ path, headers }) => {
      if (path === '/auth/session/role') isChanged = true;
      // The response with the new cookie is still on its way.
      if (path === sessionPath && isChanged && headers['x-session'] !== undefined) {
        return Response.json({ status: 'ended', reason: 'replaced' });
      }
      return undefined;
    };
    const change = tab.bff.chooseRole('2');
    await pass(12);
    await change;
    for (const each of [tab, other!]) {
      expect(new Set(each.seen.map(({ status }) => status))).toEqual(new Set(['active']));
      expect(active(each).role?.roleId).toBe('2');
    }
  });

  test('sign out the session that a change of role on its way makes', async () => {
    browser.server.set({ status: 'active', roles: [role('1'), role('2')] });
    const [tab, other] = await openTabs(2);
    const { handle } = active(tab);
    browser.latency = 500;
    const change = tab.bff.chooseRole('2');
    const end = tab.bff.signOut();
    await pass(3);
    await Promise.all([change, end]);
    const logout = browser.requests.find(({ path }) => path === '/auth/logout');
    expect(logout?.headers['x-session']).not.toBe(handle);
    expect([tab.status, other!.status]).toEqual(['ended', 'ended']);
  });

  test('never think that they have signed out a session that another tab’s change of role has just made', async () => {
    browser.server.set({ status: 'active', roles: [role('1'), role('2')] });
    const [tab, other] = await openTabs(2);
    browser.latency = 500;
    const change = tab.bff.chooseRole('2');
    const end = other!.bff.signOut().catch((error: unknown) => error);
    await pass(3);
    await change;
    expect(await end).toMatchObject({ code: 'session_changed' });
    expect(other!.state).toMatchObject({ status: 'active', role: { roleId: '2' } });
  });

  test('read the session once more when it was replaced, before anybody is told', async () => {
    const [tab] = await openTabs(1);
    browser.respond = ({ headers }) =>
      headers['x-session'] === undefined ? undefined : Response.json({ status: 'ended', reason: 'replaced' });
    browser.server.set({ status: 'active', handle: 'newer' });
    await pass(6);
    expect(tab.seen.map(({ status }) => status)).not.toContain('ended');
    expect(active(tab).handle).toBe('newer');

    browser.respond = ({ headers }) =>
      headers['x-session'] === undefined
        ? Promise.reject(new TypeError('network'))
        : Response.json({ status: 'ended', reason: 'replaced' });
    await pass(6);
    expect(tab.state).toMatchObject({ status: 'ended', reason: 'replaced' });
  });

  test('show the session that another tab began', async () => {
    const [tab] = await openTabs(1);
    endedByCis2();
    await pass(5);
    browser.server.set({
      status: 'active',
      handle: 'next',
      user: { uid: '900000000002', name: 'Ben Carter' },
    });
    browser.open();
    await pass(0.1);
    expect(active(tab)).toMatchObject({ handle: 'next', user: { name: 'Ben Carter' } });
  });

  test('end their own session where it is asked for by its name, and another without a word', async () => {
    const there = {
      handle: 'there',
      current: false,
      signedInAt: new Date(0),
      lastActiveAt: new Date(1),
      device: 'X',
    };
    browser = new TabbedBrowser({ session: { status: 'active', handle: 'here' }, sessions: [there] });
    const [tab, other] = await openTabs(2);
    const listed = await during(tab.bff.sessions());
    expect(listed.map(({ handle, current }) => [handle, current])).toEqual([
      ['here', true],
      ['there', false],
    ]);
    expect(listed[1]).toEqual(there);
    await during(tab.bff.endSession('there'));
    expect(tab.status).toBe('active');
    expect(await refusal(tab.bff.endSession('there'))).toMatchObject({ code: 'not_found', status: 404 });
    await during(tab.bff.endSession('here'));
    for (const { state } of [tab, other!])
      expect(state).toMatchObject({ status: 'ended', reason: 'revoked' });
  });

  test('do not follow a response that is older than what they know', async () => {
    const [tab] = await openTabs(1);
    browser.latency = 3_000;
    await pass(3.5);
    browser.latency = 10;
    // A question about the session was on its way before.
    await during(tab.bff.signOut());
    expect(tab.status).toBe('ended');
    await pass(10);
    expect(tab.status).toBe('ended');
  });

  test('in the back-forward cache show nobody, and ask before they show anybody again', async () => {
    const [tab, other] = await openTabs(2);
    tab.window.dispatchEvent(new Event('pagehide'));
    tab.hide();
    expect(tab.status).toBe('loading');
    expect(browser.channels.size).toBe(1);
    other!.show();
    await pass(1);
    expect(other!.status).toBe('active');
    tab.document.visibilityState = 'visible';
    browser.requests.splice(0);
    tab.window.dispatchEvent(new Event('pageshow'));
    expect(tab.status).toBe('loading');
    await pass(0.1);
    expect(browser.requests.filter((request) => request.tab === tab)).toHaveLength(1);
    expect(tab.status).toBe('active');
    await during(other!.bff.signOut());
    expect(tab.status).toBe('ended');
  });
});

describe('sign-ins', () => {
  const query = (tab: Tab): Record<string, string> => {
    const url = new URL(tab.visits.at(-1) ?? '');
    expect(url.origin + url.pathname).toBe(`${appOrigin}/auth/login`);
    return Object.fromEntries(url.searchParams);
  };

  test('come back to the page as it is, or to where they are told to', async () => {
    const [tab] = await openTabs(1);
    void tab.bff.signIn();
    await pass(0.1);
    expect(query(tab)).toEqual({ returnTo: '/ward?bed=7#notes' });
    tab.window.dispatchEvent(new Event('pagehide'));
    void tab.bff.signIn({ returnTo: '/a?b=c&acr=AAL1#d', acr: 'AAL3_ANY', reauth: true, role: 'change' });
    await pass(0.1);
    expect(query(tab)).toEqual({
      returnTo: '/a?b=c&acr=AAL1#d',
      acr: 'AAL3_ANY',
      reauth: '1',
      role: 'change',
    });
  });

  test.each([`/${'a'.repeat(1_024)}`, '//evil.example/x'])(
    'come back to the start from a page that the BFF would refuse',
    async (path) => {
      const tab = browser.open({ path: `${appOrigin}${path}` });
      void tab.bff.signIn();
      await pass(0.1);
      expect(query(tab)).toEqual({ returnTo: '/' });
    },
  );

  test('of several tabs start one after the other', async () => {
    const tabs = await openTabs(3);
    for (const { bff } of tabs) void bff.signIn();
    for (let gone = 0; gone < 3; gone += 1) {
      await pass(1);
      expect(tabs.map(({ visits }) => visits.length)).toEqual(
        tabs.map((_, index) => (index <= gone ? 1 : 0)),
      );
      tabs[gone]!.window.dispatchEvent(new Event('pagehide'));
    }
  });

  test('wait no longer than ten seconds for a tab that does not go away', async () => {
    const [first, second] = await openTabs(2);
    void first.bff.signIn();
    void second!.bff.signIn();
    await pass(9);
    expect(second!.visits).toEqual([]);
    await pass(2);
    expect(second!.visits).toHaveLength(1);
  });

  const refuse = (members: Record<string, unknown>, paths = /^\/api\//) => {
    browser.respond = ({ path }) =>
      paths.test(path) ? problemResponse('step_up_required', members) : undefined;
  };
  const call = (tab: Tab, route = 'PATCH /api/pds/Patient/{id}') =>
    refusal(tab.bff.api(route, { parameters: { id: '9000000009' } }));

  test.each([
    [{ acr: 'AAL3_ANY', loginUrl: 'https://evil.example/' }, { acr: 'AAL3_ANY' }],
    [{ reauth: true, loginUrl: '//evil.example' }, { reauth: '1' }],
    [{ acr: 'X&returnTo=//evil.example' }, { acr: 'X&returnTo=//evil.example' }],
  ])('that a call names are built from codes, and the call rejects: %j', async (members, asked) => {
    const [tab] = await openTabs(1);
    refuse(members);
    expect(await call(tab)).toMatchObject({ code: 'step_up_required', status: 401 });
    expect(query(tab)).toEqual({ returnTo: '/ward?bed=7#notes', ...asked });
    expect(tab.status).toBe('active');
  });

  test('that calls name start once, for any number of calls, and across reloads', async () => {
    const [tab] = await openTabs(1);
    refuse({ acr: 'AAL3_ANY' });
    const routes = ['GET /api/a', 'GET /api/b', 'GET /api/c', 'PATCH /api/pds/Patient/{id}'];
    await Promise.all(routes.map((route) => call(tab, route)));
    expect(tab.visits).toHaveLength(1);
    let page = tab;
    for (let reload = 0; reload < 4; reload += 1) {
      page.bff.stop();
      page = browser.open({ reloaded: page });
      await Promise.all(routes.map((route) => call(page, route)));
      await pass(20);
      expect(page.visits).toEqual([]);
    }
    // Another tab has not tried yet.
    const other = browser.open();
    await call(other);
    expect(other.visits).toHaveLength(1);
  });

  test('that calls name start again once the call was made, or after five minutes', async () => {
    const [tab] = await openTabs(1);
    refuse({ reauth: true });
    await call(tab);
    tab.window.dispatchEvent(new Event('pagehide'));
    browser.respond = ({ path }) => (path.startsWith('/api/') ? Response.json({}) : undefined);
    await during(tab.bff.api('GET /api/other'));
    refuse({ reauth: true });
    await call(tab);
    expect(tab.visits).toHaveLength(1);
    browser.respond = ({ path }) => (path.startsWith('/api/') ? Response.json({}) : undefined);
    await during(tab.bff.api('PATCH /api/pds/Patient/{id}', { parameters: { id: '1' } }));
    refuse({ reauth: true });
    await call(tab);
    expect(tab.visits).toHaveLength(2);
    tab.window.dispatchEvent(new Event('pagehide'));
    await pass(301);
    await call(tab);
    expect(tab.visits).toHaveLength(3);
  });

  test('that calls name do not start where it cannot be written down that they did', async () => {
    const tab = browser.open({ without: ['storage'] });
    await pass(1);
    refuse({ reauth: true });
    expect(await call(tab)).toMatchObject({ code: 'step_up_required' });
    expect(tab.visits).toEqual([]);
  });

  test('leave nothing of a patient in the tab’s storage', async () => {
    const [tab] = await openTabs(1);
    refuse({ reauth: true });
    await call(tab);
    await refusal(tab.bff.fetch('/api/pds/Patient/9000000009?name=Okafor'));
    expect([...tab.storage].join()).not.toMatch(/9000000009|Okafor/);
    expect(tab.storage.size).toBe(1);
  });
});
