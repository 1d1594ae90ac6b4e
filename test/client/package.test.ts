/** What an app gets of the library besides its behaviour: its size, its types, and that it stands alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');
const maxCoreBytes = 4 * 1024;

/** What a bundler makes of a module of an app, minified. */
async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: 'js' },
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false },
    external: ['react'],
  });
  return outputFiles[0]?.text ?? '';
}

describe('the library', () => {
  test('has a core of at most 4 KB, minified and compressed', async () => {
    const code = await bundle(`export * from './client/index.ts'`);
    const bytes = gzipSync(code, { level: 9 }).length;
    process.stdout.write(
      `\nclient core: ${String(code.length)} bytes minified, ${String(bytes)} compressed\n`,
    );
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThanOrEqual(maxCoreBytes);
  });

  test('has the push of session ends apart from the core, in 1 KB', async () => {
    expect(await bundle(`export * from './client/index.ts'`)).not.toContain('/auth/events');
    const code = await bundle(`export * from './client/events/index.ts'`);
    expect(code).toContain('/auth/events');
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(1_024);
  });

  test('has the pages around a sign-in, with the client, the dialog and every text, in 20 KB', async () => {
    const code = await bundle(`export * from './client/index.ts'; export * from './client/pages/index.ts'`);
    const text = 'Sign in with my Care Identity';
    expect(code).toContain(text);
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(20 * 1_024);
    expect(await bundle(`export * from './client/react/index.ts'`)).not.toContain(text);
  });

  test('loses what an app does not use', async () => {
    expect(await bundle(`import './client/index.ts'`)).toBe('');
    expect((await bundle(`export { BffError } from './client/index.ts'`)).length).toBeLessThan(400);
    const english = await bundle(
      `import { english } from './client/timeout-dialog/index.ts'; console.log(english)`,
    );
    expect(english).toContain('Stay signed in');
    expect(english).not.toContain('Allgofnodi');
  });

  test('imports nothing but its own files, and React for React', () => {
    const files = readdirSync(join(root, 'client'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.tsx?$/.test(file),
    );
    expect(files.length).toBeGreaterThan(5);
    const imported = files.flatMap((file) =>
      Array.from(
        readFileSync(join(root, 'client', file), 'utf8').matchAll(/from '([^']+)'|^import '([^']+)'/gm),
        ([, from = '', alone = '']) => from + alone,
      ),
    );
    expect([...new Set(imported.filter((name) => !name.startsWith('.')))]).toEqual(['react']);
    expect(imported.filter((name) => name.startsWith('../../'))).toEqual([]);
  });

  test.each([
    ...['index', 'react/index', 'timeout-dialog/index', 'draft/index', 'events/index', 'sign-in/index'],
    ...['english/index', 'testing/index'],
  ])('can be loaded where there is no browser: %s', async (entry) => {
    await expect(import(`../../client/${entry}.ts`)).resolves.toBeDefined();
  });

  test('has every unknown route, parameter and query name refused by the compiler, and its examples taken', () => {
    const folder = join(root, 'test/client');
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
    Object.assign(options, {
      jsx: ts.JsxEmit.ReactJSX,
      noUnusedLocals: false,
      types: [],
      paths: {
        'cis2-bff/client': [join(root, 'client/index.ts')],
        'cis2-bff/client/*': [join(root, 'client/*/index.ts')],
      },
    });
    const examples = examplesIn(readFileSync(join(root, 'docs/client.md'), 'utf8'));
    const files = new Map(
      examples.map((text, index) => [join(folder, `example-${String(index)}.tsx`), text]),
    );
    const host = ts.createCompilerHost(options);
    host.fileExists = (path) => files.has(path) || ts.sys.fileExists(path);
    host.readFile = (path) => files.get(path) ?? ts.sys.readFile(path);
    const roots = [join(folder, 'types.ts'), ...files.keys()];
    const program = ts.createProgram(roots, options, host);
    // `npm run typecheck` has the library itself.
    const diagnostics = roots.flatMap((root) => [
      ...ts.getPreEmitDiagnostics(program, program.getSourceFile(root)),
    ]);
    const problems = diagnostics.map(({ messageText, file, start = 0 }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
      return `${basename(file?.fileName ?? '')} ${String(line)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(problems).toEqual([]);
    expect(examples.length).toBeGreaterThan(7);
    expect(readFileSync(join(folder, 'types.ts'), 'utf8').match(/@ts-expect-error/g)?.length).toBeGreaterThan(
      15,
    );
  });

  test('asks for less than 30 lines of an app for sign-in, a protected page, the dialog and a typed call', () => {
    const example = examplesIn(readFileSync(join(root, 'docs/client.md'), 'utf8')).find((text) =>
      text.includes('createRoot'),
    );
    expect(example?.trimEnd().split('\n').length).toBeLessThan(30);
  });
});

/** The code blocks of a document. One that goes on from the one before gets the client that is made in the first. */
function examplesIn(document: string): string[] {
  const made = `import { createBff } from 'cis2-bff/client';\nimport type { upstreams } from '../bff.config.js';\nconst bff = createBff<typeof upstreams>();\n`;
  return Array.from(document.matchAll(/```(?:tsx?|js)\n([\s\S]*?)```/g), ([, code = '']) => {
    // Whoever copies it has these elements in the page.
    const sure = code.replaceAll(/(querySelector\('[^']*'\))\./g, '$1!.');
    const text = sure.replace("import { bff } from './bff.js';\n", made);
    const whole = /createBff|createFakeBff/.test(text) ? text : made + text;
    return whole.replace("'../bff.config.js'", "'../../bff.config.ts'");
  });
}
