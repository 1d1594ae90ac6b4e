/** What doctor says of a fresh local start, and of set-ups in which one thing is wrong. */
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Arguments } from '../../ops/command.ts';
import type { Finding } from '../../ops/doctor/check.ts';
import { doctor } from '../../ops/doctor/doctor.ts';
import { checkAssertion, checkClock } from '../../ops/doctor/provider.ts';
import { openInstallation, type Installation } from '../../ops/installation.ts';
import type { LogEntry } from '../../ops/logs.ts';
import { isObject } from '../../lambdas/common/json.ts';
import { Bff } from '../support/bff.ts';
import { daysAgo } from './responses.ts';
import { ops } from './command.ts';
import { startProxy, type Changes, type Passing, type Proxy } from './proxy.ts';

let bff: Bff;
let real: Installation;
let panel: string;
const proxies: Proxy[] = [];

beforeAll(async () => {
  bff = await Bff.start();
  real = await openInstallation({ kind: 'local', port: Number(new URL(bff.baseUrl).port) });
  panel = new URL('/control-panel/api/', real.output('Issuer')).href;
}, 60_000);
afterEach(async () => {
  for (const proxy of proxies.splice(0)) proxy.close();
  await command('reset');
});
afterAll(async () => {
  real.close();
  await bff.stop();
});

/** A command of the simulator's control panel. */
const command = async (name: string, body: object = {}): Promise<void> => {
  const response = await fetch(panel + name, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-control-panel': '1' },
  });
  expect(response.status).toBe(200);
};

const through = async (target: string, changes: Changes): Promise<string> => {
  const proxy = await startProxy(target, changes);
  proxies.push(proxy);
  return proxy.url;
};

/** An alarm with which nothing is wrong. */
const sound = {
  ...{ name: 'a', state: 'OK', actions: 1, enabled: true },
  description: 'warning: nothing. What to do: docs/operations/runbooks.md#sign-ins-fail',
};

interface Plant {
  /** Outputs of the stacks that are others. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** A proxy before the site. */
  readonly site?: Changes;
  readonly installation?: Partial<Installation>;
}

/** What doctor finds in a set-up, and what it prints. */
async function examined({
  outputs = {},
  site,
  installation = {},
}: Plant): Promise<{ checks: readonly Finding[]; lines: readonly string[] }> {
  const baseUrl = site === undefined ? bff.baseUrl : await through(bff.baseUrl, site);
  const planted: Installation = {
    ...real,
    ...installation,
    output: (name) => outputs[name] ?? (name === 'JwksUrl' ? `${baseUrl}/auth/jwks.json` : real.output(name)),
  };
  const args: Arguments = {
    ...{ operands: [], target: { kind: 'local', port: 1 }, purpose: 'cis2', json: true, yes: false },
    ...{ dryRun: false, kid: undefined, now: false, uid: undefined, all: false, hours: undefined },
  };
  const silent = () => undefined;
  const { document, failed, lines } = await doctor.run(args, {
    io: {
      ...{ interactive: false, show: silent, note: silent, finish: silent, fail: silent },
      confirm: () => Promise.resolve(false),
      stdin: Readable.from([]),
    },
    clock: { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    open: () => Promise.resolve(planted),
  });
  const { ok, checks } = document as { ok: boolean; checks: readonly Finding[] };
  const faults = checks.filter((finding) => finding.result === 'fault');
  expect({ ok, failed }).toEqual({ ok: faults.length === 0, failed: faults.length > 0 });
  for (const finding of checks) {
    if (!('advice' in finding)) continue;
    expect(finding.advice).not.toBe('');
    expect(lines.join('\n')).toContain(finding.advice);
  }
  return { checks, lines };
}

/** The faults of a set-up, by their checks. */
async function faultsOf(plant: Plant): Promise<Record<string, string>> {
  const { checks } = await examined(plant);
  const faults = checks.filter(({ result }) => result === 'fault');
  return Object.fromEntries(faults.map(({ check, detail }) => [check, detail]));
}

/** Check → its result and advice. */
const findingsOf = async (plant: Plant): Promise<Record<string, Finding>> =>
  Object.fromEntries((await examined(plant)).checks.map((finding) => [finding.check, finding]));

const rewriteLocation = ({ headers, ...response }: Passing, values: Record<string, string>): Passing => {
  const location = new URL(headers.location ?? '');
  for (const [name, value] of Object.entries(values)) location.searchParams.set(name, value);
  return { ...response, headers: { ...headers, location: location.href } };
};

test('a fresh local start has no fault, and the command says so', async () => {
  const { code, out, err } = await ops(['doctor', '--json', '--local', new URL(bff.baseUrl).port]);
  expect(code).toBe(0);
  // The log may be read before the last line of a request is in it.
  expect(err).toMatch(/^(?:waiting for the log …\n)*$/);
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: readonly Finding[] };
  // Only a call for a user can try them.
  expect(checks.filter(({ result }) => result !== 'ok')).toEqual([
    {
      check: 'api platform credentials',
      result: 'not checked',
      detail: expect.stringMatching(/^because no call for a user has tried them/),
    },
  ]);
  expect(ok).toBe(true);
  expect(checks.find(({ check }) => check === 'alarms')?.detail).toMatch(
    /^\d\d alarms, each with an action and a section of the runbook/,
  );
  expect(checks.map(({ check }) => check)).toEqual([
    ...['recent sign-ins', 'recent requests'],
    ...['site', 'app', 'store', 'headers', 'guards', 'back-channel', 'discovery', 'login', 'cookie'],
    ...['authorisation', 'userinfo', 'log', 'clock', 'client assertion', 'api platform'],
    ...['api platform credentials', 'upstream pds', 'keys', 'rotation', 'jwks', 'alarms'],
  ]);
});

