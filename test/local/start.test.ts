import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { LocalState } from '../../local/state-file.ts';
import { stateFileOf } from '../../local/state-file.ts';
import { send, until } from './helpers.ts';

const root = path.resolve(import.meta.dirname, '../..');
let directory: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'local-start-'));
});
afterAll(() => {
  for (const child of children)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts the product the way a person does. */
const npmStart = (...args: string[]): Started => launch('npm', ['start', '--silent', '--', ...args]);
/** As `npm start` does, without npm. */
const start = (...args: string[]): Started => launch(process.execPath, ['cli/main.ts', 'dev', ...args]);

function launch(command: string, args: string[]): Started {
  const environment = { ...process.env };
  // What the test runner wants of its own Node is nothing to the product.
  delete environment['NODE_OPTIONS'];
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  children.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, out: () => out, err: () => err, ended };
}

async function ready(started: Started): Promise<number> {
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      const check = (): void => {
        const found = /^ready (http:\/\/localhost:\d+)$/m.exec(started.out())?.[1];
        if (found !== undefined) resolve(found);
      };
      started.child.stdout?.on('data', check);
      check();
    }),
    started.ended.then((code) => {
      throw new Error(`it ended with ${String(code)}: ${started.err()}`);
    }),
  ]);
  return Number(new URL(url).port);
}

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => {
      resolve(true);
    });
  });

const processesNaming = (text: string): string[] =>
  spawnSync('ps', ['-eo', 'pid,args'])
    .stdout.toString()
    .split('\n')
    .filter((line) => line.includes(text));

/** The signal, to npm alone where npm started it, ends all of it in time. */
async function endsWith(
  signal: 'SIGINT' | 'SIGTERM',
  { child, ended }: Started,
  port: number,
): Promise<void> {
  const { pid } = JSON.parse(readFileSync(stateFileOf(port), 'utf8')) as LocalState;
  const askedAt = Date.now();
  child.kill(signal);
  expect(await ended).toBe(0);
  expect(Date.now() - askedAt).toBeLessThan(8_000);
  expect(await refuses(port)).toBe(true);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(existsSync(stateFileOf(port))).toBe(false);
}

