/** Read by each worker before its first test file. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { addEventHandler, getState } from 'jest-circus';

// Every command that a test starts finds what the one before it compiled.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../../build/compile-cache', import.meta.url));

/** A machine that is a quarter as fast must not fail what is right. `jest.setTimeout` and a test's own limit win. */
const defaultMs = 120_000;
const defaultOfJestMs = getState().testTimeout;

const globals = new URL('jest-globals.ts', import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: globals, shortCircuit: true } : next(specifier, context),
});

// Tests that put a clock of their own in place of the machine's do not stop this one.
const { setTimeout, clearTimeout } = globalThis;

/** Rejections that nobody has handled: an error of the test that runs, not the end of the worker. */
const unhandled = new Map<Promise<unknown>, unknown>();
process.on('unhandledRejection', (reason, promise) => unhandled.set(promise, reason));
process.on('rejectionHandled', (promise) => unhandled.delete(promise));

type Work = (...given: unknown[]) => unknown;

/** The runner has no time limits of its own. */
const within =
  (work: Work, ms: number): (() => Promise<undefined>) =>
  async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`took more than ${String(ms / 1_000)} s`)), ms);
    });
    try {
      await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
    const [reason] = unhandled.values();
    if (unhandled.size === 0) return undefined;
    unhandled.clear();
    throw reason;
  };

/** The runner names the test that ran before: what a hook does is not that test's. */
const outsideTests =
  (work: Work): Work =>
  () => {
    (globalThis as { expect?: { setState(state: object): void } }).expect?.setState({
      currentTestName: undefined,
    });
    return work();
  };

addEventHandler((event, { currentDescribeBlock: block, testTimeout }) => {
  const added =
    event.name === 'add_test'
      ? block.children.at(-1)
      : event.name === 'add_hook'
        ? block.hooks.at(-1)
        : undefined;
  if (added?.type === undefined || added.type === 'describeBlock') return;
  const limit = added.timeout ?? (testTimeout === defaultOfJestMs ? defaultMs : testTimeout);
  const work = added.fn as Work;
  added.fn = within(event.name === 'add_hook' ? outsideTests(work) : work, limit);
});
