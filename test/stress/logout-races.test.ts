/**
 * Back-channel logouts against everything that can be under way, over HTTP and by chance: whatever the order, no cookie of
 * the session that CIS2 ended is ever active again. The orders themselves are gone through one by one in `test/races`.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { logoutToken, newUser, postLogout, signsIn } from '../contract/logout-tokens.ts';
import { Browser, sessionCookie } from '../support/browser.ts';
import { useRig } from '../support/rig.ts';

const rig = useRig();

const counts = { rounds: 0, cookies: 0, refused: 0, ended: 0 };
afterAll(() => {
  process.stdout.write(
    `logout races: ${String(counts.rounds)} rounds; ${String(counts.cookies)} cookies, ` +
      `${String(counts.ended)} of them ended by the logout; ${String(counts.refused)} sign-ins refused\n`,
  );
});

/** Browsers of which every session cookie they ever got is remembered. */
class Witness {
  readonly #browsers: Browser[] = [];

  browser(): Browser {
    const browser = rig.browser();
    this.#browsers.push(browser);
    return browser;
  }

  /** What each of the cookies reaches now. */
  async states(): Promise<{ status: string; reason: string | undefined }[]> {
    const given = this.#browsers.flatMap(({ responses }) =>
      responses.flatMap(({ headers }) => headers.getSetCookie().map((line) => line.split(';')[0] ?? '')),
    );
    const cookies = given.filter((pair) => new RegExp(`^${sessionCookie}=.`).test(pair));
    return Promise.all(
      cookies.map(async (pair) => {
        const browser = rig.browser();
        browser.cookies.set(sessionCookie, pair.slice(sessionCookie.length + 1));
        const { status, reason } = await browser.session();
        return { status, reason };
      }),
    );
  }
}

const roleIds = ['900000000701', '900000000702'] as const;
const roles = roleIds.map((person_roleid) => ({
  person_roleid,
  person_orgid: '900000000501',
  org_code: 'A9A5A',
  role_code: 'S8000:G8000:R8000',
  role_name: '"Clinical":"Clinical Provision":"Clinical Practitioner Access Role"',
}));

/** Uses a session in every way there is until told to stop; every response must be a clean one. */
async function hammer(browser: Browser, stopped: () => boolean): Promise<void> {
  for (let turn = 0; !stopped(); turn += 1) {
    const response = await [
      () => browser.api('/auth/session'),
      () => browser.api('/auth/session/extend', { method: 'POST' }),
      () =>
        browser.api('/auth/session/role', {
          method: 'PUT',
          body: JSON.stringify({ roleId: roleIds[turn % 2] }),
          headers: { 'content-type': 'application/json' },
        }),
      () => browser.api('/auth/sessions'),
    ][turn % 4]?.();
    expect([200, 401]).toContain(response?.status);
  }
}

type Moment = 'before the code is exchanged' | 'before UserInfo' | 'by chance' | 'after the response';
/** When the logout comes, round by round. */
const moments: readonly Moment[] = [
  'before the code is exchanged',
  'before UserInfo',
  'after the response',
  ...Array.from({ length: 3 }, () => 'by chance' as const),
];

async function round(by: 'sid' | 'sub' | 'sid and sub', moment: Moment): Promise<void> {
  const { provider, bff } = rig;
  const [user, sid] = [newUser(), `sid-${randomUUID()}`];
  // What CIS2 gives no sid for, a sub must name.
  const inSession = by === 'sub' && randomInt(2) === 0 ? undefined : sid;
  signsIn(provider, user, inSession);
  provider.userInfo = { ...provider.userInfo, nhsid_nrbac_roles: roles };
  const witness = new Witness();

  const [working, changing] = [witness.browser(), witness.browser()];
  for (const browser of [working, changing]) {
    await browser.signIn(provider);
    expect((await browser.session()).status).toBe('active');
  }
  const bystander = rig.browser();
  const signingIn = await Promise.all(
    [witness.browser(), witness.browser()].map(async (browser) => ({
      browser,
      location: (await browser.login()).location,
    })),
  );

  const token = await logoutToken(provider, {
    sub: by === 'sid' ? undefined : user,
    sid: by === 'sub' ? undefined : sid,
  });
  let sent: Promise<void> | undefined;
  const logOut = (): Promise<void> =>
    (sent ??= postLogout(bff.baseUrl, token).then(({ status }) => {
      expect(status).toBe(200);
    }));
  provider.during = async (endpoint) => {
    const before = { 'before the code is exchanged': 'token', 'before UserInfo': 'userinfo' };
    if (moment in before && before[moment as keyof typeof before] === endpoint) await logOut();
  };

  let stop = false;
  const busy = [working, changing].map((browser) => hammer(browser, () => stop));
  const landing = signingIn.map(({ browser, location }) => browser.callback(provider.authorise(location)));
  if (moment === 'by chance') {
    await sleep(randomInt(60));
    await logOut();
  }
  const landed = await Promise.all(landing);
  await logOut();
  // Whatever still comes must come to nothing.
  await sleep(30);
  stop = true;
  await Promise.all(busy);
  provider.behave();

  for (const response of landed) {
    const code = Browser.failure(response)?.code;
    expect([undefined, 'provider_logout']).toContain(code);
    if (code !== undefined) counts.refused += 1;
    // A sign-in that is refused gives no cookie.
    expect(response.headers.getSetCookie()).toHaveLength(code === undefined ? 1 : 0);
    // Before the session was written, the logout had won already.
    if (moment.startsWith('before')) expect(code).toBe('provider_logout');
  }
  const states = await witness.states();
  expect(states.filter(({ status }) => status === 'active')).toEqual([]);
  expect(states.length).toBeGreaterThanOrEqual(2);
  counts.cookies += states.length;
  counts.ended += states.filter(
    (state) => (state as { reason?: string }).reason === 'provider_logout',
  ).length;
  counts.rounds += 1;
  expect((await bystander.session()).status).toBe('anonymous');
}

describe('a back-channel logout wins', () => {
  test.each(['sid', 'sub', 'sid and sub'] as const)(
    'against sign-ins, activity, role changes and reads under way, by %s [L-10, CIS2-BCL, ASVS-7.4.1]',
    async (by) => {
      for (const moment of moments) await round(by, moment);
    },
    60_000,
  );
});
