import { describe, expect, test } from '@jest/globals';
import { edgeCheck } from '../../lambdas/http/edge-check.ts';

const [first, second, third] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

const world = (values: readonly string[] | Error) => {
  const state = { values, now: 1_000, reads: 0 };
  const check = edgeCheck(
    () => {
      state.reads += 1;
      return state.values instanceof Error ? Promise.reject(state.values) : Promise.resolve(state.values);
    },
    () => state.now,
  );
  return { state, check };
};

describe('the check that a request came through the edge', () => {
  test('takes the current value and the previous one, and reads them once', async () => {
    const { state, check } = world([first, second]);
    await check.prepare();
    expect(await Promise.all([first, second, first].map((value) => check.passes(value)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(state.reads).toBe(1);
  });

  test.each([
    undefined,
    '',
    'x',
    third,
    `${first} `,
    `${first},${first}`,
    first.slice(1),
    first.toUpperCase(),
  ])('refuses %j', async (value) => {
    const { check } = world([first]);
    await check.prepare();
    expect(await check.passes(value)).toBe(false);
  });

  test('reads the values again for one that it does not know, once a minute at most', async () => {
    const { state, check } = world([first]);
    await check.prepare();
    state.values = [second, first];
    expect(await check.passes(second)).toBe(false);
    state.now += 60;
    expect(await check.passes(second)).toBe(true);
    for (const value of [third, third, third]) expect(await check.passes(value)).toBe(false);
    expect(state.reads).toBe(2);
    state.now += 60;
    await Promise.all([check.passes(third), check.passes(third), check.passes(third)]);
    expect(state.reads).toBe(3);
  });

  test('keeps what it knows while it cannot be read again', async () => {
    const { state, check } = world([first]);
    await check.prepare();
    state.values = new Error('away');
    state.now += 600;
    expect(await check.passes(second)).toBe(false);
    expect(await check.passes(first)).toBe(true);
  });

  test('lets nobody pass before a value was ever read', async () => {
    const { state, check } = world(new Error('away'));
    await expect(check.prepare()).rejects.toThrow('away');
    await expect(check.passes(first)).rejects.toMatchObject({ code: 'keys_unavailable', status: 503 });
    await expect(check.passes(undefined)).rejects.toMatchObject({ code: 'keys_unavailable' });
    state.values = [first];
    expect(await check.passes(first)).toBe(true);
  });

  test('takes nothing when there is no value', async () => {
    const { check } = world([]);
    await check.prepare();
    expect(await check.passes('')).toBe(false);
    expect(await check.passes(undefined)).toBe(false);
  });
});
