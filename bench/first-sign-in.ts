/**
 * How long the first sign-in of an instance takes at `/auth/login` and `/auth/callback`, with the warm-up and without it, beside
 * later ones: whole starts on loopback, in turns, with a provider that responds at once. Medians, in milliseconds.
 *
 * `npm run bench:first-sign-in -- [ROUNDS]`
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Bff } from '../test/support/bff.ts';
import { Browser } from '../test/support/browser.ts';
import { Provider } from '../test/support/provider.ts';
import { median } from './api-proxy/measure.ts';

const rounds = Number(process.argv[2] ?? 7);
const signIns = 8;

const provider = await Provider.start();
const results = {
  on: { first: [] as number[], later: [] as number[] },
  off: { first: [] as number[], later: [] as number[] },
};

async function measure(warmUp: 'on' | 'off'): Promise<void> {
  const bff = await Bff.start({ issuer: provider.issuer, 'client-id': 'bench' }, { WARM_UP: warmUp });
  try {
    for (let count = 0; count < signIns; count += 1) await new Browser(bff.baseUrl).signIn(provider);
    // The log is written behind the responses.
    await sleep(300);
    const durations = (route: string): number[] =>
      bff.log
        .filter((entry) => entry['event'] === 'request' && entry['route'] === route)
        .map((entry) => Number(entry['durationMs']));
    const callbacks = durations('GET /auth/callback');
    const whole = durations('GET /auth/login').map((login, index) => login + (callbacks[index] ?? NaN));
    results[warmUp].first.push(whole[0] ?? NaN);
    results[warmUp].later.push(median(whole.slice(signIns / 2)));
  } finally {
    await bff.stop();
  }
}

try {
  for (let round = 0; round < rounds; round += 1) {
    await measure('on');
    await measure('off');
  }
  for (const [warmUp, { first, later }] of Object.entries(results)) {
    console.log(
      `warm-up ${warmUp}: the first ${median(first).toFixed(0)} ms, later ones ${median(later).toFixed(0)} ms`,
    );
  }
} finally {
  await provider.close();
}
