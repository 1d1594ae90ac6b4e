import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bundleFunctions, functionNames } from '../../infra/bundle.ts';
import { temporaryDirectory } from './support.ts';

interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, unknown>> }>>;
}

/** File → content, of what is deployed for a function. */
const bundle = (output: string, name: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(join(output, name))
      .sort()
      .map((file) => [file, readFileSync(join(output, name, file), 'utf8')]),
  );

describe('the bundles', () => {
  let output: string;
  beforeAll(() => {
    output = bundleFunctions({ output: temporaryDirectory() });
  });

  test('are made for every function, and the same bytes each time', () => {
    const again = bundleFunctions({ output: temporaryDirectory() });
    for (const name of functionNames) {
      expect(bundle(output, name)['index.mjs']?.length).toBeGreaterThan(0);
      expect(bundle(again, name)).toEqual(bundle(output, name));
    }
  });

  test('keep nothing of an earlier build', () => {
    const before = bundle(output, 'session');
    writeFileSync(join(output, 'session', 'chunk-EARLIER.mjs'), 'export {};\n');
    bundleFunctions({ output });
    expect(bundle(output, 'session')).toEqual(before);
  });

  test('are left alone when nothing changed', () => {
    const file = join(output, 'session', 'index.mjs');
    const before = statSync(file).mtimeMs;
    bundleFunctions({ output });
    expect(statSync(file).mtimeMs).toBe(before);
  });

  test.each(functionNames)(
    '%s holds what is needed, and nothing of a laptop or of the deployment',
    (name) => {
      const { outputs } = JSON.parse(readFileSync(join(output, 'meta.json'), 'utf8')) as Metafile;
      const inputs = Object.entries(outputs)
        .filter(([file]) => file.includes(`/${name}/`))
        .flatMap(([, made]) => Object.keys(made.inputs));
      expect(inputs.length).toBeGreaterThan(0);
      const foreign = inputs.filter((file) => !/^(?:lambdas|node_modules)\//.test(file));
      expect(foreign).toEqual([]);
      // The SDK's whole credential chain, which the alias keeps out.
      expect(inputs.filter((file) => /credential-provider|token-providers/.test(file))).toEqual([]);
      expect(Object.values(bundle(output, name)).join('\n')).not.toMatch(
        /PRIVATE KEY-----\s*[A-Za-z0-9+/]{20}/,
      );
    },
  );
});

test('a function without an entry point is named, with where it should be', () => {
  const entries = temporaryDirectory();
  for (const name of functionNames)
    writeFileSync(join(entries, `${name}.ts`), 'export const handler = () => 1;\n');
  rmSync(join(entries, 'jwks.ts'));
  expect(() => bundleFunctions({ entries, output: temporaryDirectory() })).toThrow(
    `no entry point for a function: ${join(entries, 'jwks.ts')}`,
  );
});
