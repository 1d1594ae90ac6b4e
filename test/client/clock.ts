/** A clock that stands still until a test moves it. */
import { afterEach, beforeEach } from '@jest/globals';
import { install } from '@sinonjs/fake-timers';

let clock: ReturnType<typeof install> | undefined;

/** Call it at the top of a file, before the file's own hooks: its tests begin at the same moment. */
export function useClock(): void {
  beforeEach(() => {
    clock = install({
      now: Date.parse('2026-01-01T09:00:00.000Z'),
      toNotFake: ['queueMicrotask', 'nextTick'],
      // Connections of earlier files may close meanwhile.
      shouldClearNativeTimers: true,
    });
  });
  afterEach(() => {
    clock?.uninstall();
  });
}

/** Lets this many seconds pass. */
export const pass = (seconds: number): Promise<unknown> =>
  clock?.tickAsync(seconds * 1_000) ?? Promise.reject(new Error('no clock'));

/** How many timers have not come yet. */
export const waitingTimers = (): number | undefined => clock?.countTimers();

/** What a call gives, once there was time for it. */
export async function during<T>(call: Promise<T>): Promise<T> {
  // A rejection is the caller's matter, but only later.
  call.catch(() => undefined);
  await pass(1);
  return call;
}

/** What a call fails with. */
export const refusal = (call: Promise<unknown>): Promise<unknown> =>
  during(
    call.then(
      (value) => {
        throw new Error(`it gave ${String(value)}`);
      },
      (error: unknown) => error,
    ),
  );
