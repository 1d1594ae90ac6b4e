import { existsSync } from 'node:fs';
import path from 'node:path';
import { StartError } from './errors.ts';

function rootAbove(directory: string): string {
  for (let candidate = directory; ; candidate = path.dirname(candidate)) {
    if (existsSync(path.join(candidate, 'package.json'))) return candidate;
    if (candidate === path.dirname(candidate)) throw new StartError(`no package.json above ${directory}`);
  }
}

/** The folder of this package, in its repository or installed: never the folder that a command is run in. */
export const packageRoot = rootAbove(import.meta.dirname);

/** Whether this is the repository, which has sources to build from, and not an installed package. */
export const isRepository = existsSync(path.join(packageRoot, 'infra', 'app.ts'));
