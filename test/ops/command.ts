/** The operator's command. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { runOps } from '../../ops/run.ts';

const root = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const environmentWith = (variables: Record<string, string>): NodeJS.ProcessEnv => ({
  // Nobody's real credentials, and nothing of what the test runner wants of its own Node.
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && name !== 'NODE_OPTIONS'),
  ),
  ...variables,
});

function replaceEnvironment(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env))
    if (!(name in environment)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, environment);
}

interface Given {
  readonly input?: string;
  readonly variables?: Record<string, string>;
}

/** Runs it here, with nobody to ask: a process of its own would cost a quarter of a second of processor time. */
export async function ops(args: readonly string[], { input = '', variables }: Given = {}): Promise<Ended> {
  const printed = { stdout: '', stderr: '' };
  const to = (name: keyof typeof printed) =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        printed[name] += chunk.toString();
        done();
      },
    });
  const streams = { stdin: Readable.from([input]), stdout: to('stdout'), stderr: to('stderr') };
  const environment = { ...process.env };
  if (variables !== undefined) replaceEnvironment(environmentWith(variables));
  try {
    const code = await runOps(args, streams);
    return { code, out: printed.stdout, err: printed.stderr };
  } finally {
    replaceEnvironment(environment);
  }
}

/** Runs it as its users do, in a process of its own, with nobody to ask. */
export function opsProcess(
  args: readonly string[],
  { input = '', variables = {} }: Given = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['cli/main.ts', 'ops', ...args], {
    cwd: root,
    env: environmentWith(variables),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  // A command that reads no input ends without taking it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/** How `script` runs one command on a terminal of its own: util-linux spells it one way, macOS another. */
const scriptArguments = (command: string): string[] =>
  process.platform === 'darwin'
    ? ['-q', '/dev/null', 'sh', '-c', command]
    : ['--quiet', '--return', '--command', command, '/dev/null'];

/**
 * Runs it on a terminal, which the system's `script` gives it.
 *
 * @param answer - what is typed when it asks
 * @returns everything that stood on the terminal
 * @throws Error where the system has no `script`
 */
export function opsOnTerminal(args: readonly string[], answer: string): Promise<Ended> {
  const command = [process.execPath, 'cli/main.ts', 'ops', ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', scriptArguments(command), {
    cwd: root,
    env: environmentWith({}),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let out = '';
  let answered = false;
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    if (answered || !out.includes('[y/N] ')) return;
    answered = true;
    child.stdin.write(answer);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const how = 'on Debian and Ubuntu: apt-get install bsdutils';
      reject(new Error(`these tests need the command script, which gives a terminal (${how})`, { cause }));
    });
    child.once('close', (code) => resolve({ code, out, err: '' }));
  });
}
