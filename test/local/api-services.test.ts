/** `npm start` as it is: everything that a proxied call needs is simulated, and behaves as the real thing does. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stateFileOf, type LocalState } from '../../local/state-file.ts';
import { ops } from '../ops/command.ts';
import { Bff } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { patchPatient, patientPath } from '../support/proxy-rig.ts';
import { signInAtSimulator } from '../support/simulator-sign-in.ts';

/** Somebody who has one role, which is theirs without a choice. */
const gp = '900000000001';
const apiSecret = 'a-secret-of-this-test';

let bff: Bff;
let state: LocalState;
beforeAll(async () => {
  bff = await Bff.start({ 'key-bits': 2_048, 'key-cache-seconds': 0, 'api-secret': apiSecret });
  state = JSON.parse(readFileSync(stateFileOf(Number(new URL(bff.baseUrl).port)), 'utf8')) as LocalState;
});
afterAll(() => bff.stop());

async function signedIn(): Promise<Browser> {
  const browser = new Browser(bff.baseUrl);
  expect((await signInAtSimulator(browser, gp)).status).toBe(303);
  expect(bff.output).not.toContain('sign_in_failed');
  expect((await browser.session()).status).toBe('active');
  return browser;
}

interface Resource {
  readonly resourceType: string;
  readonly total?: number;
  readonly gender?: string;
  readonly meta?: { readonly versionId: string };
}
const resourceOf = async (response: Response): Promise<Resource> => {
  expect(response.headers.get('content-type')).toBe('application/fhir+json');
  return (await response.json()) as Resource;
};

/** The address that the start's output gives for a simulator. */
const addressOf = (name: string): string =>
  new RegExp(`^ +(?:APIs +)?${name}: .*simulator, (http://127\\.0\\.0\\.1:\\d+)$`, 'm').exec(
    bff.output,
  )?.[1] ?? `no ${name} in the output`;
