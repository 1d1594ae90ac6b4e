import { randomUUID } from 'node:crypto';
import { getCompileCacheDir } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { lineSplitter } from '../cli/log.ts';
import type { LogSink } from '../cli/log.ts';

export interface FunctionSpec {
  readonly name: string;
  /** Where the bundle lies. */
  readonly directory: string;
  /** `file.export`, as in the template. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly region: string;
  /** The whole environment of the function, and nothing of this machine's. */
  readonly environment: Readonly<Record<string, string>>;
  /** The maximum number of instances at a time; further events wait. */
  readonly concurrency: number;
}

export interface InstanceData {
  readonly directory: string;
  readonly handler: string;
  readonly context: Readonly<Record<string, string>>;
}

export interface ToInstance {
  readonly requestId: string;
  readonly event: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
  /** Where in the code it came about, as far as that is known. */
  readonly at?: string | undefined;
}

const ended: Failure = { errorType: 'Runtime.ExitError', errorMessage: 'the function ended' };

export type FromInstance =
  | { readonly type: 'ready' }
  | { readonly type: 'response'; readonly payload: string }
  | ({ readonly type: 'failure' | 'init-failure' } & Failure);

type FailedInvocation = { readonly ok: false } & Omit<Failure, 'at'>;

export type Invocation =
  /** `payload` is the handler's result as JSON. */
  { readonly ok: true; readonly payload: string } | FailedInvocation;

/** The maximum size of a function's response, in bytes of JSON. */
export const maxPayloadBytes = 6_291_556;

/** Lambda allows a function ten seconds for loading its code; a busy laptop loads them all at once. In milliseconds. */
const initMilliseconds = 30_000;

const failed = (errorType: string, errorMessage: string): FailedInvocation => ({
  ok: false,
  errorType,
  errorMessage,
});

/** Beside this file, in the sources and in what is built of them. */
const workerFile = new URL(`./lambda-worker${path.extname(import.meta.filename)}`, import.meta.url);

const compileCache = getCompileCacheDir();

/** A thread that holds one copy of the function. It lives until it fails, and takes one event at a time. */
class Instance {
  readonly #worker: Worker;
  readonly #spec: FunctionSpec;
  readonly ready: Promise<Failure | undefined>;
  #receive: ((message: FromInstance) => void) | undefined;
  #crash: ((failure: Failure) => void) | undefined;
  alive = true;

  constructor(spec: FunctionSpec, log: LogSink) {
    this.#spec = spec;
    const data: InstanceData = {
      directory: spec.directory,
      handler: spec.handler,
      context: {
        functionName: spec.name,
        functionVersion: '$LATEST',
        invokedFunctionArn: `arn:aws:lambda:${spec.region}:000000000000:function:${spec.name}`,
        memoryLimitInMB: String(spec.memoryMegabytes),
        logGroupName: `/aws/lambda/${spec.name}`,
        logStreamName: `local/${randomUUID()}`,
      },
    };
    this.#worker = new Worker(workerFile, {
      workerData: data,
      env: {
        // Compiled code of an earlier start. Node.js reads it before the thread's first module, which takes it away.
        ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
        ...spec.environment,
        AWS_REGION: spec.region,
        AWS_LAMBDA_FUNCTION_NAME: spec.name,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMegabytes),
        // The person's own AWS profile must not reach a function.
        AWS_CONFIG_FILE: os.devNull,
        AWS_SHARED_CREDENTIALS_FILE: os.devNull,
      },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: spec.memoryMegabytes },
    });
    const lines = (): ((chunk: Buffer | string) => void) =>
      lineSplitter((line) => {
        log.line(line);
      });
    this.#worker.stdout.on('data', lines());
    this.#worker.stderr.on('data', lines());
    this.#worker.on('message', (message: FromInstance) => this.#receive?.(message));
    this.#worker.on('error', (error: unknown) => {
      const errorType = error instanceof Error ? error.name : 'Runtime.UnhandledError';
      // Nobody waits for this thread: it ended after its response, and only the log can say so.
      if (this.#crash === undefined)
        log.entry('error', 'function_failed', { function: spec.name, error: errorType });
      this.#end({ errorType, errorMessage: error instanceof Error ? error.message : String(error) });
    });
    this.#worker.on('exit', () => {
      this.#end(ended);
    });
    this.ready = this.#next(initMilliseconds, 'the function did not finish loading').then((message) =>
      message.type === 'ready' ? undefined : (message as Failure),
    );
  }

  /** @param event - JSON */
  async run(event: string, requestId: string): Promise<FromInstance> {
    const limit = this.#spec.timeoutSeconds * 1000;
    const message = this.#next(limit, `the function took more than ${String(this.#spec.timeoutSeconds)} s`);
    const request: ToInstance = { requestId, event, deadline: Date.now() + limit };
    this.#worker.postMessage(request);
    return message;
  }

  async stop(): Promise<void> {
    this.alive = false;
    await this.#worker.terminate();
  }

  #end(failure: Failure): void {
    this.alive = false;
    this.#crash?.(failure);
  }

  /** The instance's next message, or why none will come. A thread that is out of time is ended. */
  #next(milliseconds: number, outOfTime: string): Promise<FromInstance> {
    return new Promise((resolve) => {
      const settle = (message: FromInstance): void => {
        clearTimeout(timer);
        this.#receive = undefined;
        this.#crash = undefined;
        resolve(message);
      };
      const timer = setTimeout(() => {
        void this.stop();
        settle({ type: 'failure', errorType: 'Sandbox.Timedout', errorMessage: outOfTime });
      }, milliseconds);
      this.#receive = settle;
      this.#crash = (failure) => {
        settle({ type: 'failure', ...failure });
      };
      if (!this.alive) settle({ type: 'failure', ...ended });
    });
  }
}

