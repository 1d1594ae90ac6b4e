import { describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { getActiveResourcesInfo } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { untilAborted, withDeadline } from '../../lambdas/common/index.ts';

const neverDone = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
const timers = (): number => getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('work with a deadline', () => {
  test('is aborted when its time is over', async () => {
    await expect(withDeadline(5, neverDone)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test.each([0, -1])('has no time to wait with %p milliseconds', async (milliseconds) => {
    await expect(withDeadline(milliseconds, neverDone)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test('is aborted with the work that it is part of', async () => {
    const outer = AbortSignal.abort(new Error('the outer one'));
    await expect(withDeadline(60_000, (signal) => pause(1, undefined, { signal }), outer)).rejects.toThrow();
  });

  test('leaves no timer, whether it is done or fails', async () => {
    const before = timers();
    expect(await withDeadline(60_000, () => Promise.resolve('done'))).toBe('done');
    await expect(withDeadline(60_000, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(timers()).toBe(before);
  });
});

describe('work that is waited for until a signal aborts', () => {
  const never = () => new Promise<string>(() => undefined);
  const instead = () => 'instead';
  const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

  test('gives its own result, and leaves no listener', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(signal, () => Promise.resolve('done'), instead)).toBe('done');
    await expect(untilAborted(signal, () => Promise.reject(new Error('failed')), instead)).rejects.toThrow(
      'failed',
    );
    expect(listeners(signal)).toBe(0);
  });

  test('is left when the signal aborts', async () => {
    const abort = new AbortController();
    const waiting = untilAborted(abort.signal, never, instead);
    abort.abort();
    expect(await waiting).toBe('instead');
    expect(listeners(abort.signal)).toBe(0);
  });

  test('is not begun once the signal has aborted', async () => {
    let begun = 0;
    const work = () => Promise.resolve(String((begun += 1)));
    expect(await untilAborted(AbortSignal.abort(), work, instead)).toBe('instead');
    expect(begun).toBe(0);
  });
});
