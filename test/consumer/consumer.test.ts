/** The packed tarball in projects of its users, with nothing of this repository but what is in it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { apiReference, referenceFile } from '../../tools/api-reference.ts';
import { choose, launch, Profile } from '../browser/rig.ts';

const root = resolve(import.meta.dirname, '../..');
const tool = (...parts: string[]): string => join(root, 'node_modules', ...parts);

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

// Without colours, which Vite writes into its address wherever `CI` is set.
const environment: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
for (const name of Object.keys(environment))
  if (/^(?:npm_|BFF_|NODE_ENV$)/i.test(name)) environment[name] = undefined;

/** Waits for something to become true: a start takes its time on a busy machine. */
async function until(condition: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`after 60 s: ${what()}`);
    await sleep(50);
  }
}

const run = (
  directory: string,
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> =>
  new Promise((done) => {
    execFile(command, args, { cwd: directory, env: { ...environment, ...env } }, (error, out, err) => {
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, out, err });
    });
  });

/** What was started, and may go on when a test has failed. */
const started: ChildProcess[] = [];

/** Starts what goes on until it is told to stop. */
function start(
  directory: string,
  command: string,
  args: readonly string[],
): { child: ChildProcess; output: () => string; says: (pattern: RegExp) => Promise<string> } {
  const child = spawn(command, args, {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    child,
    output: () => output,
    says: async (pattern) => {
      await until(
        () => pattern.test(output),
        () => `nothing like ${String(pattern)} in ${JSON.stringify(output)}`,
      );
      return pattern.exec(output)?.[1] ?? '';
    },
  };
}

let place: string;
let tarball: string;
let files: readonly { readonly path: string; readonly size: number }[];
let typescript: string;
let javascript: string;

/** A copy of a project, with the package as npm has installed it, and what its peers are found in. */
function project(name: string, installed: string, ...peers: string[]): string {
  const directory = join(place, name);
  cpSync(join(import.meta.dirname, name), directory, { recursive: true });
  cpSync(installed, join(directory, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  for (const peer of peers) symlinkSync(tool(peer), join(directory, 'node_modules', peer));
  return directory;
}

const cli = (directory: string, ...args: string[]): Promise<Outcome> =>
  run(directory, process.execPath, [join(directory, 'node_modules/.bin/cis2-bff'), ...args]);

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'cis2-bff-consumer-'));
  const packed = await run(root, 'npm', ['pack', '--json', '--pack-destination', place]);
  expect(packed).toMatchObject({ code: 0 });
  const [about] = JSON.parse(packed.out) as [{ filename: string; files: typeof files }];
  tarball = join(place, about.filename);
  files = about.files;
  const installing = ['install', '--offline', '--no-save', '--ignore-scripts', tarball];
  expect(await run(place, 'npm', installing)).toMatchObject({ code: 0 });
  const installed = join(place, 'node_modules');
  typescript = project(
    ...(['typescript', installed, 'aws-cdk-lib', 'constructs'] as const),
    ...['@types', 'react', 'react-dom', 'vite', '@vitejs'],
  );
  javascript = project('javascript', installed, 'aws-cdk-lib', 'constructs');
  // Nothing is to be found in a folder above a project.
  rmSync(installed, { recursive: true });
}, 240_000);
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(place, { recursive: true, force: true });
});

// The whole of it is work for a processor: on a busy machine that takes its time.
jest.setTimeout(240_000);

