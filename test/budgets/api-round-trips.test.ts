/** How often a call to an API waits for the network, warm. Calls made side by side count once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from '../support/browser.ts';
import { patchPatient, patientPath, useProxyRig } from '../support/proxy-rig.ts';
import { wavesOf } from './waves.ts';

const rig = useProxyRig();
const table: string[] = [];

beforeAll(async () => {
  // Warm: the signing key and the credentials are known, every connection is open.
  const browser = await rig.signedIn();
  expect((await browser.api(patientPath)).status).toBe(200);
});
afterAll(() => {
  process.stdout.write(`\nRound trips of a call, warm: platform + store + upstream\n${table.join('\n')}\n`);
});

interface Budget {
  readonly platform: number;
  readonly store: number;
  readonly upstream: number;
}

/** Makes a call, and holds it to its budget. @returns what it asked of the store, wave by wave */
async function expectBudget(
  name: string,
  status: number,
  call: () => Promise<Response>,
  budget: Budget,
): Promise<readonly (readonly string[])[]> {
  rig.platform.calls.length = 0;
  rig.upstream.calls.length = 0;
  const { result, waves } = await wavesOf(rig.store, call);
  const counted: Budget = {
    platform: rig.platform.calls.length,
    store: waves.length,
    upstream: rig.upstream.calls.length,
  };
  table.push(`  ${name.padEnd(41)}${Object.values(counted).join(' + ')}`);
  expect({ status: result.status, counted, waves }).toEqual({ status, counted: budget, waves });
  return waves;
}

/** A session whose window has begun and whose tokens are there. */
async function inUse(): Promise<Browser> {
  const browser = await rig.signedIn();
  expect((await browser.api(patientPath)).status).toBe(200);
  return browser;
}

describe('a call waits for the network as often as its budget says', () => {
  test('with a token that lives: once for the store, once for the upstream', async () => {
    const browser = await inUse();
    const budget = { platform: 0, store: 1, upstream: 1 };
    // One read of all that the call needs, and no write.
    const read = [['Query session|']];
    expect(await expectBudget('GET', 200, () => browser.api(patientPath), budget)).toEqual(read);
    expect(await expectBudget('PATCH', 200, () => patchPatient(browser), budget)).toEqual(read);
    for (let call = 0; call < 10; call += 1) expect((await browser.api(patientPath)).status).toBe(200);
    const asked = rig.store.calls.map(({ operation, body }) => [operation, body['ConsistentRead']]);
    expect(asked).toEqual(Array.from({ length: 10 }, () => ['Query', true]));
  });

  test('once more for the store at the beginning of a window', async () => {
    const browser = await inUse();
    await rig.age(browser, 'lastActiveAt', 61);
    const budget = { platform: 0, store: 2, upstream: 1 };
    const waves = await expectBudget('GET, a window begins', 200, () => browser.api(patientPath), budget);
    expect(waves).toEqual([['Query session|'], ['UpdateItem session|core']]);
  });

  test('never more for a call in the background', async () => {
    const browser = await inUse();
    await rig.age(browser, 'lastActiveAt', 61);
    const budget = { platform: 0, store: 1, upstream: 1 };
    const background = () => browser.api(patientPath, { headers: { 'x-background': '1' } });
    const waves = await expectBudget('GET, in the background', 200, background, budget);
    expect(waves).toEqual([['Query session|']]);
  });

  test('with the first token of a session, and with the next', async () => {
    const browser = await rig.signedIn();
    rig.platform.lifetimeSeconds = 1;
    const budget = { platform: 1, store: 5, upstream: 1 };
    await expectBudget('GET, the first of a session', 200, () => browser.api(patientPath), budget);
    await sleep(1_200);
    rig.platform.lifetimeSeconds = 599;
    await expectBudget('GET, the token has expired', 200, () => browser.api(patientPath), {
      ...budget,
      store: 3,
    });
  });

  test('not at all where it is refused before', async () => {
    const browser = await inUse();
    const budget = { platform: 0, store: 0, upstream: 0 };
    await expectBudget('GET, no such route', 404, () => browser.api('/api/pds/Elsewhere'), budget);
    await expectBudget('GET, an unknown query', 400, () => browser.api(`${patientPath}?x=1`), budget);
    await expectBudget('GET, refused by a guard', 403, () => browser.request(patientPath), budget);
    await expectBudget('GET, no cookie', 401, () => rig.browser().api(patientPath), budget);
  });
});
