/** The packed tarball in projects of its users, with nothing of this repository but what is in it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
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
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { apiReference, referenceFile } from '../../tools/api-reference.ts';

const root = resolve(import.meta.dirname, '../..');
const tool = (...parts: string[]): string => join(root, 'node_modules', ...parts);

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const environment: NodeJS.ProcessEnv = { ...process.env, NODE_OPTIONS: '' };
for (const name of Object.keys(environment)) if (/^(?:npm_|BFF_)/i.test(name)) environment[name] = undefined;

/** Waits for something to become true: a start takes its time on a busy machine. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not become true');
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

let place: string;
let tarball: string;
let files: readonly { readonly path: string; readonly size: number }[];
let typescript: string;
let javascript: string;

/** A copy of a project, with the tarball installed and what its peers are found in. */
async function install(name: string, ...peers: string[]): Promise<string> {
  const directory = join(place, name);
  cpSync(join(import.meta.dirname, name), directory, { recursive: true });
  const installed = await run(directory, 'npm', [
    'install',
    '--offline',
    '--no-save',
    '--ignore-scripts',
    tarball,
  ]);
  expect(installed).toMatchObject({ code: 0 });
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
  [typescript, javascript] = await Promise.all([
    install('typescript', 'aws-cdk-lib', 'constructs', '@types', 'react', 'vite'),
    install('javascript', 'aws-cdk-lib', 'constructs'),
  ]);
}, 240_000);
afterAll(() => {
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

/** Relative path → hash, of every file below. */
const fingerprint = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => statSync(join(directory, file)).isFile())
      .sort()
      .map((file) => [
        file,
        createHash('sha256')
          .update(readFileSync(join(directory, file)))
          .digest('hex'),
      ]),
  );

const offline = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'no-network.mjs')}` };

/** File → text, of every snippet in a document that begins with the name of its file. */
const snippets = (document: string): ReadonlyMap<string, string> =>
  new Map(
    [
      ...readFileSync(join(root, 'docs', document), 'utf8').matchAll(/^```tsx?\n\/\/ (\S+)\n([^]*?)^```$/gm),
    ].map(([, file = '', text = '']) => [file, text]),
  );

describe('a project in TypeScript', () => {
  test('can be written as the documents say, and synthesises without a network, twice the same bytes', async () => {
    const documented = snippets('add-sign-in.md');
    expect([...documented.keys()]).toEqual([
      ...['bff.config.ts', 'src/main.ts', 'vite.config.ts', 'infra/app.ts', 'bff.config.strict.ts'],
    ]);
    for (const [file, text] of documented) {
      const target = join(typescript, 'documented', file);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
    const synth = (out: string): Promise<Outcome> =>
      run(typescript, process.execPath, ['documented/infra/app.ts'], {
        ...offline,
        CDK_OUTDIR: join(place, out),
      });
    const [one, two] = await Promise.all([synth('one'), synth('two')]);
    expect([one.code, one.err, two.code]).toEqual([0, '', 0]);
    expect(fingerprint(join(place, 'two'))).toEqual(fingerprint(join(place, 'one')));
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
    const { code, err } = await run(typescript, process.execPath, ['bin/app.ts'], {
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

  test('runs whole, with its own manifest, policies and page, and ends when npx is gone', async () => {
    const child: ChildProcess = spawn('npx', ['--offline', 'cis2-bff', 'dev', '--port', '0'], {
      cwd: typescript,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const url = (): string => /^ready (\S+)$/m.exec(out)?.[1] ?? '';
    await until(() => url() !== '');
    const status = async (path: string): Promise<number> =>
      (await fetch(url() + path, { headers: { 'x-csrf': '1' } })).status;

    const page = await fetch(url());
    expect(await page.text()).toContain('The page of the consumer');
    expect(page.headers.get('content-security-policy')).toContain("img-src 'self' data:");
    expect(page.headers.get('permissions-policy')).toContain('camera=(self)');
    expect(out).toContain('referrals: not there, for want of --upstream referrals=URL');
    expect(await status('/api/pds/Patient/9000000009')).toBe(401);
    expect(await status('/api/referrals/Referral/1234')).toBe(404);
    expect(await status('/api/none/x')).toBe(404);

    child.kill('SIGKILL');
    await until(() =>
      fetch(url()).then(
        () => false,
        () => true,
      ),
    );
  });
});

describe('a project in JavaScript', () => {
  test('synthesises from CommonJS, and has one class of error in all entry points', async () => {
    const { code, out, err } = await run(javascript, process.execPath, ['app.cjs'], {
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