describe('the tarball', () => {
  test('exports what the API reference says: npm run api-reference has been run', () => {
    expect(apiReference(join(typescript, 'node_modules/cis2-bff'))).toBe(readFileSync(referenceFile, 'utf8'));
  });

  test('has no tests, and at most 3 MB', () => {
    expect(statSync(tarball).size).toBeLessThan(3_000_000);
    const paths = files.map(({ path }) => path);
    expect(paths.filter((path) => /(?:^|\/)test\/|\.test\.|\.tsbuildinfo$/.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/THIRD-PARTY-LICENCES.txt']));
    // Every module of an entry point has its declarations and its source map.
    const modules = paths.filter((path) =>
      /^dist\/(?:infra|manifest|client|vite|lambdas)\/.*\.js$/.test(path),
    );
    for (const module of modules.filter((path) => !path.endsWith('spa-rewrite.js'))) {
      expect(paths).toContain(module.replace(/js$/, 'd.ts'));
      expect(paths).toContain(`${module}.map`);
    }
  });

  test('has the runbooks that alarms name', () => {
    expect(files.map(({ path }) => path)).toContain('docs/operations/runbooks.md');
  });

  test('has every file that its documents link to', () => {
    const paths = files.map(({ path }) => path);
    const documents = paths.filter((path) => path.endsWith('.md'));
    const links = documents.flatMap((document) =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)\s#:]+)[)#]/g)].map(
        ([, link = '']) => `${document} -> ${join(dirname(document), link).replace(/\/$/, '')}`,
      ),
    );
    expect(links.length).toBeGreaterThan(100);
    // The front page of the repository too: the tour's pictures are large, and how to contribute is of no use in a package.
    const ofTheRepository = ['README.md -> docs/tour.md', 'README.md -> CONTRIBUTING.md'];
    const missing = links.filter((link) => {
      const [, target = ''] = link.split(' -> ');
      return !paths.some((path) => path === target || path.startsWith(`${target}/`));
    });
    expect(missing.sort()).toEqual(ofTheRepository.sort());
  });

  test('needs nothing else at run time', () => {
    const about = JSON.parse(
      readFileSync(join(typescript, 'node_modules/cis2-bff/package.json'), 'utf8'),
    ) as Record<string, unknown>;
    expect(about).not.toHaveProperty('dependencies');
    expect(about).not.toHaveProperty('private');
    expect(Object.keys(about['peerDependencies'] as object)).toEqual(
      Object.keys(about['peerDependenciesMeta'] as object),
    );
  });

  test.each([
    ['publint', ['publint/src/cli.js', '--strict']],
    ['are the types wrong', ['@arethetypeswrong/cli/dist/index.js', '--profile', 'esm-only']],
  ])('passes %s', async (_name, [file = '', ...args]) => {
    const { code, out } = await run(place, process.execPath, [tool(file), tarball, ...args]);
    expect([code, code === 0 ? '' : out]).toEqual([0, '']);
  });
});

