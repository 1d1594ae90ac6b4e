import { expect, test } from '@jest/globals';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { operatorSessions } from '../../lambdas/handlers/operator-sessions.ts';
import type { OperatorStore } from '../../lambdas/session/index.ts';
import { StoreUnavailable } from '../../lambdas/session/errors.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const now = 1_800_000_000 as EpochSeconds;
const never = (name: string) => () => Promise.reject(new Error(`${name} was called`));

const handling = (methods: Partial<OperatorStore> = {}) => {
  const lines: string[] = [];
  const log = createLogger({ functionName: 'unit', level: 'error', write: (line) => lines.push(line) });
  const sessions = {
    list: never('list'),
    endOfUser: never('endOfUser'),
    endOfEverybody: never('endOfEverybody'),
    ...methods,
  };
  const handle = operatorSessions({ sessions, issuer: 'https://issuer.example', clock: () => now, log });
  return { handle, lines };
};

test.each([
  ['nothing', undefined],
  ['a list', []],
  ['no operation', { uid: '1' }],
  ['an unknown operation', { operation: 'delete', uid: '1' }],
  ['nobody', { operation: 'end' }],
  ['an empty uid', { operation: 'end', uid: '' }],
  ['a uid that is none', { operation: 'list', uid: 900 }],
  ['a uid with a space', { operation: 'list', uid: '9 0' }],
  ['a user beside everybody', { operation: 'end-all', uid: '1' }],
  ['a misspelt member', { operation: 'end', uid: '1', dryrun: true }],
  ['a cursor without its time', { operation: 'end-all', cursor: 'session#a core' }],
  ['a time without its cursor', { operation: 'end-all', begunBy: now }],
  ['a time that is none', { operation: 'end-all', begunBy: 'now', cursor: 'session#a core' }],
  ['a cursor that is none', { operation: 'end-all', begunBy: now, cursor: 'session#a' }],
])('an event with %s is refused, and ends nothing', async (_, event) => {
  const { handle, lines } = handling();
  expect(await handle(event)).toMatchObject({ ok: false, code: 'invalid_request' });
  expect(lines).toEqual([]);
});

test('a user is the issuer and the uid together; the log has the keyed hash alone', async () => {
  const asked: unknown[] = [];
  const { handle, lines } = handling({
    endOfUser: (user) => {
      asked.push(user);
      return Promise.resolve({ person: 'keyed-hash', ended: 2 });
    },
  });
  expect(await handle({ operation: 'end', uid: '900000000001' })).toEqual({
    ...{ ok: true, person: 'keyed-hash', ended: 2 },
  });
  expect(asked).toEqual([['https://issuer.example', '900000000001']]);
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({
      ...{
        event: 'sessions_ended_by_operator',
        audit: true,
        person: 'keyed-hash',
        reason: 'revoked',
        count: 2,
      },
    }),
  ]);
  expect(lines.join('')).not.toContain('900000000001');
});

test('everybody is those whose sessions began by the first turn, however many turns there are', async () => {
  const asked: unknown[] = [];
  const { handle } = handling({
    endOfEverybody: (begunBy, cursor) => {
      asked.push([begunBy, cursor]);
      return Promise.resolve({ ended: 1, cursor: cursor === undefined ? 'session#a core' : undefined });
    },
  });
  const first = await handle({ operation: 'end-all' });
  expect(first).toEqual({ ok: true, ended: 1, begunBy: now, cursor: 'session#a core' });
  const earlier = now - 60;
  expect(await handle({ operation: 'end-all', begunBy: earlier, cursor: 'session#a core' })).toEqual({
    ...{ ok: true, ended: 1, begunBy: earlier },
  });
  expect(asked).toEqual([
    [now, undefined],
    [earlier, 'session#a core'],
  ]);
});

test('a store that is away is said so; what nobody foresaw says nothing of itself', async () => {
  const away = handling({ list: () => Promise.reject(new StoreUnavailable('secret-cause')) });
  expect(await away.handle({ operation: 'list', uid: '1' })).toMatchObject({
    ...{ ok: false, code: 'store_unavailable' },
  });
  const broken = handling({ list: () => Promise.reject(new Error('secret-message')) });
  await expect(broken.handle({ operation: 'list', uid: '1' })).rejects.toThrow(
    'see the log of this function',
  );
  expect(away.lines.join('') + broken.lines.join('')).not.toContain('secret-');
});