describe('a set-up in which one thing is wrong is named:', () => {
  test('a client id that CIS2 does not know', async () => {
    const faults = await faultsOf({
      outputs: { ClientId: 'nobody' },
      site: {
        changeResponse: (path, response, proxyUrl) =>
          path === '/auth/login'
            ? rewriteLocation(response, { client_id: 'nobody', redirect_uri: `${proxyUrl}/auth/callback` })
            : response,
      },
    });
    expect(faults).toEqual({
      authorisation: expect.stringContaining('it does not know the client id nobody'),
    });
  });

  test('another client id than the stack has', async () => {
    const faults = await faultsOf({ outputs: { ClientId: 'nobody' } });
    expect(faults).toEqual({
      authorisation: expect.stringContaining('client_id=cis2-bff-local instead of nobody'),
    });
  });

  test('an issuer that is not spelled as CIS2 spells it', async () => {
    const issuer = new URL(real.output('Issuer'));
    const elsewhere = await through(issuer.origin, {});
    const faults = await faultsOf({ outputs: { Issuer: elsewhere + issuer.pathname } });
    expect(faults['discovery']).toContain('the issuer does not match');
  });

  test('CIS2 that is down', async () => {
    const faults = await faultsOf({ outputs: { Issuer: 'http://127.0.0.1:1/realm' } });
    expect(faults['discovery']).toBe(
      'CIS2 does not respond at http://127.0.0.1:1/realm/.well-known/openid-configuration (bad port)',
    );
  });

  test('a token endpoint of CIS2’s that is down', async () => {
    await command('fault', { endpoint: 'token', kind: 'status', status: 503 });
    const faults = await faultsOf({});
    expect(faults['client assertion']).toContain('CIS2 answered 503');
  });

  test.each([
    ['invalid_scope', 'with the error invalid_scope'],
    ['unauthorized_client', 'with the error unauthorized_client'],
    ['temporarily_unavailable', 'with the error temporarily_unavailable'],
    ['no_parameters', 'with no error code that doctor knows'],
  ])('an authorisation request that CIS2 sends back: %s', async (error, detail) => {
    await command('authorization-error', { error });
    const faults = await faultsOf({});
    expect(faults).toEqual({ authorisation: expect.stringContaining(detail) });
  });

  test('an error of a text that is none of OpenID Connect, without the text', async () => {
    const issuer = new URL(real.output('Issuer'));
    let callback = '';
    const elsewhere = await through(issuer.origin, {
      changeResponse: (path, response, proxyUrl) =>
        path.endsWith('openid-configuration')
          ? { ...response, body: response.body.replaceAll(issuer.origin, proxyUrl) }
          : path.endsWith('/authorize')
            ? {
                ...response,
                status: 302,
                headers: { location: `${callback}?error=hunter2` },
              }
            : response,
    });
    const faults = await faultsOf({
      outputs: { Issuer: elsewhere + issuer.pathname },
      site: {
        changeResponse: (path, response, proxyUrl) => {
          if (path !== '/auth/login') return response;
          callback = `${proxyUrl}/auth/callback`;
          const location = response.headers.location
            ?.replace(issuer.origin, elsewhere)
            .replace(encodeURIComponent(bff.baseUrl), encodeURIComponent(proxyUrl));
          return { ...response, headers: { ...response.headers, location } };
        },
      },
    });
    expect(faults['authorisation']).toContain('with no error code that doctor knows');
    expect(JSON.stringify(faults)).not.toContain('hunter2');
  });

  test.each([
    ['down', { kind: 'status', status: 503 }, 'answers 503'],
    ['a page of something else', { kind: 'html' }, 'with a web page'],
    ['cut off', { kind: 'reset' }, 'CIS2 does not respond at http'],
    ['slower than a sign-in can wait', { kind: 'slow', milliseconds: 6_000 }, 'within 4 s'],
  ])(
    'a UserInfo endpoint of CIS2’s that is %s',
    async (_, fault, detail) => {
      await command('fault', { endpoint: 'userinfo', ...fault });
      const faults = await faultsOf({});
      expect(faults).toEqual({ userinfo: expect.stringContaining(detail) });
    },
    30_000,
  );

  test('clocks that differ, and what comes of it', async () => {
    await command('clock', { skewSeconds: 3_600 });
    const faults = await faultsOf({});
    expect(faults['clock']).toMatch(/3[56]\d\d s ahead of ours/);
  });

  test('a key set that does not match the ring', async () => {
    const faults = await faultsOf({
      site: {
        changeResponse: (path, response) => {
          if (path !== '/auth/jwks.json') return response;
          const { keys } = JSON.parse(response.body) as { keys: object[] };
          return { ...response, body: JSON.stringify({ keys: keys.slice(1) }) };
        },
      },
    });
    expect(faults['jwks']).toMatch(/does not match the ring: \S+ is missing/);
  });

  test('a key set that is lost: the fault is named without the ring, with the command that publishes it again', async () => {
    const lost: Plant = {
      site: {
        changeResponse: (path, response) =>
          path === '/auth/jwks.json' ? { ...response, status: 503, body: '{}' } : response,
      },
      installation: {
        invoke: () => Promise.resolve({ ok: false, code: 'keys_unavailable', message: 'Not to be read.' }),
      },
    };
    const { keys, rotation, jwks } = await findingsOf(lost);
    const advice = expect.stringMatching(
      /npm run ops -- keys check --local 1\b.*docs\/operations\/rotation-failed\.md#publish-again-now/,
    );
    expect(keys).toMatchObject({ result: 'fault', advice });
    expect(jwks).toMatchObject({ result: 'fault', detail: expect.stringContaining('answered 503'), advice });
    expect(rotation).toMatchObject({ result: 'not checked' });
    const served = await findingsOf({ installation: lost.installation ?? {} });
    expect(served['jwks']).toMatchObject({ result: 'not checked' });
  });

  test('a login that follows from CIS2 being down, as such', async () => {
    const { login } = await findingsOf({
      outputs: { Issuer: 'http://127.0.0.1:1/realm' },
      site: {
        changeResponse: (path, response) =>
          path === '/auth/login' ? { ...response, status: 503 } : response,
      },
    });
    expect(login).toMatchObject({ result: 'fault', advice: expect.stringContaining('follows from') });
  });

  test('an end-session endpoint that is not there', async () => {
    const faults = await faultsOf({ outputs: { EndSessionUrl: 'http://127.0.0.1:1/end' } });
    expect(faults).toEqual({ 'end session': expect.stringContaining('does not respond') });
    const there = new URL(`${real.output('Issuer')}/connect/endSession`).href;
    expect((await findingsOf({ outputs: { EndSessionUrl: there } }))['end session']?.result).toBe('ok');
  });

  test('a back-channel endpoint that a firewall closes', async () => {
    const faults = await faultsOf({
      site: {
        changeResponse: (path, response) =>
          path === '/auth/backchannel-logout' ? { status: 403, headers: {}, body: '<h1>No</h1>' } : response,
      },
    });
    expect(faults['back-channel']).toContain('answers 403');
  });

  test.each([
    'strict-transport-security',
    'content-security-policy',
    'x-content-type-options',
    'cross-origin-opener-policy',
  ])('a proxy that strips the header %s', async (name) => {
    const strip = (response: Passing): Passing => ({
      ...response,
      headers: { ...response.headers, [name]: undefined },
    });
    const faults = await faultsOf({ site: { changeResponse: (_, response) => strip(response) } });
    expect(faults['headers']).toContain(`without the header ${name}`);
  });

  test('an error page in place of our response', async () => {
    const faults = await faultsOf({
      site: {
        changeResponse: (_, response) =>
          response.status === 404
            ? {
                ...response,
                headers: { ...response.headers, 'x-bff-problem': undefined },
                body: '<h1>No</h1>',
              }
            : response,
      },
    });
    expect(faults['headers']).toContain('without the header x-bff-problem');
  });

  test.each(['httponly', 'secure', 'samesite=lax'])('a cookie without %s', async (attribute) => {
    const faults = await faultsOf({
      site: {
        changeResponse: (_, { headers, ...response }) => ({
          ...response,
          headers: {
            ...headers,
            'set-cookie': headers['set-cookie']?.map((line) =>
              line.replace(new RegExp(`; ${attribute}`, 'i'), ''),
            ),
          },
        }),
      },
    });
    expect(faults['cookie']).toBe(`the sign-in cookie is set without ${attribute}`);
  });

  test('a proxy that strips what the guards look at', async () => {
    const faults = await faultsOf({ site: { drops: ['origin'] } });
    expect(faults['guards']).toContain('a request of another origin is answered 200');
  });

  test('a proxy that strips the header of our own page', async () => {
    const faults = await faultsOf({ site: { drops: ['x-csrf'] } });
    expect(faults['site']).toContain('the header does not arrive');
  });

  test('a proxy that strips cookies', async () => {
    const faults = await faultsOf({ site: { drops: ['cookie'] } });
    expect(faults['client assertion']).toContain('the sign-in cookie does not come back');
  });

  test('an API platform that is down', async () => {
    const faults = await faultsOf({ outputs: { ApiPlatformTokenUrl: 'http://127.0.0.1:1/token' } });
    expect(faults).toEqual({ 'api platform': expect.stringContaining('the API platform does not respond') });
  });

  test('an upstream that is not there', async () => {
    const faults = await faultsOf({ outputs: { UpstreamUrls: '{"pds":"http://127.0.0.1:1"}' } });
    expect(faults).toEqual({
      'upstream pds': expect.stringContaining('the upstream pds does not respond at http://127.0.0.1:1/'),
    });
  });

  test('an upstream that is down', async () => {
    const down = await through(bff.baseUrl, {
      changeResponse: (_, response) => ({ ...response, status: 503 }),
    });
    const faults = await faultsOf({ outputs: { UpstreamUrls: JSON.stringify({ pds: `${down}/R4` }) } });
    expect(faults).toEqual({ 'upstream pds': `the upstream pds, ${down}/R4, answers 503` });
  });

  test.each<[string, Changes['changeResponse'], string]>([
    ['is not uploaded', (_, response) => ({ ...response, status: 403 }), 'GET / answers 403'],
    [
      'is no page',
      (_, response) => ({
        ...response,
        headers: { ...response.headers, 'content-type': 'application/json' },
      }),
      'GET / answers 200, and not with a page',
    ],
  ])('an app that %s', async (_, change, detail) => {
    const faults = await faultsOf({
      site: {
        changeResponse: (path, response, proxyUrl) =>
          (path === '/' ? change?.(path, response, proxyUrl) : undefined) ?? response,
      },
    });
    expect(faults['app']).toContain(detail);
  });

  test('a rotation of the keys that is overdue', async () => {
    const faults = await faultsOf({
      installation: {
        invoke: async (...call) => {
          const response = await real.invoke(...call);
          return isObject(response) ? { ...response, nextRotationAt: daysAgo(3) } : response;
        },
      },
    });
    expect(faults).toEqual({ rotation: expect.stringContaining('overdue: it was due 3 days ago') });
  });

  test('a site that is down', async () => {
    const faults = await faultsOf({ outputs: { JwksUrl: 'http://localhost:1/auth/jwks.json' } });
    expect(faults['site']).toContain('the site does not respond at http://localhost:1/auth/session');
  });

  test.each([
    ['that are not there', [], 'no alarm'],
    ['without an action', [{ ...sound, actions: 0 }], 'a: no action, or actions disabled'],
    ['that are switched off', [{ ...sound, enabled: false }], 'a: no action, or actions disabled'],
    [
      'without a section of the runbook',
      [sound, { ...sound, name: 'b', description: 'warning: something.' }],
      'b: the description names no section of the runbook',
    ],
    ['that ring', [{ ...sound, state: 'ALARM' }], 'in alarm: a'],
  ])('alarms %s', async (_, alarms, detail) => {
    const faults = await faultsOf({ installation: { alarms: () => Promise.resolve(alarms) } });
    expect(faults).toEqual({ alarms: expect.stringContaining(detail) });
  });
});

