/** People at real browsers, the product behind them, and everything the browsers had to complain about. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
  type Route,
} from 'playwright-core';
import { Bff, type BffOptions } from '../support/bff.ts';
import type { SessionJson } from '../support/browser.ts';
import { browserArguments, findBrowser, findShell } from '../support/chromium.ts';

const maxWaitMs = 60_000;
const ownHosts = ['localhost', '127.0.0.1'];

/** What the Content-Security-Policy stopped, said where console errors are said. */
const reportViolations = `addEventListener('securitypolicyviolation', (event) => {
  console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI);
});`;

/** One browser profile: its own cookies and storage, any number of tabs. */
export class Profile {
  readonly context: BrowserContext;
  /** Console errors, uncaught errors, CSP violations and requests that left this machine. */
  readonly complaints: string[] = [];
  isClosed = false;
  readonly #baseUrl: string;
  /** Left from an earlier test: the browser ends the process of a profile that has no tab. */
  #emptyTab: Page | undefined;

  private constructor(context: BrowserContext, baseUrl: string) {
    this.context = context;
    this.#baseUrl = baseUrl;
    context.setDefaultTimeout(maxWaitMs);
    context.on('close', () => (this.isClosed = true));
    context.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`console: ${message.text()}`);
    });
    context.on('weberror', (error) => {
      this.complaints.push(`uncaught: ${error.error().message}`);
    });
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (/^(https?|wss?):$/.test(url.protocol) && !ownHosts.includes(url.hostname)) {
        this.complaints.push(`foreign request: ${url.href}`);
      }
    });
  }

  static async open(
    browser: Browser,
    baseURL: string,
    options: BrowserContextOptions = {},
  ): Promise<Profile> {
    const context = await browser.newContext({
      baseURL,
      locale: 'en-GB',
      timezoneId: 'Europe/London',
      ...options,
    });
    await context.addInitScript(reportViolations);
    return new Profile(context, baseURL);
  }

  async tab(): Promise<Page> {
    const tab = await this.context.newPage();
    await this.#emptyTab?.close();
    this.#emptyTab = undefined;
    return tab;
  }

  /** Closes every tab, and leaves nothing of what they stored. */
  async empty(): Promise<void> {
    const [first = await this.tab(), ...others] = this.context.pages();
    await Promise.all(others.map((tab) => tab.close()));
    await first.goto('about:blank');
    const devTools = await this.context.newCDPSession(first);
    await devTools.send('Storage.clearDataForOrigin', { origin: this.#baseUrl, storageTypes: 'all' });
    await devTools.detach();
    await this.context.clearCookies();
    this.#emptyTab = first;
  }

  /** Takes back the browser's own remark about a response that the test provoked, such as "status of 409". */
  forgive(pattern: RegExp): void {
    const rest = this.complaints.filter((complaint) => !pattern.test(complaint));
    this.complaints.splice(0, Infinity, ...rest);
  }

  /** A call with this profile's cookies that no page makes and no page hears of. */
  async call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
  ): Promise<{ status: number; body: SessionJson }> {
    const response = await this.context.request.fetch(this.#baseUrl + path, {
      method,
      headers: { 'x-csrf': '1' },
      maxRedirects: 0,
    });
    const json = (await response.text()) || '{}';
    return { status: response.status(), body: JSON.parse(json) as SessionJson };
  }

  async session(): Promise<SessionJson> {
    return (await this.call('GET', '/auth/session')).body;
  }
}

/** A page asks again whenever it likes: a response that a test was about to change is of no use once the test is over. */
const leaveRoutes = (tab: Page): Promise<void> => tab.unrouteAll({ behavior: 'ignoreErrors' });

