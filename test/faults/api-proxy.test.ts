/** What becomes of a proxied call when the upstream, the API platform or the store fails, each in every way there is. */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectProblem, read } from '../contract/expectations.ts';
import type { Browser } from '../support/browser.ts';
import { patchPatient, patientPath, useProxyRig } from '../support/proxy-rig.ts';
import type { Fault } from '../unit/api-tokens-platform.ts';

const rig = useProxyRig();
const marker = 'MARKER-THAT-MUST-NOT-COME-BACK';
afterEach(() => {
  expect(rig.bff.output).not.toContain(marker);
});

/** A response that is none of the upstream's: the problem, and nothing of what made it. */
async function expectFailure(call: Promise<Response>, status: number, code: string): Promise<void> {
  const response = await read(await call);
  expectProblem(response, status, code);
  if (status === 503) expect(response.headers['retry-after']).toMatch(/^[1-9]\d*$/);
  expect(JSON.stringify([response.body, response.headers])).not.toContain(marker);
}

const expectAlive = async (browser: Browser): Promise<void> => {
  expect((await browser.session()).status).toBe('active');
};

const large = 4 * 1_024 * 1_024 + 1;
const fhir = { 'content-type': 'application/fhir+json' };

/** Each is how an upstream fails, and how often a GET is sent then. */
const upstreamFaults: readonly (readonly [string, (response: ServerResponse) => void, number])[] = [
  ...[500, 501, 502, 503, 504, 599].map(
    (status) =>
      [
        `responds with ${String(status)}`,
        (response: ServerResponse) => void response.writeHead(status, { 'x-at': marker }).end(marker),
        1,
      ] as const,
  ),
  ...[301, 302, 303, 307, 308].map(
    (status) =>
      [
        `redirects with ${String(status)}`,
        (response: ServerResponse) =>
          void response.writeHead(status, { location: `http://127.0.0.1:1/${marker}` }).end(),
        1,
      ] as const,
  ),
  ['cuts the connection', (response) => void response.socket?.destroy(), 2],
  ['resets the connection', (response) => void response.socket?.resetAndDestroy(), 2],
  [
    'cuts its response',
    (response) => {
      response.writeHead(200, { ...fhir, 'content-length': 1_000 }).write(marker);
      setTimeout(() => response.socket?.destroy(), 20);
    },
    1,
  ],
  [
    'announces more than four megabytes',
    (response) => {
      response.writeHead(200, { ...fhir, 'content-length': large }).flushHeaders();
    },
    1,
  ],
  [
    'sends more than four megabytes',
    (response) => void response.writeHead(200, fhir).end(Buffer.alloc(large, 0x61)),
    1,
  ],
  [
    'responds in no HTTP',
    (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\nBad Header\x01: ${marker}\r\n\r\n`),
    1,
  ],
  [
    'names two kinds of content',
    (response) => void response.writeHead(200, ['etag', '"1"', 'etag', '"2"']).end(marker),
    1,
  ],
];

describe('an upstream that fails makes a call 502, and the session stays', () => {
  test.each(upstreamFaults)('it %s', async (_, response, tries) => {
    const browser = await rig.signedIn();
    rig.upstream.respond = response;
    await expectFailure(browser.api(patientPath), 502, 'upstream_invalid');
    expect(rig.upstream.calls).toHaveLength(tries);
    expect(new Set(rig.upstream.calls.map(({ headers }) => headers['x-request-id'])).size).toBe(1);
    await expectAlive(browser);
  });

  test.each(upstreamFaults)('a change is sent once, whatever happens: it %s', async (_, response) => {
    const browser = await rig.signedIn();
    rig.upstream.respond = response;
    await expectFailure(patchPatient(browser), 502, 'upstream_invalid');
    expect(rig.upstream.calls).toHaveLength(1);
  });

  test('a connection that was cut before a response is tried again for a GET', async () => {
    const browser = await rig.signedIn();
    rig.upstream.respond = (response, _, count) => {
      if (count === 1) response.socket?.destroy();
      else response.writeHead(200, fhir).end('{}');
    };
    expect((await browser.api(patientPath)).status).toBe(200);
    expect(rig.upstream.calls).toHaveLength(2);
  });
});

/** Each is how the token endpoint fails. */
const platformFaults: readonly (readonly [string, Fault])[] = [
  ['cuts the connection', 'reset'],
  ['responds with 500', { status: 500, body: marker }],
  ['responds with 503 and a page', { status: 503, headers: { 'content-type': 'text/html' }, body: marker }],
  ['responds with HTML and 200', { headers: { 'content-type': 'text/html' }, body: marker }],
  ['responds with garbage as JSON', { body: `{${marker}` }],
  ['responds with null', { body: 'null' }],
  ['responds with nothing', { body: '' }],
  ['responds with a megabyte', { body: { padding: marker.repeat(40_000) } }],
  ['redirects', { status: 302, headers: { location: `http://127.0.0.1:1/${marker}` }, body: '' }],
  ['limits us', { status: 429, headers: { 'retry-after': '2' }, body: { error: marker } }],
  ['does not know us', { status: 401, body: { error: 'invalid_client', error_description: marker } }],
  ['knows a word that we do not', { status: 400, body: { error: marker, error_description: marker } }],
  ['gives a token that is no bearer token', { changes: { token_type: marker } }],
  ['gives a token that is no text', { changes: { access_token: 7 } }],
  [
    'gives a token that would make a header line',
    { changes: { access_token: `a\r\nX-Injected: ${marker}` } },
  ],
];

/** Each is a response with a good access token, and something odd beside it. */
const oddResponses: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no life', { expires_in: undefined }],
  ['a life that is no number', { expires_in: marker }],
  ['a negative life', { expires_in: '-599' }],
  ['a refresh life of "0"', { refresh_token_expires_in: '0' }],
  ['a refresh life of 0', { refresh_token_expires_in: 0 }],
  ['an empty refresh life', { refresh_token_expires_in: '' }],
  ['a refresh life of null', { refresh_token_expires_in: null }],
  ['a refresh token of null', { refresh_token: null }],
  ['a refresh token that is no text', { refresh_token: [marker] }],
  ['a scope of null', { scope: null }],
  ['an access token of 9 KB', { access_token: 'a'.repeat(9 * 1_024) }],
];

describe('a token endpoint that fails makes a call 503, nobody else is asked, and the session stays [B-20]', () => {
  test.each(platformFaults)('it %s', async (_, fault) => {
    const browser = await rig.signedIn();
    rig.platform.faults = Array.from({ length: 5 }, () => fault);
    await expectFailure(browser.api(patientPath), 503, 'provider_unavailable');
    expect(rig.upstream.calls).toEqual([]);
    // An application that is not known may have other credentials by now; nothing else is tried again.
    expect(rig.platform.calls.length).toBeLessThanOrEqual(2);
    await expectAlive(browser);
  });

  test.each(oddResponses)('it gives a token, and beside it %s: the call is made', async (_, changes) => {
    const browser = await rig.signedIn();
    rig.platform.faults = [{ changes }];
    expect((await browser.api(patientPath)).status).toBe(200);
    expect((await browser.api(patientPath)).status).toBe(200);
    expect(rig.platform.calls).toHaveLength(1);
    expect(rig.bff.output).not.toContain(marker);
  });

  test('it closes an idle connection: exchange and refresh are made once more', async () => {
    rig.platform.lifetimeSeconds = 1;
    const browser = await rig.signedIn();
    rig.platform.faults = ['reset', undefined];
    expect((await browser.api(patientPath)).status).toBe(200);
    await sleep(1_200);
    rig.platform.faults = ['reset', undefined];
    expect((await browser.api(patientPath)).status).toBe(200);
    expect(rig.platform.calls.map(({ grant, refused }) => [grant, refused])).toEqual([
      ['exchange', undefined],
      ['exchange', undefined],
      ['refresh', undefined],
      ['refresh', undefined],
    ]);
  });
});

describe('an upstream that takes more than twenty seconds', () => {
  let browser: Browser;
  let startedAt: number;
  let slow: Promise<Response>[];
  let endedAt: Promise<number>;
  beforeAll(async () => {
    browser = await rig.signedIn();
    rig.upstream.respond = (response, { method }) => {
      if (method === 'PATCH') response.writeHead(200, fhir).write('{');
    };
    startedAt = performance.now();
    slow = [browser.api(patientPath), patchPatient(browser)];
    endedAt = Promise.all(slow).then(() => performance.now());
    while (rig.upstream.calls.length < slow.length) await sleep(10);
    rig.upstream.reset();
    rig.platform.reset();
  });

  test('does not hold up other calls', async () => {
    const other = await rig.signedIn();
    expect((await other.api(patientPath)).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(19_900);
  });

  // Tests that wait for seconds as well.
  describe('while a token endpoint fails, which makes a call 503, and the session stays [B-20]', () => {
    test('it does not respond at all', async () => {
      const browser = await rig.signedIn();
      rig.platform.faults = ['hang'];
      const startedAt = performance.now();
      await expectFailure(browser.api(patientPath), 503, 'provider_unavailable');
      expect(performance.now() - startedAt).toBeLessThan(10_000);
      expect(rig.upstream.calls).toEqual([]);
      await expectAlive(browser);
    });

    test('a refresh that fails is no end of the tokens: the next one succeeds', async () => {
      rig.platform.lifetimeSeconds = 1;
      const browser = await rig.signedIn();
      expect((await browser.api(patientPath)).status).toBe(200);
      await sleep(1_200);
      rig.platform.faults = [{ status: 500, body: marker }];
      const response = await browser.api(patientPath);
      expect(response.status).toBe(503);
      await sleep(1_000 * Number(response.headers.get('retry-after')) + 100);
      expect((await browser.api(patientPath)).status).toBe(200);
      expect(rig.platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh', 'refresh']);
    });
  });

  test('makes a call 504, with or without its first bytes', async () => {
    await Promise.all(slow.map((call) => expectFailure(call, 504, 'upstream_timeout')));
    const took = (await endedAt) - startedAt;
    expect(took).toBeGreaterThanOrEqual(19_900);
    expect(took).toBeLessThan(27_000);
    await expectAlive(browser);
  });
});

describe('a store that fails makes a call 503, and nobody is asked for anything', () => {
  test.each(['fail', 'reset'] as const)('it would %s', async (verdict) => {
    const browser = await rig.signedIn();
    rig.store.judge = () => verdict;
    await expectFailure(browser.api(patientPath), 503, 'store_unavailable');
    rig.store.reset();
    expect(rig.upstream.calls).toEqual([]);
    expect(rig.platform.calls).toEqual([]);
    expect((await browser.api(patientPath)).status).toBe(200);
  });

  test('where it fails on the tokens that were just got, the call is not made without them', async () => {
    const browser = await rig.signedIn();
    rig.store.judge = ({ items }) =>
      items.some((item) => item.includes('token#api-platform')) ? 'fail' : 'pass';
    await expectFailure(browser.api(patientPath), 503, 'store_unavailable');
    expect(rig.upstream.calls).toEqual([]);
    await expectAlive(browser);
  });
});