test('runbooks may be at any address', async () => {
  const description = 'warning: nothing. What to do: https://wiki.example.nhs.uk/ward#sign-ins-fail';
  const alarms = () => Promise.resolve([{ ...sound, description }]);
  expect(await faultsOf({ installation: { alarms } })).toEqual({});
});

describe('what failed for users in the last hour', () => {
  const time = new Date().toISOString();
  const entry = (fields: Readonly<Record<string, string | number>>): LogEntry => ({ time, ...fields });
  const logging = (...entries: readonly LogEntry[]): Plant => ({
    installation: { logs: { ...real.logs, failures: () => Promise.resolve(entries) } },
  });

  test('is a warning where somebody is at fault, with a reference to trace, and no fault', async () => {
    const signIn = { event: 'sign_in_failed', code: 'response_invalid' };
    const call = { event: 'request', status: 504, code: 'upstream_timeout', upstream: 'pds' };
    const { checks, lines } = await examined(
      logging(
        entry({ ...signIn, reference: 'AAAA-AAAA-AAAA' }),
        entry({ ...signIn, reference: 'BBBB-BBBB-BBBB' }),
        entry({ event: 'sign_in_failed', code: 'access_denied', reference: 'CCCC-CCCC-CCCC' }),
        entry({ ...call, reference: 'DDDD-DDDD-DDDD' }),
      ),
    );
    expect(checks.slice(0, 2)).toEqual([
      {
        check: 'recent sign-ins',
        result: 'warning',
        detail:
          'sign-ins failed in the last hour: 2 response_invalid; ended by users or by rules of the app: 1 access_denied',
        advice: expect.stringMatching(
          /^Newest response_invalid, .*: npm run ops -- trace AAAA-AAAA-AAAA --local 1$/,
        ),
      },
      {
        check: 'recent requests',
        result: 'warning',
        detail: 'requests were answered 5xx in the last hour: 1 upstream_timeout of upstream pds',
        advice: expect.stringContaining('npm run ops -- trace DDDD-DDDD-DDDD --local 1'),
      },
    ]);
    expect(lines.slice(-2)).toEqual([
      'No fault found. 2 warnings.',
      expect.stringContaining('npm run ops -- trace REFERENCE --local 1'),
    ]);
  });

  test('is no warning where users or rules of the app ended it', async () => {
    const { checks } = await examined(
      logging(entry({ event: 'sign_in_failed', code: 'role_required', reference: 'AAAA-AAAA-AAAA' })),
    );
    expect(checks[0]).toMatchObject({ result: 'ok', detail: expect.stringContaining('1 role_required') });
  });
});

