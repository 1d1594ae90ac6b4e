/**
 * The client library beside three others: bytes to load, and the time from the navigation to the first render that names the person
 * who is signed in. Each is bundled with the least code that shows that name. In headless Chromium, in turns, each time with nothing
 * cached.
 *
 * `npm run bench:client -- [ROUNDS]`; it installs the other three into a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { browserArguments, findShell } from '../test/support/chromium.ts';
import { median } from './api-proxy/measure.ts';

const rounds = Number(process.argv[2] ?? 7);
/** Of each response with a session. */
const delayMs = 20;
const others = ['oidc-client-ts@3.5.0', 'next-auth@4.24.15', 'oidc-spa@10.2.11'];
const root = path.resolve(import.meta.dirname, '..');

interface Contestant {
  readonly code: string;
  /** Another contestant that needs the same of the browser: its time is 1. Without one only the size is taken. */
  readonly besides?: string;
}
const react = `import { createElement as h } from 'react'; import { createRoot } from 'react-dom/client';`;
const render = `createRoot(document.getElementById('root')).render`;
const contestants: Readonly<Record<string, Contestant>> = {
  'fetch alone': {
    besides: 'fetch alone',
    code: `fetch('/auth/session').then((response) => response.json()).then(({ user }) => { document.getElementById('who').textContent = user.name; });`,
  },
  'cis2-bff/client': {
    besides: 'fetch alone',
    code: `import { createBff } from 'cis2-bff/client';
      const bff = createBff();
      const show = () => { const state = bff.session.get(); document.getElementById('who').textContent = state.status === 'active' ? state.user.name : ''; };
      bff.session.subscribe(show); show();`,
  },
  'oidc-client-ts': {
    besides: 'fetch alone',
    code: `import { UserManager, WebStorageStateStore } from 'oidc-client-ts';
      const manager = new UserManager({ authority: location.origin, client_id: 'bench', redirect_uri: location.href,
        userStore: new WebStorageStateStore({ store: sessionStorage }) });
      manager.getUser().then((user) => { document.getElementById('who').textContent = user.profile.name; });`,
  },
  'oidc-spa/core': {
    code: `import { createOidc } from 'oidc-spa/core';
      createOidc({ issuerUri: location.origin, clientId: 'bench', BASE_URL: '/' }).then((oidc) => {
        if (oidc.isUserLoggedIn) document.getElementById('who').textContent = oidc.getDecodedIdToken().name; });`,
  },
  'React and fetch': {
    besides: 'React and fetch',
    code: `${react} import { useEffect, useState } from 'react';
      function Who() { const [name, setName] = useState('');
        useEffect(() => { fetch('/auth/session').then((response) => response.json()).then(({ user }) => setName(user.name)); }, []);
        return h('p', { id: 'who' }, name); }
      ${render}(h(Who));`,
  },
  'cis2-bff/client/react': {
    besides: 'React and fetch',
    code: `${react} import { createBff } from 'cis2-bff/client'; import { BffProvider, useSession } from 'cis2-bff/client/react';
      function Who() { const state = useSession(); return h('p', { id: 'who' }, state.status === 'active' ? state.user.name : ''); }
      ${render}(h(BffProvider, { client: createBff() }, h(Who)));`,
  },
  'next-auth/react': {
    besides: 'React and fetch',
    code: `${react} import { SessionProvider, useSession } from 'next-auth/react';
      function Who() { const { data } = useSession(); return h('p', { id: 'who' }, data?.user.name ?? ''); }
      ${render}(h(SessionProvider, null, h(Who)));`,
  },
};

const name = 'Amara Okafor';
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();
/** What the servers of the two that have one would respond with. */
const sessions: Readonly<Record<string, () => object>> = {
  '/auth/session': () => ({
    status: 'active',
    handle: 'bench-handle',
    user: { uid: '900000000001', name },
    roles: [],
    role: null,
    assurance: { authenticatedAt: inMinutes(-1) },
    expires: {
      at: inMinutes(15),
      idleAt: inMinutes(15),
      absoluteAt: inMinutes(600),
      warnAt: inMinutes(12),
      bindingLimit: 'idle',
    },
    serverTime: inMinutes(0),
  }),
  '/api/auth/session': () => ({ user: { name }, expires: inMinutes(15) }),
};