export const launch = (executablePath: string | undefined = findShell()): Promise<Browser> => {
  if (executablePath === undefined) throw new Error('no Chromium was found');
  return chromium.launch({
    executablePath,
    args: browserArguments,
    // Left out by the driver, not by the browsers people use: pages that come back from memory.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
};

/** The product with its own CIS2 simulator, and one Chromium. */
export class Rig {
  readonly bff: Bff;
  readonly #browser: Browser;
  #wholeBrowser: Promise<Browser> | undefined;
  /** Whether pages are told of the end of their session. Without it they ask every few seconds, which most tests wait for. */
  hasEvents = false;
  readonly #profiles: Profile[] = [];
  /** Profiles of earlier tests, without their tabs, cookies and storage: a new one costs a process and half a second. */
  readonly #emptied: Profile[] = [];
  readonly #changed = new Set<Profile>();
  #shared: { readonly profile: Profile; readonly tab: Page } | undefined;

  private constructor(bff: Bff, browser: Browser) {
    this.bff = bff;
    this.#browser = browser;
  }

  /** @param settings - settings of the functions that no option gives */
  static async start(options: BffOptions = {}, settings?: Record<string, string>): Promise<Rig> {
    const launching = launch();
    const bff = await Bff.start(options, settings).catch(async (error: unknown) => {
      await (await launching).close();
      throw error;
    });
    const browser = await launching;
    return new Rig(bff, browser);
  }

  get baseUrl(): string {
    return this.bff.baseUrl;
  }

  /** Where the simulator is. */
  async simulator(): Promise<string> {
    const response = await fetch(`${this.baseUrl}/auth/login`, { redirect: 'manual' });
    return new URL(response.headers.get('location') ?? '').origin;
  }

  /** Has the simulator's control panel do something, e.g. pull a smartcard. */
  async controlPanel(command: string, input: Record<string, unknown> = {}): Promise<void> {
    const response = await fetch(`${await this.simulator()}/control-panel/api/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-control-panel': '1' },
      body: JSON.stringify(input),
    });
    if (!response.ok) throw new Error(`the control panel refused ${command}: ${await response.text()}`);
  }

  /** A profile without tabs, cookies and storage. Nothing may be changed in it that closing its tabs does not undo. */
  async profile(): Promise<Profile> {
    const profile = this.#emptied.pop() ?? (await this.#open());
    this.#profiles.push(profile);
    return profile;
  }

  /** A profile that no other test gets, with options or an `addInitScript` of its own. */
  async ownProfile(options: BrowserContextOptions = {}, browser = this.#browser): Promise<Profile> {
    const profile = await this.#open(options, browser);
    this.#profiles.push(profile);
    this.#changed.add(profile);
    return profile;
  }

  async #open(options: BrowserContextOptions = {}, browser = this.#browser): Promise<Profile> {
    const profile = await Profile.open(browser, this.baseUrl, options);
    if (!this.hasEvents) await profile.context.addInitScript('delete window.WebSocket');
    return profile;
  }

  /** A profile of the whole Chromium, which brings pages back from memory. */
  async profileWithPageMemory(): Promise<Profile> {
    this.#wholeBrowser ??= launch(findBrowser());
    return this.ownProfile({}, await this.#wholeBrowser);
  }

  /**
   * A visitor in a tab that earlier visitors used: their cookies are gone, the history is not. Much quicker than a
   * profile and a tab of their own.
   */
  async visitor(): Promise<{ readonly profile: Profile; readonly tab: Page }> {
    if (this.#shared === undefined) {
      const profile = await this.#open();
      this.#shared = { profile, tab: await profile.tab() };
    }
    await leaveRoutes(this.#shared.tab);
    await this.#shared.tab.goto('about:blank');
    await this.#shared.profile.context.clearCookies();
    return this.#shared;
  }

  /** Closes every profile and gives what their browsers complained of: nothing, if all is well. */
  async closeProfiles(): Promise<string[]> {
    const closed = this.#profiles.splice(0);
    const complaints = closed.flatMap((profile) => profile.complaints.splice(0));
    await Promise.all(
      closed.map(async (profile) => {
        if (profile.isClosed) return;
        await Promise.all(profile.context.pages().map(leaveRoutes));
        if (this.#changed.delete(profile)) {
          await profile.context.close();
          return;
        }
        await profile.empty();
        this.#emptied.push(profile);
      }),
    );
    return [
      ...complaints,
      ...closed.flatMap((profile) => profile.complaints.splice(0)),
      ...(this.#shared?.profile.complaints.splice(0) ?? []),
    ];
  }

  async stop(): Promise<void> {
    if (this.#shared !== undefined) await leaveRoutes(this.#shared.tab);
    await Promise.all([this.#browser.close(), (await this.#wholeBrowser)?.close()]);
    await this.bff.stop();
  }
}

export const signInButtonName = 'Sign in with my Care Identity';

/** Waits for the page with this main heading. */
export async function heading(tab: Page, name: string | RegExp): Promise<void> {
  await tab.getByRole('heading', { level: 1, name }).waitFor();
}

/** At the simulator's page: be this person. */
export async function choose(tab: Page, person: string): Promise<void> {
  await tab.getByRole('button', { name: person }).click();
}

/** Waits for a page of the app that names this person as the one who is signed in. */
export async function signedInAs(tab: Page, person: string): Promise<void> {
  await tab.locator('#account-name', { hasText: person }).waitFor();
}

/** The page to choose a person on, in the browser. */
export async function signInByHand(tab: Page, person = 'Amara Okafor', path = '/'): Promise<void> {
  await tab.goto(`/auth/login?returnTo=${encodeURIComponent(path)}`);
  await choose(tab, person);
  await signedInAs(tab, person);
}

/**
 * To the simulator and back with the browser's cookies, and then to `path` in the browser: half of the processor time of a
 * sign-in by hand, which has tests of its own.
 */
export async function signIn(tab: Page, person = 'Amara Okafor', path = '/'): Promise<void> {
  const { request } = tab.context();
  const page = await request.get(`/auth/login?returnTo=${encodeURIComponent(path)}`);
  const markup = await page.text();
  const field = (pattern: RegExp): string => {
    const [, value] = pattern.exec(markup) ?? [];
    if (value === undefined) throw new Error(`no ${String(pattern)} at the simulator: ${markup}`);
    return value;
  };
  await request.post(new URL(field(/<form [^>]*action="([^"]+)"/), page.url()).href, {
    form: {
      interaction: field(/name="interaction" value="([^"]+)"/),
      uid: field(new RegExp(`name="uid" value="([^"]+)"[^>]*>[^<]*${person}`)),
    },
  });
  await tab.goto(path);
  await signedInAs(tab, person);
}

