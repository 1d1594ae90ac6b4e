/** The examples for frameworks, as the documentation has them, in a browser before the real server. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { choose, lookAgain, signIn } from './rig.ts';
import { useRig } from './use-rig.ts';

interface Framework {
  /** The heading of its example. */
  readonly name: string;
  /** What stands before the example, where it needs something. */
  readonly before?: string;
  /** Gives the page `read`, which says what the example knows of the session, and `end`, with which it stops. */
  readonly after: string;
  readonly anonymous: string;
  readonly active: string;
}

const frameworks: readonly Framework[] = [
  {
    name: 'Vue',
    after: `import { effectScope } from 'vue';
      const scope = effectScope();
      const state = scope.run(useSession);
      Object.assign(globalThis, { read: () => state.value.status, end: () => scope.stop() });`,
    anonymous: 'anonymous',
    active: 'active',
  },
  {
    name: 'Angular',
    before: `import '@angular/compiler';`,
    after: `import { Injector } from '@angular/core';
      const injector = Injector.create({ providers: [{ provide: SessionService }] });
      const service = injector.get(SessionService);
      Object.assign(globalThis, { read: () => service.state().status, end: () => injector.destroy() });`,
    anonymous: 'anonymous',
    active: 'active',
  },
  {
    name: 'Svelte',
    after: `const seen = [];
      const end = session.subscribe(({ status }) => seen.push(status));
      Object.assign(globalThis, { read: () => seen.at(-1), end });`,
    anonymous: 'anonymous',
    active: 'active',
  },
  {
    name: 'Plain JavaScript',
    before: `document.body.innerHTML = '<bff-timeout-dialog></bff-timeout-dialog><p id="name"></p>';`,
    after: `Object.assign(globalThis, { read: () => document.querySelector('#name').textContent });`,
    anonymous: '',
    active: 'Amara Okafor',
  },
];

const client = join(import.meta.dirname, '../../client');
const readDocument = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, '../../docs', name), 'utf8');
const documentation = await readDocument('client.md');
const exampleOf = (name: string): string =>
  new RegExp(`\n## ${name}\n\n\`\`\`[jt]s\n([^]*?)\`\`\``).exec(documentation)?.[1] ?? '';

/** The first page that an app is shown how to write. */
const firstPage = 'first-page';
const firstExample =
  /```ts\n\/\/ src\/main.ts\n([^]*?)```/.exec(await readDocument('add-sign-in.md'))?.[1] ?? '';

const folder = await mkdtemp(join(tmpdir(), 'frameworks-'));
const fileOf = (name: string): string => `${name.toLowerCase().replace(' ', '-')}.js`;
await mkdir(join(folder, 'assets'));
await writeFile(
  join(folder, 'assets/load.js'),
  `if (location.hash) import('/assets/' + location.hash.slice(1));`,
);
await writeFile(
  join(folder, 'index.html'),
  '<!doctype html><html lang="en"><title>Frameworks</title><link rel="icon" href="/icon.svg"><p id="account-name">Amara Okafor</p>' +
    '<script type="module" src="/assets/load.js"></script></html>',
);
await writeFile(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
const sources: readonly (readonly [name: string, source: string])[] = [
  ...frameworks.map(
    ({ name, before = '', after }) => [name, [before, exampleOf(name), after].join('\n')] as const,
  ),
  [firstPage, firstExample],
];
await Promise.all(
  sources.map(([name, contents]) =>
    build({
      stdin: {
        contents,
        loader: 'ts',
        resolveDir: import.meta.dirname,
      },
      alias: {
        'cis2-bff/client/timeout-dialog': join(client, 'timeout-dialog/index.ts'),
        'cis2-bff/client': join(client, 'index.ts'),
      },
      plugins: [
        {
          name: 'the module of the client, which the document has at its start',
          setup: (bundler) => {
            bundler.onResolve({ filter: /^\.\/bff\.js$/ }, () => ({ path: 'bff', namespace: 'bff' }));
            bundler.onLoad({ filter: /./, namespace: 'bff' }, () => ({
              contents: `import { createBff } from 'cis2-bff/client';\nexport const bff = createBff();`,
              resolveDir: import.meta.dirname,
            }));
          },
        },
      ],
      // Angular's decorators are those of before the standard.
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      outfile: join(folder, 'assets', fileOf(name)),
      bundle: true,
      format: 'esm',
      target: 'chrome111',
    }),
  ),
);
const rig = await useRig({ spa: folder });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function becomes(tab: Page, wanted: string): Promise<void> {
  const read = () => tab.evaluate('globalThis.read?.()');
  for (let tries = 0; tries < 200 && (await read()) !== wanted; tries += 1) await tab.waitForTimeout(50);
  expect(await read()).toBe(wanted);
}

test.each(frameworks)(
  'the example for $name knows who is signed in, follows the end of the session, and stops when it is told to',
  async ({ name, after, anonymous, active }) => {
    expect(exampleOf(name)).toContain('bff.session.subscribe');
    // Without its build, Angular compiles in the browser, which the content security policy does not allow.
    const profile = await rig.ownProfile({ bypassCSP: name === 'Angular' });
    await signIn(await profile.tab());
    const open = async (): Promise<Page> => {
      const tab = await profile.tab();
      await tab.goto(`/#${fileOf(name)}`);
      await becomes(tab, active);
      return tab;
    };
    const [tab, other] = [await open(), await open()];
    const canStop = after.includes('end');
    if (canStop) await other.evaluate('end()');
    await profile.context.clearCookies();
    for (const each of [tab, other]) await lookAgain(each);
    await becomes(tab, anonymous);
    if (canStop) expect(await other.evaluate('read()')).toBe(active);
    else await becomes(other, anonymous);
  },
);

test.each(['/signed-out', '/sign-in-error?error=access_denied'])(
  'the first page of the guide stays at %s, and signs in from there',
  async (path) => {
    const tab = await (await rig.profile()).tab();
    await tab.goto(`${path}#${fileOf(firstPage)}`);
    const button = tab.getByRole('button', { name: 'Sign in' });
    await button.waitFor();
    // As long as a sign-in that starts by itself takes.
    await tab.waitForTimeout(1_000);
    expect(tab.url()).toBe(`${rig.baseUrl}${path}#${fileOf(firstPage)}`);
    await button.click();
    await choose(tab, 'Amara Okafor');
    await tab.waitForURL(`${rig.baseUrl}/`);
  },
);
