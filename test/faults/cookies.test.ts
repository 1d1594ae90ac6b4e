/** Cookies that are not what we set, and items that are not what we wrote. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { Browser, sessionCookie, signInCookie, type Problem, type SessionJson } from '../support/browser.ts';
import { startWithSharedStore } from '../support/proxy-rig.ts';
import { partitionOf, type Item } from '../support/table.ts';

const { provider, bff, tables } = await startWithSharedStore();

const signedIn = async (): Promise<Browser> => {
  const browser = new Browser(bff.baseUrl);
  await browser.signIn(provider);
  expect((await browser.session()).status).toBe('active');
  return browser;
};

const cookieOf = (browser: Browser, name = sessionCookie): string => browser.cookies.get(name) ?? '';

/** A request with just this `Cookie` header. */
const withCookies = (path: string, cookie: string, method = 'GET'): Promise<Response> =>
  new Browser(bff.baseUrl).api(path, { method, headers: { cookie } });

/** What `/auth/session` responds to a request with this `Cookie` header. */
async function expectAnonymous(cookie: string): Promise<void> {
  const session = await withCookies('/auth/session', cookie);
  expect(session.status).toBe(200);
  expect(await session.json()).toEqual({ status: 'anonymous' });
  const extended = await withCookies('/auth/session/extend', cookie, 'POST');
  expect(extended.status).toBe(401);
  expect(((await extended.json()) as Problem).code).toBe('session_required');
  for (const response of [session, extended]) expect(response.headers.getSetCookie()).toEqual([]);
}

