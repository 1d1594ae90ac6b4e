import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KeyView } from '../../ops/keys/responses.ts';
import { Bff } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { poolKey } from '../support/key-pool.ts';
import { signInAtSimulator } from '../support/simulator-sign-in.ts';
import { ops, opsProcess } from './command.ts';

// Each test takes the ring as the one before left it.
let bff: Bff;
let here: string[];
let directory: string;

beforeAll(async () => {
  bff = await Bff.start();
  here = ['--local', new URL(bff.baseUrl).port];
  directory = mkdtempSync(join(tmpdir(), 'ops-local-'));
});
afterAll(async () => {
  await bff.stop();
  rmSync(directory, { recursive: true });
});

interface Status {
  readonly keys: readonly KeyView[];
  readonly nextRotationAt: string;
  readonly publishedEqualsRing: boolean;
  readonly lastRotation: { readonly result: string } | null;
}

const status = async (): Promise<Status> => {
  const { code, out, err } = await ops(['keys', 'status', '--json', ...here]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Status;
};
const placesOf = (keys: readonly KeyView[]): Record<string, string> =>
  Object.fromEntries(keys.map(({ place, kid }) => [place, kid]));
const published = async (): Promise<string[]> => {
  const response = await fetch(`${bff.baseUrl}/auth/jwks.json`);
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid).sort();
};
const kidsOf = ({ keys }: Status): string[] => keys.map(({ kid }) => kid).sort();

test('keys status shows the ring that is published, and when it moves', async () => {
  const today = await status();
  expect(today.keys.map(({ place }) => place)).toEqual(['current', 'next']);
  expect(today.publishedEqualsRing).toBe(true);
  expect(Date.parse(today.nextRotationAt)).toBeGreaterThan(Date.now());
  expect(await published()).toEqual(kidsOf(today));
  const { code, out } = await ops(['keys', 'status', ...here]);
  expect(code).toBe(0);
  for (const { kid } of today.keys) expect(out).toContain(kid);
  expect(out).not.toContain('Warning');
});

test('keys rotate takes one step, after which the published set is the ring', async () => {
  const before = placesOf((await status()).keys);
  const dryRun = await ops(['keys', 'rotate', '--dry-run', '--json', ...here]);
  expect(dryRun.code).toBe(0);
  expect(placesOf((JSON.parse(dryRun.out) as { after: KeyView[] }).after)).toEqual({
    previous: before['current'],
    current: before['next'],
    next: '(new)',
  });
  expect(placesOf((await status()).keys)).toEqual(before);

  const { code, out } = await ops(['keys', 'rotate', '--yes', '--json', ...here]);
  expect(code).toBe(0);
  const today = await status();
  expect(placesOf(today.keys)).toMatchObject({ previous: before['current'], current: before['next'] });
  expect((JSON.parse(out) as { after: KeyView[] }).after).toEqual(today.keys);
  expect(today).toMatchObject({ publishedEqualsRing: true, lastRotation: { result: 'done' } });
  expect(await published()).toEqual(kidsOf(today));
});

test('two rotations at the same moment make one or two whole steps, or the second exits 1 with one line', async () => {
  const before = placesOf((await status()).keys);
  const [one, other] = await Promise.all([
    ops(['keys', 'rotate', '--yes', '--json', ...here]),
    ops(['keys', 'rotate', '--yes', '--json', ...here]),
  ]);
  expect([one.code, other.code].sort()).toEqual([0, expect.any(Number)]);
  for (const { code, out, err } of [one, other]) {
    const document = JSON.parse(out) as { error?: { message: string } };
    if (code === 0) expect(document.error).toBeUndefined();
    else expect(err).toContain(`cis2-bff ops: ${document.error?.message ?? ''}`);
  }
  const today = await status();
  const places = placesOf(today.keys);
  expect([before['current'], before['next']]).toContain(places['previous']);
  if (places['previous'] === before['current']) expect(places['current']).toBe(before['next']);
  expect(today.publishedEqualsRing).toBe(true);
  expect(await published()).toEqual(kidsOf(today));
});

