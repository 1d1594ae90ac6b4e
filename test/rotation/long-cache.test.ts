/**
 * A platform that caches our keys for a time and never asks again for one it does not know, as the API platform does for
 * an hour; here the hour is a few seconds, and so is the lead time.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Installation } from './sign-in-load.ts';

jest.setTimeout(120_000);

/** Longer than two promotions take on a busy machine. */
const cacheSeconds = 12;
const everyMs = 400;
let installation: Installation;
const reportLines: string[] = [];

beforeAll(async () => {
  installation = await Installation.start(
    { 'key-bits': 2_048, 'key-cache-seconds': 1, 'key-lead-seconds': cacheSeconds },
    cacheSeconds,
  );
});
afterAll(async () => {
  await installation.stop();
  process.stdout.write(
    `\nA platform that caches our keys for ${String(cacheSeconds)} s:\n${reportLines.join('\n')}\n`,
  );
});

const until = (instant: number): Promise<void> => sleep(Math.max(0, instant - Date.now()));
/** When the next key can sign, by what the command says. */
const instantIn = (text: string): number =>
  Date.parse(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/.exec(text)?.[0] ?? '');

test('rotate never lets a key sign that such a platform does not know, and says from when it can [ASVS-13.3.4]', async () => {
  const command = (...args: string[]) => installation.command(...args);
  let refused = 0;
  await installation.whileSigningIn(everyMs, async () => {
    expect(await command('keys', 'rotate', '--yes')).toMatchObject({ code: 0 });
    for (let rotations = 1; rotations < 3; rotations += 1) {
      const tooEarly = await command('keys', 'rotate', '--yes', '--json');
      expect(tooEarly.code).toBe(1);
      expect(JSON.parse(tooEarly.out)).toMatchObject({ error: { code: 'lead_time_not_met' } });
      refused += 1;
      const leadTimeMetAt = instantIn(tooEarly.err);
      expect(leadTimeMetAt).toBeGreaterThan(Date.now() - 1_000);
      expect(leadTimeMetAt).toBeLessThanOrEqual(Date.now() + cacheSeconds * 1_000);
      await until(leadTimeMetAt);
      expect(await command('keys', 'rotate', '--yes')).toMatchObject({ code: 0 });
    }
  });
  expect(installation.failures).toEqual([]);
  reportLines.push(
    `  3 rotations and ${String(refused)} refused for being too early: ${installation.summary}`,
  );
});

test('promote says beforehand until when such a platform may refuse us, and it does so no longer', async () => {
  const command = (...args: string[]) => installation.command(...args);
  const before = installation.results.length;
  await installation.fetchKeys();
  let [foreseen, promotedAt] = [{ gapEndsAt: '', notices: [''] }, 0];
  await installation.whileSigningIn(everyMs, async () => {
    // This lets a key sign that the platform has just fetched, and makes one that it has not.
    expect(await command('keys', 'promote', '--yes')).toMatchObject({ code: 0 });
    const { out } = await command('keys', 'promote', '--dry-run', '--json');
    foreseen = JSON.parse(out) as typeof foreseen;
    expect(await command('keys', 'promote', '--yes')).toMatchObject({ code: 0 });
    promotedAt = Date.now();
    await sleep((cacheSeconds + 2) * 1_000);
  });
  expect(foreseen.notices.join(' ')).toMatch(/API platform caches our keys for an hour/);
  const during = installation.results.slice(before).sort((a, b) => a.at - b.at);
  const refused = during.filter(({ failure }) => failure !== undefined);
  const [firstRefused, lastRefused] = [refused[0]?.at ?? NaN, refused.at(-1)?.at ?? NaN];
  const acceptedAgain =
    during.find(({ at, failure }) => at > lastRefused && failure === undefined)?.at ?? NaN;
  const gapSeconds = (acceptedAgain - firstRefused) / 1_000;
  reportLines.push(
    `  promote of a key that it did not know: refused for ${gapSeconds.toFixed(1)} s (${String(refused.length)} sign-ins), ` +
      `said to be over at ${foreseen.gapEndsAt}, was over at ${new Date(acceptedAgain).toISOString()}`,
  );
  expect(refused.length).toBeGreaterThan(0);
  expect(gapSeconds).toBeLessThanOrEqual(cacheSeconds + 1);
  expect(acceptedAgain).toBeLessThanOrEqual(Date.parse(foreseen.gapEndsAt));
  expect(acceptedAgain).toBeLessThan(promotedAt + (cacheSeconds + 1) * 1_000);
});