/** The CDK's own validation takes longer than everything else: one synthesis here has it. */
const withoutValidation = { CDK_VALIDATION: 'false' };
const offline = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'no-network.mjs')}` };

/** File → text, of every snippet in a document that begins with the name of its file. */
const snippets = (document: string): ReadonlyMap<string, string> =>
  new Map(
    [
      ...readFileSync(join(root, 'docs', document), 'utf8').matchAll(/^```tsx?\n\/\/ (\S+)\n([^]*?)^```$/gm),
    ].map(([, file = '', text = '']) => [file, text]),
  );

describe('a project in TypeScript', () => {
  test('can be written as the documents say, and synthesises without a network', async () => {
    const documented = snippets('add-sign-in.md');
    expect([...documented.keys()]).toEqual([
      ...['bff.config.ts', 'src/main.ts', 'vite.config.ts', 'infra/app.ts', 'infra/production.ts'],
      'bff.config.strict.ts',
    ]);
    for (const [file, text] of documented) {
      const target = join(typescript, 'documented', file);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
    // Both apps in one process: to load the CDK takes longer than to synthesise.
    const { code, err } = await run(
      typescript,
      process.execPath,
      ['--import=./documented/infra/app.ts', 'documented/infra/production.ts'],
      { ...offline, ...withoutValidation, CDK_OUTDIR: join(place, 'documented') },
    );
    expect([code, err]).toEqual([0, '']);
    const templateOf = (name: string): string =>
      readFileSync(join(place, 'documented', `${name}.template.json`), 'utf8');
    expect(templateOf('MyAppEdge')).toContain('AWS::WAFv2::WebACL');
    expect(templateOf('MyAppEdgeAlarms')).toMatch(/EdgeFails[^]*LogoutsByAddressRefused/);
    expect(templateOf('MyApp')).toMatch(/"WebACLId":\s*\{\s*"Fn::GetStackOutput"/);
  });

  test.each(['nodenext', 'bundler'])(
    'type-checks with %s',
    async (resolution) => {
      const { code, out } = await run(typescript, process.execPath, [
        tool('typescript/bin/tsc'),
        '-p',
        `tsconfig.${resolution}.json`,
      ]);
      expect([code, out]).toEqual([0, '']);
    },
    120_000,
  );

  test('synthesises several installations in stacks of its choosing', async () => {
    // As the environments of this repository: the CDK's validation makes V8 mark the heap again and again.
    const { code, err } = await run(typescript, process.execPath, ['--no-concurrent-marking', 'bin/app.ts'], {
      ...offline,
      CDK_OUTDIR: join(place, 'several'),
    });
    expect([code, err]).toEqual([0, '']);
    const template = readFileSync(join(place, 'several/stateless.template.json'), 'utf8');
    expect(template).toContain('ANY /api/referrals/{proxy+}');
    expect(template).toContain("img-src 'self' data:");
    expect(template).toContain('camera=(self)');
    const manifests = readdirSync(join(place, 'several'))
      .map((name) => join(place, 'several', name, 'manifest.json'))
      .filter((file) => existsSync(file));
    expect(manifests).toHaveLength(1);
    expect(readFileSync(manifests[0] ?? '', 'utf8')).toContain('GET /Referral/{id}');
  });

  test('writes the documents of its manifest', async () => {
    const { code, out } = await cli(typescript, 'manifest', '--types', 'types/bff.d.ts');
    expect([code, out]).toEqual([0, 'openapi.json written\napi-routes.md written\ntypes/bff.d.ts written\n']);
    expect(readFileSync(join(typescript, 'openapi.json'), 'utf8')).toContain('/api/referrals/Referral/{id}');
    expect(await cli(typescript, 'manifest', '--check', '--types', 'types/bff.d.ts')).toMatchObject({
      code: 0,
    });
  });

  describe('in Chromium', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launch();
    });
    afterAll(() => browser.close());

    const dev = (...args: string[]) =>
      start(typescript, 'npx', [
        ...['--offline', 'cis2-bff', 'dev', '--port', '0', '--key-bits', '2048', ...args],
      ]);
    /** Signs in at the page of the project, and waits until it names who that is. */
    const signIn = async (tab: Page): Promise<void> => {
      await tab.getByRole('button', { name: 'Sign in' }).click();
      await choose(tab, 'Amara Okafor');
      await tab.locator('#name').getByText('Amara Okafor').waitFor();
    };

    test('runs whole, with its own manifest, policies and page, which Vite changes without a reload, and ends when npx is gone', async () => {
      const calls: (string | undefined)[][] = [];
      const referrals = http.createServer(({ url, headers }, response) => {
        calls.push([url, headers.authorization?.replace(/ \S+$/, ''), headers.cookie]);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"reason":"A cough"}');
      });
      await once(referrals.listen(0, '127.0.0.1').unref(), 'listening');
      const { port } = referrals.address() as AddressInfo;
      const vite = start(typescript, process.execPath, [
        ...['node_modules/vite/bin/vite.js', '--host', '127.0.0.1', '--port', '0'],
      ]);
      const pages = await vite.says(/(http:\/\/127\.0\.0\.1:\d+)\//);
      const bff = dev('--spa', pages, '--upstream', `referrals=http://127.0.0.1:${String(port)}`);
      const url = await bff.says(/^ready (\S+)$/m);
      const profile = await Profile.open(browser, url);
      const tab = await profile.tab();
      const headers = await (await tab.goto('/'))?.allHeaders();
      expect(headers?.['content-security-policy']).toContain("img-src 'self' data:");
      expect(headers?.['content-security-policy']).not.toContain('unsafe');
      expect(headers?.['permissions-policy']).toContain('camera=(self)');
      await signIn(tab);

      await tab.getByRole('button', { name: 'Read the referral' }).click();
      await tab.getByRole('status').getByText('A cough').waitFor();
      expect(calls).toEqual([['/Referral/1234?view=full', 'Bearer', undefined]]);
      const statuses = await tab.evaluate(`Promise.all(
        ['pds/Patient/9000000009', 'referrals/Referral/12345', 'letters/Letter', 'none/x'].map(async (path) =>
          (await fetch('/api/' + path, { headers: { 'x-csrf': '1' } })).status))`);
      expect(statuses).toEqual([200, 404, 404, 404]);
      profile.forgive(/status of 404/);
      expect(bff.output()).toContain('letters: not there, for want of --upstream letters=URL');

      await tab.evaluate('globalThis.isTheSamePage = true');
      const source = join(typescript, 'src/referral.tsx');
      writeFileSync(source, readFileSync(source, 'utf8').replace('>Referrals<', '>Letters of referral<'));
      await tab.getByRole('heading', { name: 'Letters of referral' }).waitFor();
      expect(await tab.getByRole('status').allInnerTexts()).toContain('A cough');
      expect(await tab.evaluate('globalThis.isTheSamePage')).toBe(true);
      expect(profile.complaints).toEqual([]);
      await profile.context.close();

      bff.child.kill('SIGKILL');
      await until(
        () =>
          fetch(url).then(
            () => false,
            () => true,
          ),
        () => 'the local start still responds',
      );
    });

    test('runs with the page as Vite builds it, from the folder that bff.config names', async () => {
      const built = await run(typescript, process.execPath, ['node_modules/vite/bin/vite.js', 'build']);
      expect([built.code, built.err]).toEqual([0, '']);
      const bff = dev('--quiet');
      const profile = await Profile.open(browser, await bff.says(/^ready (\S+)$/m));
      const tab = await profile.tab();
      await tab.goto('/letters/7?from=list');
      await signIn(tab);
      expect(tab.url()).toContain('/letters/7?from=list');
      expect(profile.complaints).toEqual([]);
      await profile.context.close();
    });
  });
});

