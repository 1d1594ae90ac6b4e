/** The document that a reviewer reads says what the code does. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { attemptLifetimeSeconds } from '../../lambdas/cis2/index.ts';
import { clockSkewSeconds, recentSeconds } from '../../lambdas/cis2/jwt.ts';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { expiryOf } from '../../lambdas/session/expiry.ts';
import { readSettings, SettingsError } from '../../lambdas/settings/index.ts';
import { settingValues } from '../../infra/parts/settings.ts';

const text = readFileSync(new URL('../../docs/sessions.md', import.meta.url), 'utf8');

/** The cells of a table's rows, by the first of them. */
const rows = new Map(
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, first = '', ...others]) => [first.replaceAll('`', ''), others] as const),
);
const secondsOf = (limit: string): number => Number(rows.get(limit)?.[0] ?? NaN);

const defaults = settingValues(
  {
    production: false,
    baseUrl: 'https://app.example.nhs.uk',
    issuer: 'https://am.example.nhs.uk:443/realm',
    clientId: 'rp',
  },
  {
    ...{ SESSION_TABLE: 'sessions', PUBLISHED_KEYS_TABLE: 'keys', SIGNING_KEYS_SECRET: 'ring' },
    ...{ API_PLATFORM_KEYS_SECRET: 'ring', API_PLATFORM_CREDENTIALS_SECRET: 'application' },
    ...{ KEY_RING_NAME: 'unit', IDENTIFIER_KEY_SECRET: 'identifiers', EDGE_SECRET: 'edge' },
  },
);

describe('the document about sessions', () => {
  test.each([
    ['idle', 'IDLE_SECONDS'],
    ['absolute', 'ABSOLUTE_SECONDS'],
  ] as const)(
    'gives the %s limit that is the default and the longest, with CIS2’s reason and NIST’s [ASVS-7.1.1]',
    (limit, setting) => {
      const documented = secondsOf(limit);
      expect(defaults[setting]).toBe(String(documented));
      expect(readSettings([setting], { [setting]: String(documented) })[setting]).toBe(documented);
      expect(() => readSettings([setting], { [setting]: String(documented + 1) })).toThrow(SettingsError);
      expect(rows.get(limit)?.[2]).toMatch(/NHS CIA Ses Req 00[57].*NIST SP 800-63B/);
    },
  );

  test('gives the other times as they are [ASVS-7.1.1]', () => {
    expect(secondsOf('age of the authentication')).toBe(recentSeconds);
    expect(rows.get('age of the authentication')?.[2]).toContain(`${String(clockSkewSeconds)} s for clocks`);
    expect(secondsOf('sign-in under way')).toBe(attemptLifetimeSeconds);
    const began = 1_800_000_000 as EpochSeconds;
    const { at, warnAt } = expiryOf(
      { signedInAt: began, lastActiveAt: began },
      { idleSeconds: secondsOf('idle'), absoluteSeconds: secondsOf('absolute') },
    );
    expect(secondsOf('warning before the end')).toBe(at - warnAt);
  });

  test('names every policy for several sessions, and the default [ASVS-7.1.2]', () => {
    const named = [...rows.keys()].map((first) => first.replace(' (the default)', ''));
    for (const policy of ['allow', 'newest-wins', 'ask']) {
      expect(named).toContain(policy);
      expect(readSettings(['CONCURRENT_SESSIONS'], { CONCURRENT_SESSIONS: policy })).toBeDefined();
    }
    expect(rows.has(`${defaults.CONCURRENT_SESSIONS} (the default)`)).toBe(true);
    expect(rows.get('allow (the default)')?.[0]).toContain(`up to ${defaults.SESSIONS_PER_USER} `);
  });

  test('lists what a browser must do, and what happens where it does not [ASVS-3.1.1]', () => {
    const start = text.indexOf('## What a browser must do');
    const features = text
      .slice(start)
      .split('\n')
      .filter((line) => /^\| [^-]/.test(line))
      .slice(1)
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(features.length).toBeGreaterThanOrEqual(5);
    for (const [, feature, purpose, without] of features) {
      expect([feature, purpose, without].every((cell) => (cell?.length ?? 0) > 10)).toBe(true);
    }
    for (const feature of ['SameSite', '__Host-Http-', 'Sec-Fetch-Site', 'Content-Security-Policy']) {
      expect(text.slice(start)).toContain(feature);
    }
  });
});
