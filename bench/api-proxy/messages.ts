/** What the processes of the measurement tell each other. */
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** What the edge would send with every request. */
export const edgeHeaders = { 'x-cis2-bff-edge': 'bench'.repeat(13) } as const;

export interface World {
  readonly upstream: string;
  /** The functions' environment, without the store. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stores: { readonly embedded: string; readonly replaying: string };
}

/** What the world can be asked for. */
export type Question =
  | { readonly ask: 'sessions'; readonly count: number }
  /** How long the next access tokens live, in seconds. */
  | { readonly ask: 'token-life'; readonly seconds: number }
  | { readonly ask: 'counters' };

export interface Counters {
  readonly exchanges: number;
  readonly refreshes: number;
  /** How often a spent refresh token turned up. */
  readonly reuses: number;
}

export interface Contestant {
  readonly name: string;
  readonly upstream: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** A process of the measurement, which answers one question after the other. */
export class Peer {
  readonly #child: ChildProcess;

  constructor(file: string, argument: unknown, environment: Readonly<Record<string, string>> = {}) {
    this.#child = fork(join(import.meta.dirname, file), [JSON.stringify(argument)], {
      env: environment,
      // Log lines are written, and go nowhere.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('a process of the measurement ended'));
      this.#child.once('exit', gone);
      this.#child.once('message', (response) => {
        this.#child.off('exit', gone);
        resolve(response as T);
      });
    });
  }

  ask<T>(question: object): Promise<T> {
    const response = this.next<T>();
    this.#child.send(question);
    return response;
  }

  close(): void {
    this.#child.kill();
  }
}
