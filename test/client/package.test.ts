/** What an app gets of the library besides its behaviour: its size, its types, and that it stands alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
      file.endsWith('.ts'),
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

  test.each(['index', 'react/index', 'timeout-dialog/index', 'testing/index'])(
    'can be loaded where there is no browser: %s',
    async (entry) => {
      await expect(import(`../../client/${entry}.ts`)).resolves.toBeDefined();
    },
  );

  test('has every unknown route, parameter and query name refused by the compiler', () => {
    const folder = join(root, 'test/client');
    const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
      config: unknown;
    };
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, folder);
    const program = ts.createProgram([join(folder, 'types.ts')], options);
    const problems = ts.getPreEmitDiagnostics(program).map(({ messageText, file, start = 0 }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
      return `${String(line)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(problems).toEqual([]);
    expect(readFileSync(join(folder, 'types.ts'), 'utf8').match(/@ts-expect-error/g)?.length).toBeGreaterThan(
      15,
    );
  });
});
