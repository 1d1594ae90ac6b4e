import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDirectory } from './build.ts';

/** What a tool on this machine needs to speak to a local run as it would to AWS. */
export interface LocalState {
  readonly pid: number;
  readonly baseUrl: string;
  readonly region: string;
  readonly endpoints: {
    readonly dynamodb: string;
    readonly secretsManager: string;
    readonly kms: string;
    readonly lambda: string;
    readonly logs: string;
  };
  /** The value of each output of the stacks, by its name. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Where the local run on a port writes its state. */
export const stateFileOf = (port: number): string =>
  path.join(buildDirectory, 'local', `${String(port)}.json`);

/**
 * Writes the state of the run that has a port, for its owner's eyes: whoever reads it can reach the signing keys. What an
 * earlier run on the port left behind is replaced.
 *
 * @returns takes the file away again
 */
export function writeStateFile(port: number, state: LocalState): () => void {
  const file = stateFileOf(port);
  const remove = (): void => {
    rmSync(file, { force: true });
  };
  mkdirSync(path.dirname(file), { recursive: true });
  // A file that is there keeps its mode when it is written again.
  remove();
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return remove;
}