test('keys promote lets next sign at once and leaves nothing of the withdrawn key', async () => {
  const before = placesOf((await status()).keys);
  const { code, out } = await ops(['keys', 'promote', '--yes', ...here]);
  expect(code).toBe(0);
  expect(out.match(/has been published for/g)).toHaveLength(1);
  expect(out).toMatch(/until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  const today = await status();
  expect(placesOf(today.keys)['current']).toBe(before['next']);
  expect(kidsOf(today)).not.toContain(before['current']);
  expect(await published()).toEqual(kidsOf(today));
});

test('keys import takes a key in as next or lets it sign, under its thumbprint or the name it has', async () => {
  const [first, second] = [1_000, 1_001].map((number) => {
    const { privateKey, privateJwk } = poolKey(number);
    const { e, kty, n, d } = privateJwk;
    const thumbprint = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url');
    return { pem: privateKey.export({ format: 'pem', type: 'pkcs1' }).toString(), thumbprint, d };
  });
  const file = join(directory, 'key.pem');
  const importing = async (pem: string | undefined, ...options: string[]) => {
    writeFileSync(file, pem ?? '', { mode: 0o600 });
    return ops(['keys', 'import', file, '--yes', ...options, ...here]);
  };

  expect(await importing(first?.pem)).toMatchObject({ code: 0, err: '' });
  const before = placesOf((await status()).keys);
  expect(before['next']).toBe(first?.thumbprint);

  expect(await importing(second?.pem, '--kid', 'known-to-cis2', '--now')).toMatchObject({ code: 0, err: '' });
  const today = await status();
  expect(placesOf(today.keys)).toEqual({
    previous: before['current'],
    current: 'known-to-cis2',
    next: before['next'],
  });
  expect(await published()).toEqual(kidsOf(today));

  const again = await importing(second?.pem);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toMatch(/^cis2-bff ops: .*\n$/);
  expect(bff.output).toContain('known-to-cis2');
  expect(bff.output).not.toContain(second?.d);
});

const json = async <T>(...args: string[]): Promise<T> => {
  const { code, out, err } = await ops([...args, '--json', ...here]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
};
const signedIn = async (uid: string): Promise<Browser> => {
  const browser = new Browser(bff.baseUrl);
  expect((await signInAtSimulator(browser, uid)).status).toBe(303);
  return browser;
};
const [someone, another] = ['900000000001', '900000000002'];

test('sessions of a user are listed, and ended as revoked; a sign-in after that is the user’s own affair [ASVS-7.4.5]', async () => {
  const [first, second, other] = [await signedIn(someone), await signedIn(someone), await signedIn(another)];
  const listed = await json<{ person: string; sessions: { handle: string }[] }>(
    ...['sessions', 'list', '--uid', someone],
  );
  const handles = [first, second].map(async (browser) => (await browser.session())['handle']);
  expect(listed.sessions.map(({ handle }) => handle).sort()).toEqual((await Promise.all(handles)).sort());
  expect(JSON.stringify(listed.sessions)).not.toContain(someone);

  // With nobody to ask, nothing is changed.
  const unasked = await ops(['sessions', 'end', '--uid', someone, '--json', ...here]);
  expect(unasked.code).toBe(1);
  expect(JSON.parse(unasked.out)).toMatchObject({ error: { code: 'confirmation_needed' } });
  expect(await first.session()).toMatchObject({ status: 'active' });

  expect(await json('sessions', 'end', '--uid', someone, '--yes')).toEqual({
    ...{ uid: someone, person: listed.person, reason: 'revoked', ended: 2 },
  });
  for (const browser of [first, second]) {
    expect(await browser.session()).toEqual({ status: 'ended', reason: 'revoked' });
  }
  expect(await other.session()).toMatchObject({ status: 'active' });
  expect(await json('sessions', 'list', '--uid', someone)).toMatchObject({ sessions: [] });
  expect(await (await signedIn(someone)).session()).toMatchObject({ status: 'active' });
  expect(bff.log).toContainEqual(
    expect.objectContaining({
      ...{ event: 'sessions_ended_by_operator', audit: true, person: listed.person, count: 2 },
    }),
  );
});

test('everybody’s sessions are ended as revoked [ASVS-7.4.5]', async () => {
  const browsers = [await signedIn(someone), await signedIn(another)];
  const { ended, ...rest } = await json<{ ended: number }>('sessions', 'end', '--all', '--yes');
  expect(rest).toEqual({ all: true, reason: 'revoked' });
  expect(ended).toBeGreaterThanOrEqual(2);
  for (const browser of browsers) {
    expect(await browser.session()).toEqual({ status: 'ended', reason: 'revoked' });
  }
  expect(await json('sessions', 'end', '--all', '--yes')).toMatchObject({ ended: 0 });
});

test('the audit trail names a person by a keyed hash alone, and a sign-in is measured on its request’s line', async () => {
  const browser = await signedIn(another);
  await browser.request('/auth/logout', { method: 'POST', headers: { 'x-csrf': '1' } });
  const { person } = await json<{ person: string }>('sessions', 'list', '--uid', another);
  const trail = bff.log.filter((entry) => entry['audit'] === true);
  expect(trail.map(({ event, person: named, reason }) => ({ event, person: named, reason }))).toEqual(
    expect.arrayContaining([
      { event: 'sign_in_completed', person, reason: undefined },
      { event: 'session_ended', person, reason: 'signed_out' },
    ]),
  );
  expect(JSON.stringify(trail)).not.toContain(another);
  const lines = bff.log.filter(({ event }) => event === 'request');
  const callback = lines.findLast(({ route }) => route === 'GET /auth/callback');
  expect(callback).toMatchObject({
    SignInCompleted: 1,
    ProviderLatency: [expect.any(Number), expect.any(Number)],
  });
  expect(lines.findLast(({ route }) => route === 'GET /auth/login')).toMatchObject({ SignInStarted: 1 });
  expect(lines.filter((line) => 'ColdStart' in line).length).toBeGreaterThan(0);
});

describe('a start whose keys are made in KMS and wait an hour before they sign', () => {
  let other: Bff;
  let there: string[];
  beforeAll(async () => {
    other = await Bff.start({ 'key-lead-seconds': 3_600, 'key-custody': 'kms' });
    there = ['--local', new URL(other.baseUrl).port];
  });
  afterAll(() => other.stop());

  test('refuses a second rotation, and says from when the next key can sign', async () => {
    expect((await ops(['keys', 'rotate', '--yes', ...there])).code).toBe(0);
    const { code, out, err } = await ops(['keys', 'rotate', '--yes', '--json', ...there]);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ error: { code: 'lead_time_not_met', message: expect.any(String) } });
    expect(err).toMatch(/^cis2-bff ops: .*\d\d:\d\d.*\n$/);
  });

  test('takes no key in, and says where its keys are', async () => {
    const { privateKey } = poolKey(1_000);
    const input = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const { code, out } = await opsProcess(['keys', 'import', '-', '--yes', '--json', ...there], { input });
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({ error: { code: 'custody_kms', message: expect.any(String) } });
    expect((await ops(['keys', 'status', ...there])).out).toContain('are made in KMS');
  });

  test('is no longer there for the commands when it has ended', async () => {
    await other.stop();
    expect(await ops(['keys', 'status', ...there])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('no local start runs'),
    });
  });
});
