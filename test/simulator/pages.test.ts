import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { readStylesheet } from '../../local/cis2-simulator/layout.ts';
import { telemetryPage } from '../../local/cis2-simulator/telemetry-page.ts';
import { browserArguments, findShell } from '../support/chromium.ts';
import { clientId, codeOf, redirectUri, startBench, type Bench } from './client.ts';
import { controlPanelState } from './control-panel-client.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The app of the registered client, for the browser alone. */
const app = createServer((_, response) => response.end('the app'));
let bench: Bench;
let browser: Browser;
beforeAll(async () => {
  const executablePath = findShell();
  if (executablePath === undefined) throw new Error('no Chromium was found');
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  const appAddress = `127.0.0.1:${String((app.address() as AddressInfo).port)}`;
  const args = [...browserArguments, `--host-resolver-rules=MAP ${new URL(redirectUri).host} ${appAddress}`];
  [bench, browser] = await Promise.all([startBench(), chromium.launch({ executablePath, args })]);
});
afterAll(async () => {
  await browser.close();
  await bench.close();
  app.close();
});

/** Opens the sign-in page. */
async function begin(context: BrowserContext, scope: string): Promise<Page> {
  const page = await context.newPage();
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    prompt: 'login',
    scope,
  });
  await page.goto(`${bench.as.authorization_endpoint ?? ''}?${query.toString()}`);
  return page;
}

/** The code that a page came back to the app with. */
async function codeAt(page: Page): Promise<string> {
  await page.getByText('the app').waitFor();
  return codeOf(new URL(page.url()).searchParams);
}

/** What is wrong with a page: inaccessible elements, and whether it has to be scrolled sideways. */
async function faultsOf(page: Page): Promise<string[]> {
  // What a test waits for can be there before the styles are.
  await page.waitForLoadState();
  // Not by a script element: the page's own policy forbids one.
  await page.evaluate(axe);
  const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
    'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => violations)',
  );
  const isWide = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
  return [
    ...violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`),
    ...(isWide ? ['it is wider than the window'] : []),
  ];
}

describe.each([1024, 390])('In a window of %i pixels', (width) => {
  let context: BrowserContext;
  beforeAll(async () => {
    context = await browser.newContext({ viewport: { width, height: 700 } });
    context.setDefaultTimeout(20_000);
  });
  afterAll(() => context.close());

  test('a person chooses who to be, searches for a role, and comes back to the app', async () => {
    const page = await begin(context, 'openid selectedrole');
    expect(await faultsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Kemi Adeyemi' }).click();
    await page.getByRole('heading', { name: 'Choose your role' }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.getByLabel('Search your roles').fill('walk-in nurse');
    await page.keyboard.press('Enter');
    await page.getByText('1 role found').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').getByText('Choose a role').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.getByRole('radio').check();
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await codeAt(page)).not.toBe('');
  });

  test('the control panel is operated from its forms', async () => {
    const page = await begin(context, 'openid');
    await page.getByRole('button', { name: 'Amara Okafor' }).click();
    await bench.tokenRequest({ code: await codeAt(page) });

    await page.goto(bench.simulator.panel);
    expect(await faultsOf(page)).toEqual([]);
    await page.getByLabel('Authentication (').fill('missing');
    await page.getByRole('button', { name: 'Set the levels' }).click();
    await page.getByRole('button', { name: 'Make it fail' }).click();
    await page.getByRole('button', { name: 'Answer with the error' }).click();
    await page.getByRole('button', { name: 'Rotate and withdraw at once' }).click();
    await page.getByLabel('Token', { exact: true }).selectOption('alg-none');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('button', { name: /^Pull the smartcard of Amara Okafor/ }).click();
    await page.getByRole('status').getByText('The smartcard of Amara Okafor was pulled.').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    const state = await controlPanelState(bench);
    expect(state).toMatchObject({
      faults: [{ endpoint: 'discovery', kind: 'status', status: 503, remaining: null }],
      claims: [{ in: 'idToken', name: 'authentication_assurance_level', drop: true, remaining: null }],
      authorizationError: { error: 'access_denied', remaining: 1 },
    });
    expect(state.deliveries.slice(0, 2).map(({ kind }) => kind)).toEqual(['good', 'alg-none']);
    await page.getByLabel('Seconds ahead').fill('soon');
    await page.getByRole('button', { name: 'Set the clock' }).click();
    await page.getByRole('alert').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Switch everything off' }).click();
    await page.getByText('They go on as usual.').waitFor();
  });

  test('metrics and events stay in it: long values break, times do not, and wide tables scroll', async () => {
    const page = await context.newPage();
    const audit = { time: '2026-03-01T09:00:00.123Z', event: 'sign_in_completed', person: 'a'.repeat(64) };
    const response = telemetryPage(
      { metrics: [], audit: [{ ...audit, details: `session=${'b'.repeat(200)}` }] },
      { hasControlPanel: true },
    );
    await page.setContent(String(response.body));
    await page.addStyleTag({ content: readStylesheet() });
    expect(await faultsOf(page)).toEqual([]);
    const details = await page.getByRole('cell', { name: 'session=' }).boundingBox();
    expect(details?.width).toBeLessThan(500);
    const lines = await page.evaluate<number>(`(() => {
      const range = document.createRange();
      range.selectNodeContents(document.querySelector('.telemetry-breaks-never'));
      return range.getClientRects().length;
    })()`);
    expect(lines).toBe(1);
  });
});
