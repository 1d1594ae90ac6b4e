import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Function bundles of the package, or those that this repository has built. */
const directory = resolve(import.meta.dirname, '../build/lambdas');

/**
 * @returns the directory with one subdirectory a function
 * @throws Error when there is none
 */
export function prebuiltBundles(): string {
  if (existsSync(join(directory, 'login', 'index.mjs'))) return directory;
  throw new Error(`there are no function bundles in ${directory}: run npm run build`);
}
