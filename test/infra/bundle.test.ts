import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bundled, bundleFunctions, functionNames } from '../../infra/bundle.ts';
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

/** A directory with an entry point for each function that is nothing much. */
const smallEntries = (): string => {
  const entries = temporaryDirectory();
  for (const name of bundled) writeFileSync(join(entries, `${name}.ts`), 'export const handler = () => 1;\n');
  return entries;
};

describe('the bundles', () => {
  let output: string;
  beforeAll(() => {
    output = bundleFunctions({ output: temporaryDirectory() });
  });

  test('are made for every function, and the same bytes each time', () => {
    // What `npm test` built before it began.
    const earlier = join(import.meta.dirname, '../../build/lambdas');
    for (const name of functionNames) {
      expect(bundle(output, name)['index.mjs']?.length).toBeGreaterThan(0);
      expect(bundle(earlier, name)).toEqual(bundle(output, name));
    }
  });

  test('keep nothing of an earlier build, and are left alone when nothing changed', () => {
    const options = { entries: smallEntries(), output: temporaryDirectory() };
    bundleFunctions(options);
    const file = join(options.output, 'session', 'index.mjs');
    const before = { ...bundle(options.output, 'session'), modified: statSync(file).mtimeMs };
    writeFileSync(join(options.output, 'session', 'chunk-EARLIER.mjs'), 'export {};\n');
    bundleFunctions(options);
    expect({ ...bundle(options.output, 'session'), modified: statSync(file).mtimeMs }).toEqual(before);
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
  const entries = smallEntries();
  rmSync(join(entries, 'jwks.ts'));
  expect(() => bundleFunctions({ entries, output: temporaryDirectory() })).toThrow(
    `no entry point for a function: ${join(entries, 'jwks.ts')}`,
  );
});
