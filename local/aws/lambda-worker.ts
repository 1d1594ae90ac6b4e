/**
 * One instance of a Lambda function: a thread with its own globals, module cache and environment that loads the
 * function's bundle as the runtime does (initialisation first, then one event at a time).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { FromInstance, InstanceData, ToInstance } from './lambda-runtime.ts';

// A function sees its own environment only.
delete process.env['NODE_COMPILE_CACHE'];

type Handler = (event: unknown, context: unknown) => unknown;

const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread only');
const data = workerData as InstanceData;
const send = (message: FromInstance): void => {
  port.postMessage(message);
};

const describe = (error: unknown): { errorType: string; errorMessage: string; at: string | undefined } => ({
  errorType: error instanceof Error ? error.name : typeof error,
  errorMessage: error instanceof Error ? error.message : String(error),
  at:
    error instanceof Error
      ? /\n\s+at (?:async )?(?:[^\n(]*\()?([^\s()]+)/.exec(error.stack ?? '')?.[1]?.replace(/^.*[/\\]/, '')
      : undefined,
});

/** Loads `index.handler` from the function's code, as the Node runtime looks it up. */
async function load(): Promise<Handler> {
  const split = data.handler.lastIndexOf('.');
  const name = data.handler.slice(split + 1);
  const base = path.join(data.directory, data.handler.slice(0, split));
  const file = ['.mjs', '.js', '.cjs'].map((extension) => base + extension).find((name) => existsSync(name));
  if (file === undefined) throw new Error(`cannot find ${data.handler} in ${path.basename(data.directory)}`);
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const handler = module[name];
  if (typeof handler !== 'function') throw new Error(`${data.handler} is not a function`);
  return handler as Handler;
}

async function run(handler: Handler, message: ToInstance): Promise<void> {
  const context = {
    ...data.context,
    awsRequestId: message.requestId,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, message.deadline - Date.now()),
  };
  try {
    const result = await handler(JSON.parse(message.event), context);
    // What JSON cannot hold, `undefined` first of all, is `null`.
    const payload = JSON.stringify(result) as string | undefined;
    send({ type: 'response', payload: payload ?? 'null' });
  } catch (error) {
    send({ type: 'failure', ...describe(error) });
  }
}

try {
  const handler = await load();
  port.on('message', (message: ToInstance) => void run(handler, message));
  send({ type: 'ready' });
} catch (error) {
  send({ type: 'init-failure', ...describe(error) });
}
