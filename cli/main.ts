/** The command `cis2-bff`. In this repository `npm start`, `npm run simulator`, `npm run ops` and `npm run manifest` call it. */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { packageRoot } from '../local/package-root.ts';
import { didYouMean } from '../manifest/nearest.ts';

interface Command {
  readonly summary: string;
  /** Loaded late: no command needs what the others are made of. */
  readonly run: (args: readonly string[]) => Promise<void>;
}

const commands: Readonly<Record<string, Command>> = {
  dev: {
    summary: 'run an app and everything behind it on this machine',
    run: async (args) => (await import('./dev.ts')).dev(args),
  },
  simulator: {
    summary: 'run the CIS2 simulator alone',
    run: async (args) => (await import('./simulator.ts')).simulator(args),
  },
  ops: {
    summary: 'operate an installation, in AWS or on this machine',
    run: async (args) => {
      process.exitCode = await (await import('../ops/run.ts')).runOps(args);
    },
  },
  manifest: {
    summary: 'write the documents and types of the routes to APIs, or try the APIs',
    run: async (args) => (await import('./manifest.ts')).manifest(args),
  },
};

const names = Object.keys(commands);

const help = [
  'Usage: cis2-bff COMMAND [options]',
  '',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`),
  '',
  '  --help      this text; after a command, what it takes',
  '  --version   the version of this package',
  '',
].join('\n');

const version = (): string =>
  (JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

// A quarter of the processor time of a start. In a folder of our own: nobody else on this machine writes there.
enableCompileCache(path.join(packageRoot, 'build', 'compile-cache'));

// Somebody who reads only the first lines of the output closes the pipe; that is no reason to fail.
process.stdout.on('error', () => undefined);

const [name, ...args] = process.argv.slice(2);
const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
if (name === '--version' || (command !== undefined && args[0] === '--version')) {
  process.stdout.write(`${version()}\n`);
} else if (command !== undefined) {
  await command.run(args);
} else if (name === '--help' || name === '-h') {
  process.stdout.write(help);
} else {
  process.exitCode = 1;
  process.stderr.write(
    name === undefined
      ? help
      : name.startsWith('-')
        ? `cis2-bff: unknown option ${name}${didYouMean(name, ['--help', '--version'])} (--help lists the commands)\n`
        : `cis2-bff: unknown command ${name}${didYouMean(name, names)} (--help lists the commands)\n`,
  );
}
