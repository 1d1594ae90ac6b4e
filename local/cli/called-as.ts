import { isRepository } from '../package-root.ts';

const scripts = {
  dev: 'start',
  simulator: 'run simulator',
  ops: 'run ops',
  manifest: 'run manifest',
} as const;

/** How somebody calls a command: in this repository by npm's scripts, and in an app by the package's own name. */
export const calledAs = (command: keyof typeof scripts): string =>
  isRepository ? `npm ${scripts[command]} --` : `npx cis2-bff ${command}`;
