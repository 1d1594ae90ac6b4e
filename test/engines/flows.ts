/** What a person meets, told once for every engine. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { click, escape, heading, textOf, type, until, type Profile, type Tab } from './engine.ts';
import type { TlsProduct } from './tls-product.ts';

interface World {
  readonly product: TlsProduct;
  readonly profile: Profile;
  /** Something to print beside the result. */
  readonly note: (text: string) => void;
}

export interface Flow {
  readonly name: string;
  /** Which product it needs: with the demo, the demo and short sessions, or the library's own page and short sessions. */
  readonly on: 'demo' | 'short demo' | 'short library page';
  /** The engine's own remarks about what the flow did to the network. */
  readonly forgive?: RegExp;
  readonly run: (world: World) => Promise<void>;
}

export const idleSeconds = 30;
const maxEndMs = (idleSeconds + 15) * 1000;
const amara = 'Amara Okafor';
const person = /Amara|Okafor|900000000001|900000000777/;
const signInButton = 'Sign in with my Care Identity';
const refused = /status of 401/;

const signedIn = (tab: Tab, name = amara): Promise<void> =>
  until(
    tab,
    `document.querySelector('#account-name')?.innerText.includes(${JSON.stringify(name)})`,
    `${name} is signed in`,
  );
async function signIn({ product }: World, tab: Tab, path = '/', name = amara): Promise<void> {
  await tab.goto(`${product.baseUrl}/auth/login?returnTo=${encodeURIComponent(path)}`);
  await click(tab, 'button', name);
}
async function signOut(tab: Tab): Promise<void> {
  await click(tab, '#sign-out', 'Sign out');
  await heading(tab, 'You have signed out');
}
/** Two windows of one person, both signed in. */
async function inTwoTabs(world: World, name = amara): Promise<readonly [Tab, Tab]> {
  const tab = await world.profile.tab();
  await signIn(world, tab, '/', name);
  await signedIn(tab, name);
  const other = await world.profile.tab();
  await other.goto(`${world.product.baseUrl}/sessions`);
  await signedIn(other, name);
  return [tab, other];
}
async function showsNobody(tab: Tab): Promise<void> {
  assert.doesNotMatch(await textOf(tab), person);
}
async function findsPatient(tab: Tab): Promise<void> {
  await click(tab, 'button', 'Find');
  await until(tab, `document.body.innerText.includes('2 patients found')`);
}
const address = (tab: Tab): Promise<string> => tab.evaluate<string>('location.pathname + location.search');

const focused = `(() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element.id || element.textContent;
})()`;
const dialog = `document.querySelector('bff-timeout-dialog').shadowRoot.querySelector('dialog')`;
/** All of the window shows the dialog or its backdrop, which lets nothing through. */
const isCovered = `(() => {
  const element = document.querySelector('bff-timeout-dialog');
  if (!${dialog}?.matches(':modal')) return false;
  const { backgroundColor, opacity } = getComputedStyle(${dialog}, '::backdrop');
  return opacity === '1' && /^rgb\\(/.test(backgroundColor) &&
    [10, innerWidth - 10].every((x) => [10, innerHeight - 10].every((y) =>
      [element, null, document.documentElement].includes(document.elementFromPoint(x, y))));
})()`;

const street = `document.querySelector('#street')`;
async function draft(tab: Tab, text: string): Promise<void> {
  await click(tab, '#street', 'Street');
  await tab.evaluate(`${street}.select()`);
  await type(tab, text);
  await until(tab, `${street}.value === ${JSON.stringify(text)}`);
  await until(tab, `sessionStorage.getItem('cis2-bff:drafts')`, 'the draft is kept');
  // What was typed last is encrypted last.
  await sleep(500);
}

/** @param isOver - an expression: this tab shows that the session has ended, and nothing else */
async function pullTenTimes(world: World, isOver: string, buttonBack: string): Promise<void> {
  const tabs = await inTwoTabs(world);
  const measured: number[] = [];
  for (let pulls = 0; pulls < 10; pulls += 1) {
    for (const tab of tabs) {
      await tab.evaluate(`(() => {
        delete window.overAt;
        new MutationObserver(() => { if (${isOver}) window.overAt ??= Date.now(); })
          .observe(document.body, { childList: true, subtree: true, characterData: true });
      })()`);
    }
    // At any moment between two questions.
    await sleep(((pulls * 7) % 10) * 350);
    await world.product.pullSmartcard('900000000001');
    // CIS2's back-channel logout has had its response by now.
    const pulledAt = Date.now();
    for (const tab of tabs) {
      await until(tab, `window.overAt`, 'the tab is covered');
      measured.push((await tab.evaluate<number>('window.overAt')) - pulledAt);
      await showsNobody(tab);
    }
    await click(tabs[0], 'button', buttonBack);
    await click(tabs[0], 'button', amara);
    for (const tab of tabs) await signedIn(tab);
  }
  measured.sort((a, b) => a - b);
  world.note(`covered after, in milliseconds: ${measured.join(' ')}`);
  assert.ok(measured.every((milliseconds) => milliseconds < 5_000));
}

