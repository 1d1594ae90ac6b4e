/** The product as its users run it: `cis2-bff dev` in a process of its own, the built bundles inside. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface BffOptions {
  /** Command-line options, e.g. `{ issuer, 'idle-seconds': 2 }`. */
  readonly [option: string]: string | number | undefined;
}

export class Bff {
  readonly baseUrl: string;
  readonly #process: ChildProcess;
  readonly #output: string[];
  /** What of the output has been read into the log: whole chunks, and the line that had no end yet. */
  readonly #log: Record<string, unknown>[] = [];
  #read = 0;
  #unread = '';

  private constructor(baseUrl: string, process: ChildProcess, output: string[]) {
    this.baseUrl = baseUrl;
    this.#process = process;
    this.#output = output;
  }

  /**
   * @param settings - settings of the functions that no option gives, e.g. `{ LOG_LEVEL: 'debug' }`
   * @param from - another checkout that is to run
   * @throws Error with what was printed, when it ends before it is ready
   */
  static async start(
    options: BffOptions = {},
    settings?: Record<string, string>,
    from: string = root,
  ): Promise<Bff> {
    const script =
      settings === undefined
        ? [join(from, 'cli/main.ts'), 'dev']
        : [join(root, 'test/support/start-with-settings.ts'), JSON.stringify(settings)];
    // Two keys of 4,096 bits are a second of CPU time, and no test but those of the keys cares for their length.
    const given = { port: 0, 'key-bits': 2_048, ...options };
    const args = Object.entries<string | number | undefined>(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    );
    const child = spawn(process.execPath, [...script, ...args], {
      cwd: from,
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    const baseUrl = await new Promise<string>((resolve, reject) => {
      const untilReady = (): void => {
        const ready = /^ready (\S+)$/m.exec(output.join(''))?.[1];
        if (ready === undefined) return;
        child.stdout.off('data', untilReady);
        resolve(ready);
      };
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      }
      child.stdout.on('data', untilReady);
      child.once('exit', (code) => {
        reject(new Error(`ended with ${String(code)} before it was ready:\n${output.join('')}`));
      });
    });
    return new Bff(baseUrl, child, output);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Everything printed so far, the logs included. */
  get output(): string {
    return this.#output.join('');
  }

  /** The structured log so far. */
  get log(): Record<string, unknown>[] {
    const lines = (this.#unread + this.#output.slice(this.#read).join('')).split('\n');
    this.#read = this.#output.length;
    this.#unread = lines.pop() ?? '';
    const added = lines.filter((line) => line.startsWith('{'));
    this.#log.push(...added.map((line) => JSON.parse(line) as Record<string, unknown>));
    return [...this.#log];
  }

  /** The log's entries for a reference a user was shown, once they are there. */
  async entriesFor(reference: string): Promise<Record<string, unknown>[]> {
    for (let tries = 0; tries < 40; tries += 1) {
      const entries = this.log.filter((entry) => entry['reference'] === reference);
      if (entries.some((entry) => entry['event'] === 'request')) return entries;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return [];
  }

  /** Lets this process end while the product runs, and ends the product then. */
  unref(): void {
    const child = this.#process;
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
    process.once('exit', () => child.kill('SIGTERM'));
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGTERM');
    await gone;
  }
}