/** The same, for a cookie that could not even end a session. */
async function expectNobody(cookie: string): Promise<void> {
  await expectAnonymous(cookie);
  const loggedOut = await withCookies('/auth/logout', cookie, 'POST');
  expect(loggedOut.status).toBe(200);
  // A cookie is never cleared in passing: a newer one may stand in its place by the time this response arrives.
  expect(loggedOut.headers.getSetCookie()).toEqual([]);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Another letter at one place. */
const changed = (text: string, at: number, to = text[at] === 'A' ? 'B' : 'A'): string =>
  text.slice(0, at) + to + text.slice(at + 1);

/** Other last letters that decode to the very same bytes. */
const otherSpellings = (text: string): string[] =>
  Array.from(alphabet)
    .map((letter) => text.slice(0, -1) + letter)
    .filter((other) => other !== text)
    .filter((other) => Buffer.from(other, 'base64url').equals(Buffer.from(text, 'base64url')));

/** Ways to change a cookie value; each gives values none of which is the one that was set. */
const tamperings: readonly (readonly [string, (value: string) => string[]])[] = [
  ['has its first letter changed', (value) => [changed(value, 0)]],
  ['has its last letters changed', (value) => [changed(value, value.length - 2)]],
  [
    'has a letter changed at any fifth place',
    (value) => Array.from(value).flatMap((_, at) => (at % 5 === 0 ? [changed(value, at)] : [])),
  ],
  ['is the same bytes in another spelling', otherSpellings],
  ['is a letter short', (value) => [value.slice(0, -1), value.slice(1)]],
  ['is a letter long', (value) => [`${value}A`, `A${value}`]],
  ['is padded', (value) => [`${value}=`, `${value}==`]],
  ['is quoted', (value) => [`"${value}"`]],
  [
    'is percent-encoded',
    (value) => [encodeURIComponent(value).replace(/^./, (c) => `%${c.charCodeAt(0).toString(16)}`)],
  ],
  ['is in the other base64 alphabet', (value) => [`${value.slice(0, -2)}+/`]],
  ['is in another case', (value) => [value.toLowerCase(), value.toUpperCase()]],
  ['is cut in half', (value) => [value.slice(0, value.length / 2), value.slice(value.length / 2)]],
  ['is empty', () => ['']],
  ['is twice itself', (value) => [value + value]],
  ['is random', (value) => [randomBytes((value.length * 3) >> 2).toString('base64url')]],
  ['is all zero', (value) => ['A'.repeat(value.length)]],
  ['is of another charset', (value) => [changed(value, 3, 'é'), changed(value, 3, '\u00ff'), 'ÿ'.repeat(86)]],
  ['is somebody’s idea of a name', () => ['undefined', 'null', '__proto__', '../../core', '[object Object]']],
  ['is long', () => ['A'.repeat(8_000)]],
];

describe('a session cookie that', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await signedIn();
  });

  test.each(tamperings)('%s opens nothing [ASVS-7.2.1, C-02]', async (_, tamper) => {
    const value = cookieOf(browser);
    const variants = tamper(value);
    expect(variants.length).toBeGreaterThan(0);
    for (const variant of variants) {
      expect(variant).not.toBe(value);
      await expectNobody(`${sessionCookie}=${variant}`);
    }
    expect((await browser.session()).status).toBe('active');
  });

  test('has one half of another session opens neither', async () => {
    const other = await signedIn();
    const [mine, theirs] = [cookieOf(browser), cookieOf(other)].map((value) =>
      Buffer.from(value, 'base64url'),
    );
    if (mine === undefined || theirs === undefined) throw new Error('no cookies');
    for (const mixed of [
      Buffer.concat([mine.subarray(0, 32), theirs.subarray(32)]),
      Buffer.concat([theirs.subarray(0, 32), mine.subarray(32)]),
      Buffer.concat([mine.subarray(32), mine.subarray(0, 32)]),
    ]) {
      await expectNobody(`${sessionCookie}=${mixed.toString('base64url')}`);
    }
    expect((await browser.session()).status).toBe('active');
    expect((await other.session()).status).toBe('active');
  });

  test.each([
    sessionCookie.toLowerCase(),
    sessionCookie.toUpperCase(),
    sessionCookie.replace('__Host-Http-', ''),
    sessionCookie.replace('-Http', ''),
    `${sessionCookie}2`,
    `x${sessionCookie}`,
    '__Secure-session',
  ])('has the name %s is not ours', async (name) => {
    await expectNobody(`${name}=${cookieOf(browser)}`);
  });

  test.each([
    ['the same value twice', (value: string) => [value, value]],
    ['garbage beside it', (value: string) => ['garbage', value]],
    ['garbage after it', (value: string) => [value, 'garbage']],
    ['an empty one beside it', (value: string) => ['', value]],
  ])('comes more than once is refused: %s [C-10]', async (_, values) => {
    const cookie = values(cookieOf(browser))
      .map((value) => `${sessionCookie}=${value}`)
      .join('; ');
    for (const [path, method] of [
      ['/auth/session', 'GET'],
      ['/auth/session/extend', 'POST'],
      ['/auth/logout', 'POST'],
    ] as const) {
      const response = await withCookies(path, cookie, method);
      expect(response.status).toBe(400);
      expect(((await response.json()) as Problem).code).toBe('invalid_request');
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect((await browser.session()).status).toBe('active');
  });

  test('stands among the large cookies of sibling sites is found, twice where it is there twice', async () => {
    const own = `${sessionCookie}=${cookieOf(browser)}`;
    const foreign = Array.from({ length: 7 }, (_, index) => `sibling${String(index)}=${'x'.repeat(4_000)}`);
    const session = await withCookies('/auth/session', [...foreign, own].join('; '));
    expect(((await session.json()) as SessionJson).status).toBe('active');
    for (const path of ['/auth/login', '/auth/session', '/api/pds/Patient']) {
      expect((await withCookies(path, foreign.join('; '))).status).not.toBe(431);
    }
    expect((await withCookies('/auth/session', [own, ...foreign, own].join('; '))).status).toBe(400);
  });

  test('stands among foreign cookies is found', async () => {
    const value = cookieOf(browser);
    for (const cookie of [
      `a=b; ${sessionCookie}=${value}; c=d`,
      `${sessionCookie}2=x; ${sessionCookie}=${value}`,
      `novalue; ${sessionCookie}=${value}; =empty; ;`,
    ]) {
      const response = (await (await withCookies('/auth/session', cookie)).json()) as SessionJson;
      expect(response.status).toBe('active');
    }
  });

  test('is longer than the gateway takes is refused there', async () => {
    const response = await withCookies('/auth/session', `${sessionCookie}=${'A'.repeat(10_240)}`);
    expect(response.status).toBe(431);
  });

  test('is garbage does not keep anybody from signing in', async () => {
    for (const garbage of ['', 'garbage', 'é', 'A'.repeat(86)]) {
      const visitor = new Browser(bff.baseUrl);
      visitor.cookies.set(sessionCookie, garbage);
      expect((await visitor.signIn(provider)).headers.get('location')).toBe(`${bff.baseUrl}/`);
      expect((await visitor.session()).status).toBe('active');
    }
  });
});