describe('a sign-in with an invalid code', () => {
  const endedWith = (fields: LogEntry) => () =>
    checkAssertion(
      [{ event: 'sign_in_failed', reference: 'AAAA-AAAA-AAAA', ...fields }],
      0,
      (reference) => `trace ${reference}`,
    );

  test('that ends in an error of ours names the error and the command that shows its log', () => {
    expect(endedWith({ code: 'internal_error' })).toThrow(
      expect.objectContaining({
        message: 'a sign-in with an invalid code ends with internal_error instead of invalid_grant',
        advice: expect.stringContaining('trace AAAA-AAAA-AAAA'),
      }),
    );
  });

  test('that ends in a refused client names what is registered at CIS2', () => {
    expect(endedWith({ code: 'response_invalid', check: 'token response: error invalid_client' })).toThrow(
      expect.objectContaining({
        advice: expect.stringMatching(/authentication private_key_jwt .*, algorithm RS512/),
      }),
    );
  });
});

test('a difference of the clocks may be the reason of a refusal, and need not', () => {
  expect(() => checkClock(20)).toThrow(
    expect.objectContaining({ advice: expect.stringContaining('may be refused') }),
  );
});

test('nothing secret is in what doctor says', async () => {
  const { out } = await ops(['doctor', '--local', new URL(bff.baseUrl).port]);
  expect(out).not.toMatch(/__Host-Http-\S+=|state=|nonce=|eyJ/);
});

test('the control panel shows the metrics and the audit trail that a deployment would have sent', async () => {
  await command('fault', { endpoint: 'token', kind: 'status', status: 503 });
  await faultsOf({});
  const address = new URL('/control-panel/telemetry', panel);
  const page = await fetch(address);
  const text = (await page.text()).replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
  expect(page.status).toBe(200);
  // What doctor's own sign-ins have left: those that failed for another reason than their code are counted.
  expect(text).toMatch(/SignInFailed Code=provider_unavailable \d+ \d+ 1 1 Count/);
  expect(text).toContain('sign_in_probed');
  expect(text).toMatch(/ProviderLatency \d+ [\d.]+ [\d.]+ [\d.]+ Milliseconds/);
  expect(text).toContain('sign_in_failed');
  const elsewhere = await fetch(address, { headers: { 'sec-fetch-site': 'cross-site' } });
  expect(elsewhere.status).toBe(403);
});