const command = async (name: string, what: string, input: object = {}): Promise<void> => {
  const response = await fetch(`${addressOf(name)}/control-panel/api/${what}`, {
    method: 'POST',
    headers: { 'x-control-panel': '1', 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  expect(response.status).toBe(200);
};
const counters = async () =>
  (
    (await (await fetch(`${addressOf('tokens')}/control-panel/api/state`)).json()) as {
      counters: { exchanges: number; refreshes: number; reuses: number };
    }
  ).counters;

describe('a start without options', () => {
  test('takes a person from a sign-in to a search, a record and a change of it', async () => {
    const browser = await signedIn();
    const found = await browser.api('/api/pds/Patient?family=Marchbanks&birthdate=eq2010-10-22');
    expect(found.status).toBe(200);
    expect(await resourceOf(found)).toMatchObject({ resourceType: 'Bundle', total: 1 });

    const read = await browser.api(patientPath);
    expect(read.status).toBe(200);
    const etag = read.headers.get('etag') ?? '';
    expect(await resourceOf(read)).toMatchObject({ resourceType: 'Patient', gender: 'female' });

    const changed = await patchPatient(browser, { 'if-match': etag });
    expect(changed.status).toBe(200);
    expect(await resourceOf(changed)).toMatchObject({ gender: 'other' });
    expect(changed.headers.get('etag')).not.toBe(etag);
    expect((await patchPatient(browser, { 'if-match': etag })).status).toBe(409);
  });

  test('takes a change after a step-up', async () => {
    const browser = await signedIn();
    await signInAtSimulator(browser, gp, '?reauth=1');
    const etag = (await browser.api(patientPath)).headers.get('etag') ?? '';
    expect((await patchPatient(browser, { 'if-match': etag })).status).toBe(200);
  });

  test('says where the simulators are, and serves their control panels', async () => {
    for (const name of ['tokens', 'pds']) expect(addressOf(name)).toMatch(/^http:/);
    const browser = await signedIn();
    await command('pds', 'fault', { kind: 'status', status: 500, times: 1 });
    expect((await browser.api(patientPath)).status).toBe(502);
    expect((await browser.api(patientPath)).status).toBe(200);
  });

  test('keeps our secret out of its output, its environment and the file that commands read', async () => {
    await (await signedIn()).api(patientPath);
    expect(bff.output).not.toContain(apiSecret);
    expect(JSON.stringify(state)).not.toContain(apiSecret);
    expect(state.outputs['ApiPlatformCredentialsSecretArn']).toMatch(/^arn:aws:secretsmanager:/);
  });
});

describe('rotations of the signing keys, two in a row, while people work', () => {
  test('disturb no call and no sign-in [ASVS-13.3.4]', async () => {
    await command('tokens', 'tokens', { accessSeconds: 2 });
    const before = await counters();
    const browser = await signedIn();
    const port = new URL(bff.baseUrl).port;
    const statuses: number[] = [];
    const over = new AbortController();
    const working = (async () => {
      while (!over.signal.aborted) {
        statuses.push((await browser.api(patientPath)).status);
        await sleep(50);
      }
    })();
    for (let rotation = 0; rotation < 2; rotation += 1) {
      expect(await ops(['keys', 'rotate', '--yes', '--local', port])).toMatchObject({ code: 0, err: '' });
      // Whoever comes new needs an exchange, under the key of the moment.
      statuses.push((await (await signedIn()).api(patientPath)).status);
    }
    over.abort();
    await working;
    await command('tokens', 'reset');
    expect(statuses.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([200]));
    const after = await counters();
    expect(after.exchanges - before.exchanges).toBe(3);
    expect(after.refreshes).toBeGreaterThan(before.refreshes);
    expect(after.reuses).toBe(0);
  });
});

describe('a start that names what there is to call', () => {
  test('of an upstream that there is not is one clear line and exit 1', async () => {
    await expect(Bff.start({ upstream: 'gp-connect=https://api.example.nhs.uk' })).rejects.toThrow(
      'ended with 1 before it was ready:\ncis2-bff: --upstream names "gp-connect", and the route manifest has pds\n',
    );
  });

  test('where nothing responds is a fault that doctor names, and the platform’s taking our credentials is none', async () => {
    const other = await Bff.start({ upstream: 'pds=http://127.0.0.1:1' });
    try {
      const browser = new Browser(other.baseUrl);
      expect((await signInAtSimulator(browser, gp)).status).toBe(303);
      expect((await browser.api(patientPath)).status).toBe(502);
      const { code, out } = await ops(['doctor', '--local', new URL(other.baseUrl).port]);
      expect(code).toBe(1);
      expect(out).toMatch(
        /^ *FAULT +upstream pds +the upstream pds does not respond at http:\/\/127\.0\.0\.1:1/m,
      );
      expect(out).toMatch(/^ *ok +api platform credentials +the platform accepted them /m);
      expect(out).toMatch(/\n1 fault found\. 1 warning\.\n$/);
    } finally {
      await other.stop();
    }
  });

  test('with a token endpoint of its own, which refuses our application: doctor names the fault, and the PDS simulator takes its tokens', async () => {
    const platform = createServer((request, response) => {
      request.resume();
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":"invalid_client","error_description":"hunter2"}');
    });
    await new Promise<void>((resolve) => platform.listen(0, '127.0.0.1', resolve));
    const { port } = platform.address() as AddressInfo;
    const url = `http://127.0.0.1:${String(port)}/oauth2/token`;
    const other = await Bff.start({ 'token-exchange-url': url });
    try {
      expect(other.output).toContain(`tokens: ${url}\n`);
      const browser = new Browser(other.baseUrl);
      expect((await signInAtSimulator(browser, gp)).status).toBe(303);
      expect((await browser.api(patientPath)).status).toBe(503);
      const { code, out } = await ops(['doctor', '--local', new URL(other.baseUrl).port]);
      expect(code).toBe(1);
      expect(out).toMatch(
        /^ *FAULT +api platform credentials +the API platform refused our application .* \(invalid_client\)$/m,
      );
      expect(out).not.toContain('hunter2');

      const pds = /pds: simulator, (\S+)/.exec(other.output)?.[1] ?? '';
      const response = await fetch(`${pds}/Patient/9000000009`, {
        headers: {
          authorization: 'Bearer of-another-platform',
          'x-request-id': 'c1ab3fba-6bae-4ba4-b257-5a87c44d4a91',
          'nhsd-session-urid': '123456789012',
        },
      });
      expect(response.status).toBe(200);
    } finally {
      await other.stop();
      platform.close();
      platform.closeAllConnections();
    }
  });
});