export const flows: readonly Flow[] = [
  {
    name: 'an error on the console and a breach of the content security policy are reported',
    on: 'demo',
    forgive: /told on purpose|^CSP |^Content-Security-Policy: /,
    async run({ product, profile }) {
      const tab = await profile.tab();
      await tab.goto(product.baseUrl);
      await heading(tab, 'Sign in');
      await tab.evaluate(`console.error('told on purpose')`);
      await tab.evaluate(`document.head.append(
        Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))`);
      assert.equal(await tab.evaluate('window.ran === true'), false);
      for (const wanted of [/told on purpose/, /^CSP /]) {
        const deadline = Date.now() + 5_000;
        while (!(await profile.complaints()).some((text) => wanted.test(text))) {
          assert.ok(Date.now() < deadline, `not reported: ${String(wanted)}`);
          await until(tab, 'true');
          await sleep(50);
        }
      }
    },
  },
  {
    name: 'a person signs in and finds a patient',
    on: 'demo',
    async run({ product, profile }) {
      const tab = await profile.tab();
      await tab.goto(product.baseUrl);
      await click(tab, 'button', signInButton);
      await click(tab, 'button', amara);
      await signedIn(tab);
      await findsPatient(tab);
    },
  },
  {
    name: 'a deep link is come back to, query included',
    on: 'demo',
    async run({ product, profile }) {
      const tab = await profile.tab();
      await tab.goto(`${product.baseUrl}/sessions?ward=7`);
      await click(tab, 'button', signInButton);
      await click(tab, 'button', amara);
      await signedIn(tab);
      assert.equal(await address(tab), '/sessions?ward=7');
    },
  },
  {
    name: 'a role is chosen, changed later, and the other tab follows and says so',
    on: 'demo',
    async run(world) {
      const [tab, other] = await inTwoTabs(world, 'Bethan Morris');
      await click(tab, 'input[type=radio]', 'EXAMPLE TRUST');
      await click(tab, 'button', 'Continue');
      await until(other, `document.querySelector('#account-role')?.innerText.includes('EXAMPLE TRUST')`);
      await tab.goto(`${world.product.baseUrl}/role`);
      await click(tab, 'input[type=radio]', 'EXAMPLE HEALTH CENTRE');
      await click(tab, 'button', 'Change role');
      await heading(tab, 'Find a patient');
      await until(
        other,
        `document.querySelector('#notice').innerText.includes('Your role was changed in another tab')`,
      );
      await until(
        other,
        `document.querySelector('#account-role').innerText.includes('EXAMPLE HEALTH CENTRE')`,
      );
    },
  },
  {
    name: 'a smartcard that is pulled covers every open tab of the demo, which is told, ten times',
    on: 'demo',
    forgive: refused,
    run: (world) =>
      pullTenTimes(
        world,
        `document.querySelector('h1')?.innerText.includes('You were signed out because your Care Identity session ended')`,
        signInButton,
      ),
  },
  {
    name: 'a smartcard that is pulled covers every open tab of a page that asks, ten times',
    on: 'short library page',
    forgive: refused,
    run: (world) => pullTenTimes(world, `bff.session.get().status === 'ended' && ${isCovered}`, 'Sign in'),
  },
  {
    name: 'a sign-out in one tab covers the other',
    on: 'demo',
    async run(world) {
      const [tab, other] = await inTwoTabs(world);
      await signOut(tab);
      await heading(other, 'You have signed out');
      for (const each of [tab, other]) await showsNobody(each);
    },
  },
  {
    name: 'back and forward after a sign-out show nothing of the person',
    on: 'demo',
    async run(world) {
      const tab = await world.profile.tab();
      await signIn(world, tab, '/sessions?ward=7');
      await signedIn(tab);
      for (const ward of [8, 9]) {
        await tab.goto(`${world.product.baseUrl}/sessions?ward=${String(ward)}`);
        await signedIn(tab);
      }
      // The page of the sign-out takes the place of the last one.
      await signOut(tab);
      for (const [steps, there] of [
        [-1, '/sessions?ward=8'],
        [-1, '/sessions?ward=7'],
        [1, '/sessions?ward=8'],
      ] as const) {
        await tab.travel(steps);
        await until(tab, `location.pathname + location.search === ${JSON.stringify(there)}`);
        await showsNobody(tab);
        await heading(tab, '');
        await showsNobody(tab);
      }
    },
  },
  {
    name: 'a page of before the sign-out, brought back from the history, shows nothing of the person',
    on: 'demo',
    forgive: refused,
    async run(world) {
      const [tab, other] = await inTwoTabs(world);
      // What stands on the page in the first moment, before any script of the page can have changed it.
      await tab.evaluate(`addEventListener('pageshow', (event) => {
        window.broughtBack = event.persisted;
        window.atFirst = document.title + document.body.innerText;
      }, { capture: true })`);
      await tab.goto(`${world.product.baseUrl}/tour`);
      await signOut(other);
      await tab.travel(-1);
      await until(tab, `location.pathname === '/'`);
      await showsNobody(tab);
      await until(tab, `/sign(ed)? (in|out)/i.test(document.querySelector('h1')?.innerText)`);
      await showsNobody(tab);
      assert.doesNotMatch(await tab.evaluate<string>('String(window.atFirst)'), person);
      const fromCache = await tab.evaluate<boolean>('window.broughtBack === true');
      world.note(fromCache ? 'from the back-forward cache' : 'loaded again: the engine kept no copy');
    },
  },
  {
    name: 'a page whose cookies are cleared is covered within six seconds, in every tab',
    on: 'short library page',
    async run(world) {
      const tabs = await inTwoTabs(world);
      await world.profile.clearCookies();
      for (const tab of tabs) {
        await until(tab, `bff.session.get().status === 'anonymous' && ${isCovered}`, 'covered', 6_000);
        await showsNobody(tab);
      }
    },
  },
  {
    name: 'a backend that is down leaves the person on the page, refuses nothing in silence, and works when it is back',
    on: 'demo',
    forgive: /establish a connection|connection to .* was interrupted/,
    async run(world) {
      const tab = await world.profile.tab();
      await signIn(world, tab);
      await signedIn(tab);
      await world.product.down();
      try {
        await sleep(6_000);
        await signedIn(tab);
        await click(tab, '#sign-out', 'Sign out');
        await until(tab, `document.querySelector('#alert').innerText.includes('You are still signed in')`);
      } finally {
        await world.product.up();
      }
      await findsPatient(tab);
      await signOut(tab);
      await showsNobody(tab);
    },
  },
  {
    name: 'a network that delays everything by half a second changes nothing but the time',
    on: 'demo',
    async run(world) {
      world.product.delay(500);
      try {
        const [tab, other] = await inTwoTabs(world);
        await findsPatient(tab);
        await signOut(tab);
        await heading(other, 'You have signed out');
        for (const each of [tab, other]) await showsNobody(each);
      } finally {
        world.product.delay(0);
      }
    },
  },
  {
    name: 'what was typed outlives a time-out for the same person, and is not shown to another',
    on: 'short demo',
    forgive: refused,
    async run(world) {
      const form = '/patients/9000000017/address';
      const tab = await world.profile.tab();
      await signIn(world, tab, form);
      await heading(tab, 'Change address');
      await draft(tab, '3 Example Street');
      await heading(tab, 'You were signed out because you were not active', maxEndMs);
      await showsNobody(tab);
      await click(tab, 'button', signInButton);
      await click(tab, 'button', amara);
      await heading(tab, 'Change address');
      await until(tab, `${street}.value === '3 Example Street'`);

      await draft(tab, '4 Example Street');
      await world.profile.clearCookies();
      await signIn(world, tab, form, 'Devika Shah');
      await signedIn(tab, 'Devika Shah');
      await heading(tab, 'Change address');
      await until(tab, `sessionStorage.getItem('cis2-bff:drafts') === null`, 'the draft is gone');
      assert.doesNotMatch(await tab.evaluate<string>(`${street}.value`), /[34] Example/);
    },
  },
  {
    name: 'the time-out dialog warns, takes the focus, extends with Escape, and covers the page at the end',
    on: 'short library page',
    forgive: refused,
    async run(world) {
      const tab = await world.profile.tab();
      await signIn(world, tab);
      await signedIn(tab);
      await click(tab, '#note', 'Note');
      const warned = `${dialog}?.matches(':modal') && ${focused} === 'Stay signed in'`;
      await until(tab, warned, 'the warning has the focus', maxEndMs);
      const end = await tab.evaluate<number>('Number(bff.session.get().expires.at)');
      await type(tab, escape);
      await until(tab, `!${dialog}.open && ${focused} === 'note'`, 'the field has the focus again');
      await until(tab, `bff.session.get().expires?.at > ${String(end)}`, 'the session was extended');

      await until(tab, warned, 'the second warning has the focus', maxEndMs);
      await until(
        tab,
        `bff.session.get().status === 'ended' && ${isCovered}`,
        'the page is covered',
        maxEndMs,
      );
      await type(tab, escape + escape + escape);
      assert.equal(await tab.evaluate(isCovered), true);
      await until(tab, `${focused} === 'Sign in'`, 'the focus is on "Sign in"');
      await showsNobody(tab);
    },
  },
];