const folder = await mkdtemp(path.join(tmpdir(), 'bench-client-'));
try {
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }');
  // React is this project's own, for all of them.
  const options = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['install', ...options, ...others], { cwd: folder, stdio: 'inherit' });

  const scripts = new Map<string, Buffer>();
  const sizes = new Map<string, number>();
  for (const [who, { code }] of Object.entries(contestants)) {
    const { outputFiles, metafile } = await build({
      stdin: { contents: code, resolveDir: folder },
      alias: {
        'cis2-bff/client/react': path.join(root, 'client/react/index.ts'),
        'cis2-bff/client': path.join(root, 'client/index.ts'),
        react: path.join(root, 'node_modules/react'),
        'react-dom': path.join(root, 'node_modules/react-dom'),
      },
      define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'chrome111',
      // What is loaded only when it is needed does not count.
      splitting: true,
      outdir: folder,
      metafile: true,
      write: false,
      logLevel: 'error',
    });
    const zipped = new Map(
      outputFiles.map(({ path: file, contents }) => [path.basename(file), gzipSync(contents, { level: 9 })]),
    );
    scripts.set(who, zipped.get('stdin.js') ?? Buffer.alloc(0));
    const atStart = new Set(['stdin.js']);
    for (const file of atStart) {
      const output = Object.entries(metafile.outputs).find(([key]) => path.basename(key) === file)?.[1];
      for (const { kind, path: imported } of output?.imports ?? [])
        if (kind === 'import-statement') atStart.add(path.basename(imported));
    }
    sizes.set(
      who,
      [...atStart].reduce((sum, file) => sum + (zipped.get(file)?.length ?? NaN), 0),
    );
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const who = decodeURIComponent(pathname.slice(1)).replace(/\.js$/, '');
    const session = sessions[pathname];
    if (session !== undefined) {
      void sleep(delayMs).then(() => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(session()));
      });
    } else if (pathname.endsWith('.js')) {
      response.setHeader('content-type', 'text/javascript').setHeader('content-encoding', 'gzip');
      response.end(scripts.get(who));
    } else {
      response.setHeader('content-type', 'text/html');
      response.end(
        `<!doctype html><link rel="icon" href="data:,"><div id="root"><p id="who"></p></div><script type="module" src="/${encodeURIComponent(who)}.js"></script>`,
      );
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${String((server.address() as AddressInfo).port)}`;

  const user = JSON.stringify({
    access_token: 'bench',
    token_type: 'Bearer',
    expires_at: Math.floor(Date.now() / 1000) + 3_600,
    profile: { sub: '900000000001', name },
  });
  const beforePage = `sessionStorage.setItem('oidc.user:' + location.origin + ':bench', ${JSON.stringify(user)});
    new MutationObserver((_, observer) => {
      if (document.getElementById('who')?.textContent !== ${JSON.stringify(name)}) return;
      observer.disconnect();
      window.shownAfter = performance.now();
    }).observe(document, { childList: true, subtree: true, characterData: true });`;
  const browser = await chromium.launch({
    executablePath: findShell() ?? '',
    args: browserArguments,
  });
  const timed = Object.entries(contestants).filter(([, { besides }]) => besides !== undefined);
  const ratios = new Map<string, number[]>(timed.map(([who]) => [who, []]));
  try {
    // The first round warms the browser up.
    for (let round = 0; round <= rounds; round += 1) {
      const took = new Map<string, number>();
      for (const [who] of timed) {
        const context = await browser.newContext();
        await context.addInitScript(beforePage);
        const page = await context.newPage();
        await page.goto(`${origin}/${encodeURIComponent(who)}`);
        const shown = await page.waitForFunction('window.shownAfter');
        took.set(who, (await shown.jsonValue()) as number);
        await context.close();
      }
      if (round === 0) continue;
      for (const [who, { besides = '' }] of timed)
        ratios.get(who)?.push((took.get(who) ?? NaN) / (took.get(besides) ?? NaN));
    }
  } finally {
    await browser.close();
    server.close();
  }
  for (const [who, { besides }] of Object.entries(contestants)) {
    const ratio = median(ratios.get(who) ?? []).toFixed(2);
    console.log(
      `${who.padEnd(24)} ${String(sizes.get(who)).padStart(6)} bytes` +
        (besides === undefined ? '' : `   time to "${besides}": ${ratio}`),
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
