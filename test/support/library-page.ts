import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Builds the pages of a module of `test/client` into a folder, for `--spa`. */
export async function buildLibraryPage(folder: string, module = 'page.ts'): Promise<void> {
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(
    join(folder, 'index.html'),
    '<!doctype html><html lang="en"><title>Library</title><meta name="viewport" content="width=device-width">' +
      '<link rel="icon" href="/icon.svg"><main id="root"></main><script type="module" src="/assets/page.js"></script></html>',
  );
  await writeFile(join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await build({
    entryPoints: [join(import.meta.dirname, '../client', module)],
    outfile: join(folder, 'assets/page.js'),
    bundle: true,
    format: 'esm',
    target: 'chrome111',
    // The development build of React: its StrictMode runs every effect twice.
    define: { 'process.env.NODE_ENV': '"development"' },
  });
}
