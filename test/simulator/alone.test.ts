import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import {
  exampleRegistrations,
  readRegistrations,
  RegistrationError,
  startCis2Simulator,
} from '../../local/cis2-simulator/index.ts';
import { StartError } from '../../local/errors.ts';
import { parseSimulatorOptions, simulatorHelp } from '../../local/cli/simulator-options.ts';
import { insecure } from './client.ts';

const root = path.resolve(import.meta.dirname, '../..');
let directory: string;
const children: ChildProcess[] = [];
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'simulator-'));
});
afterAll(() => {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

const file = (content: string): string => {
  const name = path.join(directory, `clients-${String(content.length)}.json`);
  writeFileSync(name, content);
  return name;
};

interface Started {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
}

function launch(command: string, args: string[]): Started {
  const environment = { ...process.env };
  delete environment['NODE_OPTIONS'];
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  children.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, out: () => out, err: () => err, ended };
}

const simulator = (...args: string[]): Started =>
  launch(process.execPath, ['cli/main.ts', 'simulator', ...args]);

async function readyAt({ child, out, err, ended }: Started): Promise<string> {
  const ready = /^ready (http:\/\/127\.0\.0\.1:\d+)$/m;
  void ended.then(() => child.stdout?.emit('data', Buffer.alloc(0)));
  while (!ready.test(out())) {
    if (child.exitCode !== null) throw new Error(`it ended: ${err()}`);
    if (child.stdout !== null) await once(child.stdout, 'data');
  }
  return ready.exec(out())?.[1] ?? '';
}

const oneApp = [
  '--client-id',
  'app',
  '--redirect-uri',
  'http://localhost:4000/callback',
  '--client-secret',
  's',
];

describe('npm run simulator', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'runs alone from a file, prints where everything is, and ends with %s to npm alone',
    async (signal) => {
      const started = launch('npm', [
        ...['run', '--silent', 'simulator', '--', '--port', '0'],
        ...['--clients', file(exampleRegistrations)],
      ]);
      const origin = await readyAt(started);
      const issuer = `${origin}/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare`;
      for (const line of [
        `Issuer      ${issuer}`,
        `Discovery   ${issuer}/.well-known/openid-configuration`,
        `Panel       ${origin}/control-panel`,
        'Apps        my-app, my-other-app',
      ]) {
        expect(started.out()).toContain(`  ${line}\n`);
      }
      expect(started.out()).toContain('it is not the NHS');
      const discovery = await fetch(`${issuer}/.well-known/openid-configuration`);
      expect(await discovery.json()).toMatchObject({ issuer });
      expect((await fetch(`${origin}/control-panel`)).status).toBe(200);

      started.child.kill(signal);
      expect(await started.ended).toBe(0);
      await expect(fetch(`${origin}/control-panel`)).rejects.toThrow('fetch failed');
      expect(started.err()).toBe('');
    },
  );

  test('prints only the ready line when quiet', async () => {
    const started = simulator('--port', '0', '--quiet', ...oneApp);
    const origin = await readyAt(started);
    await fetch(`${origin}/control-panel`);
    started.child.kill('SIGTERM');
    expect(await started.ended).toBe(0);
    expect(started.out()).toBe(`ready ${origin}\n`);
  });

  test('says in one line that its port is in use', async () => {
    const other = net.createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as net.AddressInfo;
    const started = simulator('--port', String(port), ...oneApp);
    expect(await started.ended).toBe(1);
    expect(started.err()).toBe(
      `cis2-simulator: port ${String(port)} is in use: end what uses it, or choose another with --port\n`,
    );
    expect(started.out()).toBe('');
    other.close();
  });

  test('without an app says what to do, and shows a file that works', async () => {
    const started = simulator();
    expect(await started.ended).toBe(1);
    expect(started.out()).toBe('');
    expect(started.err().split('\n')[0]).toBe(
      'cis2-simulator: no app is registered: give --clients FILE, or --client-id and what goes with it (--help says more)',
    );
    const shown = started.err().slice(started.err().indexOf('{'));
    expect(readRegistrations(JSON.parse(shown))).toHaveLength(2);
  });

  test('prints its help and starts nothing', async () => {
    const started = simulator('--help');
    expect(await started.ended).toBe(0);
    expect(started.out()).toBe(simulatorHelp());
  });
});