describe('a project in JavaScript', () => {
  test('synthesises from CommonJS, and has one class of error in all entry points', async () => {
    const { code, out, err } = await run(javascript, process.execPath, ['app.cjs'], {
      ...withoutValidation,
      CDK_OUTDIR: join(place, 'js'),
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    });
    expect([code, err, out]).toEqual([0, '', 'true true loading\n']);
  });

  test('is told every problem of its configuration, and nothing is written', async () => {
    writeFileSync(
      join(javascript, 'bff.config.mjs'),
      "export default { upstreams: { Pds: { title: '', routes: {} } }, idleSeconds: 901, acceptedRole: 'any' };",
    );
    const { code, out, err } = await cli(javascript, 'manifest');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('cis2-bff: bff.config.mjs has 6 problems:\n');
    for (const part of [
      'upstreams: Pds: ',
      'did you mean acceptedRoles?',
      'idleSeconds must be ',
      'got 901',
    ]) {
      expect(err).toContain(part);
    }
    expect(existsSync(join(javascript, 'openapi.json'))).toBe(false);
  });

  test.each([
    [['dve'], 'cis2-bff: unknown command dve: did you mean dev? (--help lists the commands)\n'],
    [['--hepl'], 'cis2-bff: unknown option --hepl: did you mean --help? (--help lists the commands)\n'],
    [
      ['dev', '--prot', '1'],
      "cis2-bff: Unknown option '--prot': did you mean --port? (--help lists the options)\n",
    ],
    [
      ['manifest', '--tpyes', 'x'],
      "cis2-bff: Unknown option '--tpyes': did you mean --types? (--help lists the options)\n",
    ],
  ])('is told what it meant by %j', async (args, message) => {
    expect(await cli(javascript, ...args)).toEqual({ code: 1, out: '', err: message });
  });

  test.each(['dev', 'simulator', 'ops', 'manifest'])('gets the help of %s', async (command) => {
    const { code, out } = await cli(javascript, command, '--help');
    expect([code, out.split('\n', 1)[0]]).toEqual([0, expect.stringContaining(`npx cis2-bff ${command} `)]);
  });
});