describe('a start without npm', () => {
  let started: Started;
  let port: number;
  beforeAll(async () => {
    started = start('--port', '0');
    port = await ready(started);
  });

  test('says where to look and who can sign in, then that it is ready, and only then the logs', async () => {
    await send(port, '/auth/session', { headers: { 'x-csrf': '1' } });
    await until(() => started.out().includes('"route":"GET /auth/session"'));
    const panel = new URL(/^ +Panel +(http:\/\/\S+)$/m.exec(started.out())?.[1] ?? '');
    const state = await send(Number(panel.port), '/control-panel/api/state');
    expect(panel.pathname).toBe('/control-panel');
    expect((JSON.parse(state.body) as { clients: unknown }).clients).toEqual([
      {
        clientId: 'cis2-bff-local',
        authentication: 'private_key_jwt',
        redirectUris: [`http://localhost:${String(port)}/auth/callback`],
        backchannelLogoutUri: `http://localhost:${String(port)}/auth/backchannel-logout`,
        postLogoutRedirectUris: [`http://localhost:${String(port)}/signed-out`],
      },
    ]);
    // The line that it is writing may be there in part.
    const lines = started.out().split('\n').slice(0, -1);
    const readyAt = lines.indexOf(`ready http://localhost:${String(port)}`);
    const before = lines.slice(0, readyAt).join('\n');
    expect(before).toContain(`Open      http://localhost:${String(port)}`);
    expect(before).toMatch(/^ +900000000001 +Amara Okafor +\S.*$/m);
    // The awkward ones would fill the screen: the panel has them.
    expect(before).not.toContain('Farah Siddiqui');
    expect(before).toMatch(/^ +and 18 with something awkward about them: see the panel$/m);
    expect(before).toContain('Ctrl+C');
    expect(before).not.toContain('{"');
    expect(lines.slice(readyAt + 1).length).toBeGreaterThan(0);
    for (const line of lines.slice(readyAt + 1)) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test('says in a file of its owner alone where its endpoints and its stacks are', () => {
    const state = JSON.parse(readFileSync(stateFileOf(port), 'utf8')) as LocalState;
    expect(statSync(stateFileOf(port)).mode & 0o777).toBe(0o600);
    expect(state).toEqual({
      pid: started.child.pid,
      baseUrl: `http://localhost:${String(port)}`,
      region: 'eu-west-2',
      endpoints: {
        dynamodb: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        secretsManager: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        kms: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        lambda: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        logs: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      },
      outputs: expect.objectContaining({
        SigningKeysSecretArn: expect.stringMatching(/^arn:aws:secretsmanager:eu-west-2:000000000000:secret:/),
        RotateSigningKeysFunction: expect.any(String),
        KeysStatusFunction: expect.any(String),
        PublishedKeysTable: expect.any(String),
        JwksUrl: `http://localhost:${String(port)}/auth/jwks.json`,
      }),
      alarms: expect.any(Array),
    });
    expect(state.alarms.map(({ name }) => name)).toContain(
      'cis2-bff-dev-stateless-Bff critical SignInsFailFast',
    );
    expect(new Set(Object.values(state.endpoints)).size).toBe(5);
  });

  test('that is killed cannot tidy up, does not disturb the next on its port, which prints only the ready line when quiet, logs to a file, and ends with SIGINT to npm alone', async () => {
    started.child.kill('SIGKILL');
    await started.ended;
    const pid = (): number => (JSON.parse(readFileSync(stateFileOf(port), 'utf8')) as LocalState).pid;
    expect(pid()).toBe(started.child.pid);
    const logFile = path.join(directory, 'quiet.log');
    const again = npmStart('--port', String(port), '--quiet', '--log', logFile);
    await ready(again);
    expect(pid()).not.toBe(started.child.pid);
    expect(again.out()).toBe(`ready http://localhost:${String(port)}\n`);
    expect(again.err()).toBe('');

    const session = await send(port, '/auth/session', { headers: { 'x-csrf': '1' } });
    expect([session.status, session.body]).toEqual([200, '{"status":"anonymous"}']);
    const login = await send(port, '/auth/login');
    const simulator = Number(new URL(login.headers.location ?? '').port);
    expect(await refuses(simulator)).toBe(false);
    await until(() => readFileSync(logFile, 'utf8').includes('"route":"GET /auth/login"'));
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    for (const line of lines.map((text) => JSON.parse(text) as Record<string, unknown>)) {
      // CloudWatch reads metrics in a shape of its own.
      if ('_aws' in line) continue;
      expect(line).toMatchObject({
        time: expect.any(String),
        level: expect.stringMatching(/^(?:info|debug)$/),
        event: expect.any(String),
      });
    }
    // The schedules of the template have run their functions once.
    expect(lines.filter((line) => line.includes('"PublishedSetEqualsRing":1'))).toHaveLength(1);
    expect(statSync(logFile).mode & 0o077).toBe(0);

    expect(processesNaming(logFile)).not.toEqual([]);
    await endsWith('SIGINT', again, port);
    expect(await refuses(simulator)).toBe(true);
    expect(processesNaming(logFile)).toEqual([]);
    expect(again.out()).toBe(`ready http://localhost:${String(port)}\n`);
  });
});

describe('npm start with options', () => {
  test("another issuer is used in place of the simulator, and the limits reach the functions' settings; SIGTERM to npm alone ends everything", async () => {
    let issuer = '';
    const provider = http.createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/access_token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          keys: [],
        }),
      );
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${String((provider.address() as AddressInfo).port)}/realm`;
    const started = npmStart(
      ...['--port', '0', '--issuer', issuer, '--client-id', 'another-client'],
      ...['--acr', 'AAL2_ANY', '--min-aal', '2'],
    );
    const port = await ready(started);
    const login = await send(port, '/auth/login');
    const to = new URL(login.headers.location ?? '');
    expect(to.href.startsWith(`${issuer}/authorize?`)).toBe(true);
    expect(to.searchParams.get('client_id')).toBe('another-client');
    expect(to.searchParams.get('acr_values')).toBe('AAL2_ANY');
    // The metrics are on the request's own line.
    await until(() => started.out().includes('"route":"GET /auth/login"'));

    // The simulator's control panel would have the page.
    const page = new URL(/^ +Metrics +(http:\/\/127\.0\.0\.1:\d+\/\S+)$/m.exec(started.out())?.[1] ?? '');
    const read = (headers: Record<string, string> = {}) =>
      send(Number(page.port), page.pathname, { headers: { host: page.host, ...headers } });
    const shown = await read();
    expect(shown.status).toBe(200);
    expect(shown.body).toContain('SignInStarted');
    expect(shown.body).not.toMatch(/simulator|invented|Control panel/);
    const style = /<link rel="stylesheet" href="([^"]+)"/.exec(shown.body)?.[1] ?? '';
    expect((await send(Number(page.port), style, { headers: { host: page.host } })).status).toBe(200);
    expect([
      (await read({ 'sec-fetch-site': 'cross-site' })).status,
      (await read({ origin: 'http://127.0.0.1:1' })).status,
      (await read({ host: 'other-site.invalid' })).status,
      (await send(Number(page.port), '/', { headers: { host: page.host } })).status,
    ]).toEqual([403, 403, 404, 404]);
    await endsWith('SIGTERM', started, port);
    expect(started.err()).toBe('');
    provider.close();
    provider.closeAllConnections();
  });

  test('a port in use is one clear line and exit 1', async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const started = start('--port', String(port));
    expect(await started.ended).toBe(1);
    expect(started.err()).toBe(
      `cis2-bff: port ${String(port)} is in use: end what uses it, or choose another with --port\n`,
    );
    expect(started.out()).toBe('');
    other.close();
  });

  test('an unreachable issuer is one clear line and exit 1', async () => {
    const closed = net.createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const issuer = `http://127.0.0.1:${String(port)}/realm`;
    const started = start('--port', '0', '--issuer', issuer);
    expect(await started.ended).toBe(1);
    expect(started.err()).toBe(
      `cis2-bff: the issuer ${issuer} cannot be reached: connect ECONNREFUSED 127.0.0.1:${String(port)}\n`,
    );
    expect(started.out()).toBe('');
  });

  test.each([
    [['--colour', 'red'], "cis2-bff: Unknown option '--colour' (--help lists the options)\n"],
    [
      ['--spa', '/nowhere/dist'],
      'cis2-bff: there is no folder /nowhere/dist: build the page first, or give another --spa\n',
    ],
    [
      ['--spa', path.join(root, 'docs')],
      `cis2-bff: there is no index.html in ${path.join(root, 'docs')}: build the page first, or give another --spa\n`,
    ],
    [
      ['--log', '/nowhere/at/all.log'],
      "cis2-bff: cannot open the log file /nowhere/at/all.log: ENOENT: no such file or directory, open '/nowhere/at/all.log'\n",
    ],
  ])('%j is one clear line and exit 1', async (args, line) => {
    const started = start('--port', '0', ...args);
    expect(await started.ended).toBe(1);
    expect(started.err()).toEqual(line);
    expect(started.out()).toBe('');
  });

  test('help is printed and nothing is started', async () => {
    const started = start('--help');
    expect(await started.ended).toBe(0);
    expect(started.out()).toContain('Usage: npm start');
  });
});