/** A function with its instances: made when they are needed, the one used last is used first. */
export class LambdaFunction {
  readonly spec: FunctionSpec;
  readonly #log: LogSink;
  readonly #idle: Instance[] = [];
  readonly #all = new Set<Instance>();
  readonly #waiting: ((instance: Instance) => void)[] = [];
  #closed = false;

  constructor(spec: FunctionSpec, log: LogSink) {
    this.spec = spec;
    this.#log = log;
  }

  /**
   * Runs the function once.
   *
   * @param event - anything JSON can hold
   * @returns the handler's result as JSON, or why there is none: it threw, ran out of time, ended its thread, or
   * returned more than Lambda passes on
   */
  async invoke(event: unknown): Promise<Invocation> {
    // A rotation or a schedule may still be on its way when all ends: it must not start a new thread.
    if (this.#closed) return { ok: false, ...ended };
    const json = JSON.stringify(event);
    const instance = await this.#acquire();
    const requestId = randomUUID();
    const initFailure = await instance.ready;
    const message: FromInstance =
      initFailure === undefined
        ? await instance.run(json, requestId)
        : { ...initFailure, type: 'init-failure' };
    this.#release(instance, message.type === 'init-failure');

    if (message.type === 'response') {
      const bytes = Buffer.byteLength(message.payload);
      if (bytes <= maxPayloadBytes) return { ok: true, payload: message.payload };
      return this.#report(failed('Function.ResponseSizeTooLarge', `the answer has ${String(bytes)} bytes`));
    }
    if (message.type === 'ready') return this.#report(failed('Runtime.ExitError', 'no answer'));
    return this.#report(failed(message.errorType, message.errorMessage), message.at);
  }

  /** As `invoke`, for a caller who does not wait longer than so many milliseconds: undefined when they are over. */
  async invokeWithin(milliseconds: number, event: unknown): Promise<Invocation | undefined> {
    const waiting = new AbortController();
    try {
      return await Promise.race([
        this.invoke(event),
        sleep(milliseconds, undefined, { signal: waiting.signal }),
      ]);
    } finally {
      waiting.abort();
    }
  }

  /**
   * Loads one instance, so that the first event finds the function warm.
   *
   * @returns why the function does not load, or undefined when it does
   */
  async warm(): Promise<string | undefined> {
    const instance = await this.#acquire();
    const failure = await instance.ready;
    this.#release(instance, failure !== undefined);
    return failure === undefined ? undefined : `${failure.errorType}: ${failure.errorMessage}`;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map((instance) => instance.stop()));
  }

  /** The message of an error may hold anything, so the log has only its class and its place. */
  #report(invocation: FailedInvocation, at?: string): Invocation {
    if (!this.#closed) {
      this.#log.entry('error', 'function_failed', {
        function: this.spec.name,
        error: invocation.errorType,
        ...(at === undefined ? {} : { at }),
      });
    }
    return invocation;
  }

  async #acquire(): Promise<Instance> {
    // An idle thread can have ended by itself, with nobody waiting for it to say so.
    for (let instance = this.#idle.pop(); instance !== undefined; instance = this.#idle.pop()) {
      if (instance.alive) return instance;
      this.#all.delete(instance);
    }
    return this.#all.size < this.spec.concurrency
      ? this.#start()
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): Instance {
    const instance = new Instance(this.spec, this.#log);
    this.#all.add(instance);
    return instance;
  }

  #release(instance: Instance, broken: boolean): void {
    if (broken || !instance.alive) {
      this.#all.delete(instance);
      void instance.stop();
      if (!this.#closed) this.#waiting.shift()?.(this.#start());
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(instance);
    else next(instance);
  }
}