const refusal = (args: string[]): string => {
  try {
    parseSimulatorOptions(args);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('the options of the simulator', () => {
  test('describe one app with a secret, or with published keys', () => {
    expect(parseSimulatorOptions(oneApp)).toEqual({
      port: 3001,
      issuerPortInName: false,
      quiet: false,
      clients: [{ clientId: 'app', redirectUris: ['http://localhost:4000/callback'], clientSecret: 's' }],
    });
    expect(
      parseSimulatorOptions([
        ...['--client-id=app', '--redirect-uri=http://a.test/1', '--redirect-uri=http://a.test/2'],
        ...[
          '--jwks-uri=http://a.test/jwks',
          '--signing-algorithm=RS256',
          '--port=0',
          '--issuer-port-in-name',
        ],
        ...['--backchannel-logout-uri=http://a.test/out', '--post-logout-redirect-uri=http://a.test/bye'],
      ]),
    ).toEqual({
      port: 0,
      issuerPortInName: true,
      quiet: false,
      clients: [
        {
          clientId: 'app',
          redirectUris: ['http://a.test/1', 'http://a.test/2'],
          jwksUri: 'http://a.test/jwks',
          signingAlgorithm: 'RS256',
          backchannelLogoutUri: 'http://a.test/out',
          postLogoutRedirectUris: ['http://a.test/bye'],
        },
      ],
    });
  });

  test.each([
    [['--clinets', 'x'], "Unknown option '--clinets': did you mean --clients? (--help lists the options)"],
    [[...oneApp, '--port', 'x'], '--port must be a whole number from 0 to 65535, got "x"'],
    [['--clients', '/nowhere.json'], 'cannot read /nowhere.json: ENOENT'],
    [['--clients', '/nowhere.json', '--client-id', 'a'], '--clients FILE stands alone'],
    [['--client-id', 'a', '--client-secret', 's'], '--redirect-uri must be a list of http or https URLs'],
    [['--client-id', 'a', '--redirect-uri', 'http://a.test/'], '--jwks-uri must be an http or https URL'],
    [[...oneApp, '--jwks-uri', 'http://a.test/'], '--client-secret does not go with private_key_jwt'],
    [[...oneApp, '--backchannel-logout-uri', 'x'], '--backchannel-logout-uri must be an http or https URL'],
  ])('%j are refused in a line that says why', (args, message) => {
    expect(refusal(args).slice(0, message.length)).toBe(message);
    expect(refusal(args)).not.toContain('\n');
  });

  test('name the file and the app in which something is wrong', () => {
    const bad = file('{"clients":[{"client_id":"a"}]}');
    expect(refusal(['--clients', bad])).toBe(
      `${bad}: client 1: redirect_uris must be a list of http or https URLs without fragments, at least one; ` +
        'client 1: jwks_uri must be an http or https URL without a fragment',
    );
    expect(refusal(['--clients', file('{')])).toContain('is not JSON');
  });
});

describe('a registration file', () => {
  const good = { client_id: 'a', redirect_uris: ['http://a.test/'], client_secret: 's' };
  const problemsOf = (value: unknown): readonly string[] => {
    try {
      readRegistrations(value);
    } catch (error) {
      if (error instanceof RegistrationError) return error.problems;
      throw error;
    }
    return [];
  };

  test('may hold the clients, the list alone, or one client alone', () => {
    const expected = [{ clientId: 'a', redirectUris: ['http://a.test/'], clientSecret: 's' }];
    for (const value of [{ clients: [good] }, [good], good])
      expect(readRegistrations(value)).toEqual(expected);
  });

  test('means private_key_jwt with RS512 where it does not say otherwise', () => {
    const signing = { ...good, client_secret: undefined, jwks_uri: 'http://a.test/jwks' };
    expect(readRegistrations([signing])).toEqual([
      {
        clientId: 'a',
        redirectUris: ['http://a.test/'],
        jwksUri: 'http://a.test/jwks',
        signingAlgorithm: 'RS512',
      },
    ]);
  });

  test.each<[unknown, string]>([
    [null, 'it must be {"clients": […]}'],
    [[], 'it must be {"clients": […]}'],
    [{ clients: [] }, 'it must be {"clients": […]}'],
    [{ clients: 'x' }, 'it must be {"clients": […]}'],
    [[null], 'client 1 must be an object'],
    [[{ ...good, client_id: ' ' }], 'client 1: client_id must be a string that is not empty'],
    [[{ ...good, redirect_uris: [] }], 'client 1: redirect_uris must be a list'],
    [[{ ...good, redirect_uris: 'http://a.test/' }], 'client 1: redirect_uris must be a list'],
    [[{ ...good, redirect_uris: ['http://a.test/#x'] }], 'client 1: redirect_uris must be a list'],
    [[{ ...good, client_secret: '' }], 'client 1: client_secret must be a string that is not empty'],
    [[{ ...good, colour: 'red' }], 'client 1: colour is not known'],
    [[{ ...good, jwks_uri_signing_algorithm: 'RS256' }], 'client 1: jwks_uri_signing_algorithm does not go'],
    [[{ ...good, token_endpoint_auth_method: 'none' }], 'client 1: token_endpoint_auth_method must be'],
    [[{ ...good, post_logout_redirect_uris: ['x'] }], 'client 1: post_logout_redirect_uris must be a list'],
    [[good, good], 'client_id "a" is there twice'],
  ])('%j is refused with a reason', (value, reason) => {
    expect(problemsOf(value)[0]?.slice(0, reason.length)).toBe(reason);
  });
});

describe('an issuer with its port in its name', () => {
  test('is a string that URL parsers change, everywhere the same, and a strict client signs in with it', async () => {
    const started = await startCis2Simulator({
      port: 0,
      issuerPortInName: true,
      clients: [{ clientId: 'app', redirectUris: ['http://localhost:4000/cb'], clientSecret: 's' }],
    });
    try {
      const { issuer } = started;
      expect(issuer).toMatch(/^http:\/\/127\.0\.0\.1:0\d+\/openam\//);
      expect(new URL(issuer).href).not.toBe(issuer);
      const document = await fetch(`${issuer}/.well-known/openid-configuration`);
      const as = await oauth.processDiscoveryResponse(new URL(issuer), document);
      expect(as.issuer).toBe(issuer);
      for (const endpoint of [
        as.authorization_endpoint,
        as.token_endpoint,
        as.jwks_uri,
        as.userinfo_endpoint,
      ]) {
        expect(endpoint?.startsWith(`${issuer}/`)).toBe(true);
      }

      const verifier = oauth.generateRandomCodeVerifier();
      const query = new URLSearchParams({
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        response_type: 'code',
        client_id: 'app',
        redirect_uri: 'http://localhost:4000/cb',
        scope: 'openid',
      });
      const page = await (await fetch(`${as.authorization_endpoint ?? ''}?${query.toString()}`)).text();
      const interaction = /name="interaction" value="([^"]+)"/.exec(page)?.[1] ?? '';
      const back = await fetch(new URL('/openam/sign-in', issuer), {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams({ interaction, uid: '900000000001' }),
      });
      const app = { client_id: 'app' };
      const callback = new URL(back.headers.get('location') ?? '');
      const checked = oauth.validateAuthResponse(as, app, callback, oauth.expectNoState);
      const response = await oauth.authorizationCodeGrantRequest(
        as,
        app,
        oauth.ClientSecretPost('s'),
        checked,
        'http://localhost:4000/cb',
        verifier,
        insecure,
      );
      const tokens = await oauth.processAuthorizationCodeResponse(as, app, response, {
        requireIdToken: true,
      });
      expect(oauth.getValidatedIdTokenClaims(tokens)?.iss).toBe(issuer);
    } finally {
      await started.close();
    }
  });

  test('serves its address in either spelling, and no other host', async () => {
    const started = await startCis2Simulator({ port: 0, issuerPortInName: true, clients: [] });
    const status = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        request(started.panel, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    const { host, port } = new URL(started.panel);
    for (const spelling of [host, `127.0.0.1:0${port}`, `localhost:${port}`, `[::1]:${port}`]) {
      expect([spelling, await status(spelling)]).toEqual([spelling, 200]);
    }
    for (const foreign of ['localhost', `evil.example:${port}`, `127.0.0.1:${port}0`]) {
      expect([foreign, await status(foreign)]).toEqual([foreign, 404]);
    }
    await started.close();
  });
});