describe('a late response to an old cookie', () => {
  test('does not wipe the new one', async () => {
    const browser = await signedIn();
    const old = cookieOf(browser);
    await browser.signIn(provider);
    expect(cookieOf(browser)).not.toBe(old);

    for (const [path, method, status] of [
      ['/auth/session', 'GET', 200],
      ['/auth/session/extend', 'POST', 401],
      ['/auth/logout', 'POST', 200],
    ] as const) {
      const response = await withCookies(path, `${sessionCookie}=${old}`, method);
      expect(response.status).toBe(status);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect((await browser.session()).status).toBe('active');
  });

  test('clears the cookie only for the logout that ends the session', async () => {
    const browser = await signedIn();
    const cookie = `${sessionCookie}=${cookieOf(browser)}`;
    const responses = [
      await withCookies('/auth/logout', cookie, 'POST'),
      await withCookies('/auth/logout', cookie, 'POST'),
    ];
    expect(responses.map((response) => response.status)).toEqual([200, 200]);
    expect(responses.map((response) => response.headers.getSetCookie().length)).toEqual([1, 0]);
    expect(responses[0]?.headers.getSetCookie()[0]).toBe(
      `${sessionCookie}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0`,
    );
  });
});

describe('a sign-in cookie that', () => {
  const voided = async (change: (browser: Browser) => string): Promise<void> => {
    const browser = new Browser(bff.baseUrl);
    const { location } = await browser.login();
    const parameters = provider.authorise(location);
    const asked = provider.requests.length;
    const query = new URLSearchParams(parameters).toString();
    const landed = await withCookies(`/auth/callback?${query}`, change(browser));
    expect(Browser.failure(landed)?.code).toBe('login_expired');
    expect(landed.headers.getSetCookie()).toEqual([]);
    // Decided before CIS2 is asked, and without spending the attempt: its own browser can still finish it.
    expect(provider.requests).toHaveLength(asked);
    expect((await browser.callback(parameters)).headers.get('location')).toBe(`${bff.baseUrl}/`);
  };

  test.each(tamperings)('%s cannot finish a sign-in [S-02]', async (_, tamper) => {
    const probe = new Browser(bff.baseUrl);
    await probe.login();
    // One of them is enough: the session cookie's tests try them all.
    const position = tamper(cookieOf(probe, signInCookie)).length - 1;
    expect(position).toBeGreaterThanOrEqual(0);
    await voided((browser) => {
      const variants = tamper(cookieOf(browser, signInCookie));
      return `${signInCookie}=${variants[position] ?? variants[0] ?? ''}`;
    });
  });

  test('is missing, another browser’s, or under another name cannot finish a sign-in', async () => {
    await voided(() => '');
    const other = new Browser(bff.baseUrl);
    await other.login();
    await voided(() => `${signInCookie}=${cookieOf(other, signInCookie)}`);
    await voided((browser) => `${signInCookie.toLowerCase()}=${cookieOf(browser, signInCookie)}`);
    await voided((browser) => `${sessionCookie}=${cookieOf(browser, signInCookie)}`);
  });

  test('comes twice cannot finish a sign-in', async () => {
    await voided((browser) => {
      const pair = `${signInCookie}=${cookieOf(browser, signInCookie)}`;
      return `${pair}; ${pair}`;
    });
  });

  test('is garbage is replaced by the next sign-in start, and a good one is kept', async () => {
    const browser = new Browser(bff.baseUrl);
    for (const garbage of ['', 'garbage', 'é'.repeat(43), 'A'.repeat(44)]) {
      browser.cookies.set(signInCookie, garbage);
      expect((await browser.login()).response.status).toBe(302);
      expect(cookieOf(browser, signInCookie)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    }
    const good = cookieOf(browser, signInCookie);
    await browser.login();
    expect(cookieOf(browser, signInCookie)).toBe(good);
  });
});

describe('a store item that somebody changed [ASVS-11.3.3]', () => {
  interface Stored {
    browser: Browser;
    core: Item;
    profile: Item;
  }

  const stored = async (): Promise<Stored> => {
    const browser = await signedIn();
    const pk = partitionOf(cookieOf(browser));
    const [core, profile] = await Promise.all([tables.item(pk, 'core'), tables.item(pk, 'profile')]);
    if (core === undefined || profile === undefined) throw new Error('the session is not in the table');
    return { browser, core, profile };
  };

  const unreadable = (): number => bff.log.filter(({ event }) => event === 'session_unreadable').length;

  /** Nobody, and the log says that an item could not be read. */
  async function expectUnreadable({ browser }: Stored): Promise<void> {
    const before = unreadable();
    await expectAnonymous(`${sessionCookie}=${cookieOf(browser)}`);
    for (let tries = 0; unreadable() === before && tries < 20; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(unreadable()).toBeGreaterThan(before);
    // Who holds the cookie may still put an end to it.
    expect((await browser.api('/auth/logout', { method: 'POST' })).status).toBe(200);
  }

  const bytes = (item: Item, name: string): Uint8Array => {
    const value = item[name]?.B;
    if (value === undefined) throw new Error(`${name} is not bytes`);
    return value;
  };
  const flipped = (value: Uint8Array, at: number): Uint8Array =>
    value.map((byte, index) => (index === (at + value.length) % value.length ? byte ^ 1 : byte));

  describe.each<[string, 'core' | 'profile', string]>([
    ['the wrapped data key', 'core', 'wrappedKey'],
    ['the chosen role', 'core', 'role'],
    ['the profile', 'profile', 'sealed'],
  ])('%s', (_, which, name) => {
    test.each<[string, (value: Uint8Array) => Item[string]]>([
      ['nonce', (value) => ({ B: flipped(value, 0) })],
      ['ciphertext', (value) => ({ B: flipped(value, 12) })],
      ['tag', (value) => ({ B: flipped(value, -1) })],
      ['length (cut)', (value) => ({ B: value.subarray(0, -1) })],
      ['length (longer)', (value) => ({ B: Buffer.concat([value, Buffer.alloc(1)]) })],
      ['length (too short for a seal)', (value) => ({ B: value.subarray(0, 20) })],
      ['type', (value) => ({ S: Buffer.from(value).toString('base64') })],
    ])('with another %s makes the session nobody’s', async (__, change) => {
      const session = await stored();
      await tables.put({ ...session[which], [name]: change(bytes(session[which], name)) });
      await expectUnreadable(session);
      await tables.put(session[which]);
    });
  });

  test.each<[string, 'core' | 'profile', Item]>([
    ['a format we do not know', 'core', { format: { N: '99' } }],
    ['a format that is text', 'core', { format: { S: '1' } }],
    ['a state we do not know', 'core', { state: { S: 'limbo' } }],
    ['an end without a reason', 'core', { state: { S: 'ended' } }],
    ['an end with a reason we never write', 'core', { state: { S: 'ended' }, reason: { S: '<b>hello</b>' } }],
    ['a time that is text', 'core', { lastActiveAt: { S: 'today' } }],
    ['a time that is no whole number', 'core', { lastActiveAt: { N: '1.5' } }],
    ['a time beyond all sense', 'core', { signedInAt: { N: '1e20' } }],
    ['a handle that is a number', 'core', { handle: { N: '7' } }],
  ])('%s makes the session nobody’s', async (_, which, change) => {
    const session = await stored();
    await tables.put({ ...session[which], ...change });
    await expectUnreadable(session);
  });

  test('a missing profile makes the session nobody’s', async () => {
    const session = await stored();
    await tables.delete(session.profile);
    await expectUnreadable(session);
  });

  test('a missing core, or another secret’s hash, makes the session unknown', async () => {
    const session = await stored();
    for (const secretHash of [{ S: 'A'.repeat(43) }, { S: '' }, { N: '1' }] as const) {
      await tables.put({ ...session.core, secretHash });
      await expectNobody(`${sessionCookie}=${cookieOf(session.browser)}`);
    }
    await tables.delete(session.core);
    await expectNobody(`${sessionCookie}=${cookieOf(session.browser)}`);
  });

  test('the attributes that say nothing of the session do not matter', async () => {
    const session = await stored();
    await tables.put({ ...session.core, device: { N: '1' }, somethingNew: { BOOL: true } });
    expect((await session.browser.session()).status).toBe('active');
  });

  test('an earlier release’s session is nobody’s, and no sign of a changed table', async () => {
    const session = await stored();
    const before = unreadable();
    await tables.put({ ...session.core, format: { N: '1' } });
    const cookie = `${sessionCookie}=${cookieOf(session.browser)}`;
    await expectAnonymous(cookie);
    for (const [path, method] of [
      ['/auth/sessions', 'GET'],
      ['/auth/sessions/handle', 'DELETE'],
      ['/api/pds/Patient/9000000009', 'GET'],
    ] as const) {
      expect((await withCookies(path, cookie, method)).status).toBe(401);
    }
    expect((await withCookies('/auth/logout', cookie, 'POST')).status).toBe(200);
    // Signing in again works as it does for anybody.
    await session.browser.signIn(provider);
    expect((await session.browser.session()).status).toBe('active');
    expect(unreadable()).toBe(before);
  });

  const month = 30 * 86_400;
  const later = (core: Item, name: string): Item => ({
    [name]: { N: String(Number(core[name]?.N) + month) },
  });

  test.each<[string, (core: Item) => Item]>([
    ['absolute limit a month later', (core) => later(core, 'absoluteAt')],
    [
      'absolute limit a month longer',
      (core) => ({ ...later(core, 'absoluteSeconds'), ...later(core, 'absoluteAt') }),
    ],
    [
      'sign-in a month later',
      (core) => ({
        ...later(core, 'signedInAt'),
        ...later(core, 'absoluteAt'),
        ...later(core, 'lastActiveAt'),
      }),
    ],
    ['longer idle limit', (core) => later(core, 'idleSeconds')],
    ['CIS2 session of somebody else', () => ({ providerSessionHash: { S: 'A'.repeat(43) } })],
    ['proof for its replacement', () => ({ replacementHash: { S: 'A'.repeat(43) } })],
  ])('another %s makes the session nobody’s', async (_, change) => {
    const session = await stored();
    await tables.put({ ...session.core, ...change(session.core) });
    await expectUnreadable(session);
  });

  test('another user makes the session nobody’s: it lists and ends none of that user’s', async () => {
    const mine = await stored();
    provider.claims = () => ({ sub: '900000000998' });
    provider.userInfo = { sub: '900000000998' };
    const theirs = await stored();
    provider.behave();
    const { handle } = await theirs.browser.session();
    const index = await tables.item(`user#${theirs.core['userHash']?.S ?? ''}`, 'sessions');
    if (index === undefined) throw new Error('no list of sessions');
    await tables.put({ ...mine.core, userHash: theirs.core['userHash'] ?? { NULL: true } });
    const name = `s#${mine.core['pk']?.S?.replace('session#', '') ?? ''}`;
    const [entry] = Object.entries(index).flatMap(([key, value]) => (key.startsWith('s#') ? [value] : []));
    await tables.put({ ...index, [name]: entry ?? { NULL: true } });
    const cookie = `${sessionCookie}=${cookieOf(mine.browser)}`;
    const list = await withCookies('/auth/sessions', cookie);
    expect(list.status).toBe(401);
    expect(await list.text()).not.toContain(handle);
    expect((await withCookies(`/auth/sessions/${handle}`, cookie, 'DELETE')).status).toBe(401);
    expect(await theirs.browser.session()).toMatchObject({ status: 'active', handle });
    // Nor do they see what was put on their list.
    const { sessions } = (await (await theirs.browser.api('/auth/sessions')).json()) as { sessions: Item[] };
    const known = sessions.map((listed) => (listed as unknown as SessionJson).handle);
    expect(known).toContain(handle);
  });

  test('a stolen table does not say whose its sessions are [S-13]', async () => {
    const sid = 'a-sid-that-is-known';
    provider.claims = () => ({ sub: '900000000997', sid });
    provider.userInfo = { sub: '900000000997' };
    await stored();
    provider.behave();
    const all = JSON.stringify(await tables.items());
    for (const id of ['900000000997', sid]) {
      const parts = [provider.issuer, id];
      const lengths = (list: readonly string[]): string =>
        list.map((part) => `${String(part.length)}:${part}`).join('');
      const guesses = [
        id,
        lengths([id]),
        lengths(parts),
        ...['', '|', ':', ' ', '#'].map((by) => parts.join(by)),
      ];
      for (const guess of guesses) {
        const digest = createHash('sha256').update(guess).digest();
        for (const form of ['base64url', 'base64', 'hex'] as const)
          expect(all).not.toContain(digest.toString(form));
      }
    }
  });

  describe('copied from another session', () => {
    const twoUsers = async (): Promise<{ mine: Stored; theirs: Stored }> => {
      const mine = await stored();
      provider.claims = () => ({ sub: '900000000999' });
      provider.userInfo = { sub: '900000000999', uid: '900000000999', given_name: 'Thandeka' };
      const theirs = await stored();
      provider.behave();
      return { mine, theirs };
    };

    test.each<[string, (mine: Stored, theirs: Stored) => Item[]]>([
      ['the profile', ({ profile }, theirs) => [{ ...theirs.profile, ...key(profile) }]],
      [
        'the wrapped data key',
        ({ core }, theirs) => [{ ...core, wrappedKey: theirs.core['wrappedKey'] ?? { NULL: true } }],
      ],
      ['the role', ({ core }, theirs) => [{ ...core, role: theirs.core['role'] ?? { NULL: true } }]],
      [
        'everything sealed, with the hash of my own secret',
        ({ core, profile }, theirs) => [
          { ...theirs.core, ...key(core), secretHash: core['secretHash'] ?? { NULL: true } },
          { ...theirs.profile, ...key(profile) },
        ],
      ],
    ])('%s opens nothing', async (_, copy) => {
      const { mine, theirs } = await twoUsers();
      for (const item of copy(mine, theirs)) await tables.put(item);
      await expectUnreadable(mine);
      const untouched = await theirs.browser.session();
      expect(untouched).toMatchObject({ status: 'active', user: { uid: '900000000999' } });
    });

    test('whole items lead nobody to another person’s session', async () => {
      const { mine, theirs } = await twoUsers();
      await tables.put({ ...theirs.core, ...key(mine.core) });
      await tables.put({ ...theirs.profile, ...key(mine.profile) });
      for (const cookie of [cookieOf(mine.browser), cookieOf(theirs.browser)].map((value) =>
        Buffer.from(value, 'base64url'),
      )) {
        // My reference with either secret: the copy lies under my key, but was sealed for theirs.
        const reference = Buffer.from(cookieOf(mine.browser), 'base64url').subarray(0, 32);
        const forged = Buffer.concat([reference, cookie.subarray(32)]).toString('base64url');
        await expectAnonymous(`${sessionCookie}=${forged}`);
      }
    });
  });

  const key = (item: Item): Item => ({ pk: item['pk'] ?? { NULL: true }, sk: item['sk'] ?? { NULL: true } });
});