/** Sets what the app sees of the session, as if it had happened: what takes hours, or another server, to come about. */
export const respondWith = (tab: Page, change: (session: SessionJson) => unknown): Promise<unknown> =>
  tab.route('**/auth/session', async (route: Route) => {
    const response = await route.fetch();
    await route.fulfill({ json: change((await response.json()) as SessionJson) });
  });

/** The page's questions fail: it knows only what it knew, until it is let ask again. The browser reports `ERR_FAILED`. */
export const failQuestions = (tab: Page): Promise<unknown> =>
  tab.route('**/auth/session', (route) => route.abort());
export const letAsk = (tab: Page): Promise<void> => tab.unroute('**/auth/session');

/** As where a deployment does not push the end of a session: the page learns of it when it asks. To call before the sign-in. */
export const refuseEvents = (tab: Page): Promise<void> =>
  tab.routeWebSocket('**/auth/events', (socket) => socket.close());

/** The person turns to this tab after longer than a page waits between two questions, or after one that failed: it asks at once. */
export const lookAgain = (tab: Page, awayMs = 8_000): Promise<unknown> =>
  tab.evaluate(`{
    const { now } = performance;
    const later = performance.now() + ${awayMs};
    performance.now = () => later;
    dispatchEvent(new Event('focus'));
    performance.now = now;
  }`);

/** Waits for a notice above the page, and makes sure that it is still there when the page has asked and shown again. */
export async function staysTold(tab: Page, told: string | RegExp): Promise<void> {
  const notice = tab.locator('#notice, #alert').getByText(told);
  await notice.waitFor();
  // When the second response is there, the first has been shown.
  for (let times = 0; times < 2; times += 1) {
    const asked = tab.waitForResponse('**/auth/session');
    await lookAgain(tab);
    await (await asked).finished();
  }
  if (!(await notice.isVisible())) throw new Error(`"${String(told)}" is no longer shown`);
}

export async function signOut(tab: Page): Promise<void> {
  await tab.locator('#sign-out').click();
  await heading(tab, 'You have signed out');
}

export const text = (tab: Page): Promise<string> => tab.locator('body').innerText();

/** The pairs of the page's summary lists, white space made plain. */
export const facts = (tab: Page): Promise<Record<string, string>> =>
  tab.evaluate<Record<string, string>>(`Object.fromEntries(
    [...document.querySelectorAll('.nhsuk-summary-list__row')].map((row) =>
      [...row.children].map((cell) => cell.innerText.replace(/\\s+/g, ' ').trim())))`);

/** Every place where a page can leave something on the computer, and what is in it. */
export const browserStorage = (tab: Page): Promise<Record<string, unknown>> =>
  tab.evaluate<Record<string, unknown>>(`(async () => ({
    localStorage: { ...localStorage },
    sessionStorage: { ...sessionStorage },
    indexedDB: (await indexedDB.databases()).map(({ name }) => name),
    caches: await caches.keys(),
    serviceWorkers: (await navigator.serviceWorker.getRegistrations()).length,
    windowName: window.name,
    history: history.state,
    documentCookie: document.cookie,
    cookieStore: (await cookieStore.getAll()).map(({ name }) => name),
  }))()`);

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe-core finds wrong: rule, and the elements it concerns. */
export async function accessibilityViolations(tab: Page): Promise<string[]> {
  if (!(await tab.evaluate<boolean>('"axe" in window'))) await tab.evaluate(`${axe};undefined`);
  return tab.evaluate<string[]>(`axe.run({ runOnly: ${JSON.stringify(rules)} }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`);
}

/** Pixels by which the page is wider than the window. */
export const overflow = (tab: Page): Promise<number> =>
  tab.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
