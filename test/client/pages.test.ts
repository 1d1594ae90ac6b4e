/** The pages of the library where there is no browser. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';

const folder = await mkdtemp(join(tmpdir(), 'server-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a server makes of the app of the tests in a browser. */
async function renderOnServer(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { renderToString } from 'react-dom/server'; import { App } from './pages-app.tsx'; export const html = renderToString(<App />);`,
      loader: 'tsx',
      resolveDir: import.meta.dirname,
    },
    jsx: 'automatic',
    // React's own for browsers keeps a Node.js from ending.
    alias: { 'react-dom/server': 'react-dom/server.edge' },
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const file = join(folder, 'app.mjs');
  await writeFile(file, outputFiles[0]?.text ?? '');
  return ((await import(pathToFileURL(file).href)) as { html: string }).html;
}

test('a server renders that it is being found out who is signed in, and nothing else', async () => {
  expect(await renderOnServer()).toBe(
    '<div id="notice" role="status"></div><div id="alert" role="alert"></div>' +
      '<p role="status">Checking whether you are signed in…</p>',
  );
});
