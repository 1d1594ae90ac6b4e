import { describe, expect, test } from '@jest/globals';
import { getActiveResourcesInfo } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { withDeadline } from '../../lambdas/common/index.ts';

const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
const timers = (): number => getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('work with a deadline', () => {
  test('is aborted when its time is over', async () => {
    await expect(withDeadline(5, untilAborted)).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  test.each([0, -1])('has no time to wait with %p milliseconds', async (milliseconds) => {
    await expect(withDeadline(milliseconds, untilAborted)).rejects.toMatchObject({ name: 'TimeoutError' });
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
