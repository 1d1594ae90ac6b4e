import { lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { StoreEndpoints } from './aws/stores.ts';
import { StartError } from './errors.ts';
import { isRepository, packageRoot } from './package-root.ts';

/** What a tool on this machine needs to speak to a local run as it would to AWS. */
export interface LocalState {
  readonly pid: number;
  readonly baseUrl: string;
  readonly region: string;
  readonly endpoints: StoreEndpoints & { readonly lambda: string; readonly logs: string };
  /** The value of each output of the stacks, by its name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The alarms of the stacks. Nothing sets them off here. */
  readonly alarms: readonly TemplateAlarm[];
}

export interface TemplateAlarm {
  readonly name: string;
  /** Severity, what users notice, and the section of the runbook. */
  readonly description: string;
  /** How many actions the state ALARM has. */
  readonly actions: number;
  readonly enabled: boolean;
}

/** The user's own folder where the package may be read only, and may belong to somebody else. */
const directory = isRepository
  ? path.join(packageRoot, 'build', 'local')
  : path.join(os.tmpdir(), `cis2-bff-${os.userInfo().username}`);

/** Where the local run on a port writes its state. */
export const stateFileOf = (port: number): string => path.join(directory, `${String(port)}.json`);

/**
 * Makes the folder. In a place where everybody can write, another user may have made it first, and would own what is in it.
 *
 * @throws StartError when it is not this user's own
 */
function makeDirectory(): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(directory);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own) throw new StartError(`${directory} belongs to another user`);
}

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
  makeDirectory();
  // A file that is there keeps its mode when it is written again.
  remove();
  writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  return remove;
}
