import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { readStatus, type KeysStatus, type LastRotation } from '../../ops/keys/responses.ts';
import { rotate } from '../../ops/keys/rotate.ts';
import type { KeyService } from '../../ops/keys/service.ts';
import { CommandFailed } from '../../ops/errors.ts';
import { ring, statusOf } from './responses.ts';

const [before, after] = [ring('a', 'b', 'c'), ring('b', 'c', 'd')];

interface Read {
  readonly keys?: ReturnType<typeof ring>;
  /** By the token of this rotation. */
  readonly last?: (own: string) => LastRotation | null;
}

const at = (minute: number): string => `2026-01-01T00:0${String(minute)}:00.000Z`;
const own =
  (result: 'done' | 'failed', code?: string) =>
  (token: string): LastRotation => ({ token, at: at(5), result, ...(code === undefined ? {} : { code }) });
const anothers = (result: 'done' | 'failed', minute: number) => (): LastRotation => ({
  token: 'another',
  at: at(minute),
  result,
});

/** A rotation in which every read of the status finds what the test says; the last one stays. The clock is the test's own. */
async function rotateSeeing(
  reads: readonly (Read | 'throttled')[],
  started: 'started' | 'unfinished' = 'started',
) {
  const notes: string[] = [];
  let now = Date.parse(at(0));
  let done = 0;
  let token = '';
  const keys: KeyService = {
    title: '',
    functionName: 'rotate-signing-keys',
    status: (): Promise<KeysStatus> => {
      const read = reads[Math.min(done, reads.length - 1)] ?? {};
      done += 1;
      if (read === 'throttled') return Promise.reject(new CommandFailed('throttled', 'later'));
      return Promise.resolve(readStatus(statusOf(read.keys ?? before, read.last?.(token) ?? null)));
    },
    startRotation: (given) => {
      token = given;
      return Promise.resolve(started);
    },
    dryRun: () => Promise.reject(new Error('not here')),
    make: () => Promise.reject(new Error('not here')),
  };
  const outcome = await rotate(keys, {
    io: {
      interactive: false,
      stdin: Readable.from([]),
      note: (line) => notes.push(line),
      show: () => undefined,
      confirm: () => Promise.resolve(false),
      finish: () => undefined,
      fail: () => undefined,
    },
    clock: {
      now: () => now,
      sleep: (milliseconds) => {
        now += milliseconds;
        return Promise.resolve();
      },
    },
  }).then(
    ({ keys: found }) => found.map(({ kid }) => kid).join(''),
    (error: unknown) => error as CommandFailed,
  );
  return { outcome, notes, seconds: (now - Date.parse(at(0))) / 1000, token };
}

test('a rotation that ends is reported with the ring after it, with a line of progress every two seconds', async () => {
  const { outcome, notes, token } = await rotateSeeing([{}, {}, {}, { keys: after, last: own('done') }]);
  expect(outcome).toBe('bcd');
  expect(notes).toEqual(['rotating, 2 s …', 'rotating, 4 s …']);
  expect(token).toMatch(/^[0-9a-f-]{36}$/);
});

test('a result that stood there before is not taken for this one', async () => {
  const old = { last: anothers('failed', 1) };
  const { outcome, seconds } = await rotateSeeing([old, old, old, { keys: after, last: own('done') }]);
  expect([outcome, seconds]).toEqual(['bcd', 6]);
});

test('a rotation that fails says its code and that the keys are as they were', async () => {
  const { outcome } = await rotateSeeing([{}, {}, { last: own('failed', 'published_set_unseen') }]);
  expect(outcome).toMatchObject({ code: 'published_set_unseen' });
  expect(String(outcome)).toMatch(
    /failed \(published_set_unseen\), the keys are as they were; the log of rotate/,
  );
});

test('a rotation that fails after the keys have moved says so', async () => {
  const { outcome } = await rotateSeeing([{}, { keys: after, last: own('failed', 'keys_unavailable') }]);
  expect(String(outcome)).toContain('but the keys have moved');
});

test('an earlier rotation that Secrets Manager goes on with is followed to its end', async () => {
  const old = { last: anothers('failed', 1) };
  const done = await rotateSeeing([old, old, { keys: after, last: anothers('done', 2) }], 'unfinished');
  expect(done.outcome).toBe('bcd');
  expect(done.notes[0]).toMatch(/^An earlier rotation was not finished/);
  const failed = await rotateSeeing([old, old, { last: anothers('failed', 2) }], 'unfinished');
  expect(failed.outcome).toBeInstanceOf(CommandFailed);
});

test('when another rotation ends in between, the ring tells that the step was made', async () => {
  const { outcome } = await rotateSeeing([{}, {}, { keys: ring('c', 'd', 'e'), last: anothers('done', 2) }]);
  expect(outcome).toBe('cde');
});

test('the result of another rotation alone is not enough', async () => {
  const { outcome, seconds } = await rotateSeeing([
    {},
    { last: anothers('failed', 2) },
    { last: anothers('done', 3) },
    { keys: after, last: own('done') },
  ]);
  expect([outcome, seconds]).toEqual(['bcd', 6]);
});

test('a status that cannot be read at this moment is read again', async () => {
  const { outcome } = await rotateSeeing([{}, 'throttled', 'throttled', { keys: after, last: own('done') }]);
  expect(outcome).toBe('bcd');
});

test('after five minutes it says that it has not seen the end, and where to look', async () => {
  const { outcome, seconds } = await rotateSeeing([{}]);
  expect(seconds).toBe(300);
  expect(outcome).toMatchObject({ code: 'rotation_not_seen' });
  expect(String(outcome)).toContain('the log of rotate-signing-keys');
});
