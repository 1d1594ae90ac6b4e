import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Secret } from '../../lambdas/common/secret.ts';
import { createLogger, describeError, type Level, type Logger } from '../../lambdas/telemetry/log.ts';

type Fields = Record<string, unknown>;

const collect = (level: Level = 'debug'): { lines: string[]; log: Logger } => {
  const lines: string[] = [];
  return { lines, log: createLogger({ functionName: 'unit', level, write: (line) => lines.push(line) }) };
};

/** What a careless caller could do: any event with any fields. */
const write = (log: Logger, event: string, fields: Fields): void => {
  (log as unknown as (event: string, fields: Fields) => void)(event, fields);
};

const registered: Record<string, readonly string[]> = {
  request: ['route', 'method', 'status', 'code', 'durationMs'],
  unexpected_error: ['error', 'cause', 'at'],
  session_ended: ['person', 'reason', 'count'],
  settings_invalid: ['problems'],
  signing_keys_created: ['kids'],
  sign_in_failed: ['person', 'code', 'check'],
};
const standard = ['time', 'level', 'event', 'function', 'reference', 'audit'];
/** Members of the first line of a request. */
const carried = ['_aws', 'ColdStart'];
const event = fc.constantFrom(...Object.keys(registered));
const oddValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withNullPrototype: true,
  withSparseArray: true,
});
const fieldName = fc.oneof(fc.constantFrom(...Object.values(registered).flat()), fc.string());

describe('a log line', () => {
  test('is one line of plain JSON with registered fields only, whatever is logged', () => {
    fc.assert(
      fc.property(event, fc.dictionary(fieldName, oddValue), (name, fields) => {
        const { lines, log } = collect();
        write(log.withReference('7K3M-9QX2-HABW'), name, fields);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^[\x20-\x7e]*$/);
        const entry = JSON.parse(lines[0]!) as Fields;
        expect(entry).toMatchObject({ event: name, function: 'unit', reference: '7K3M-9QX2-HABW' });
        const allowed = [...standard, ...(registered[name] ?? []), ...(name === 'request' ? carried : [])];
        expect(Object.keys(entry).filter((key) => !allowed.includes(key))).toEqual([]);
        for (const key of registered[name] ?? []) {
          for (const value of [entry[key]].flat()) {
            expect(['string', 'number', 'boolean', 'undefined', 'object']).toContain(typeof value);
            if (typeof value === 'object') expect(value).toBeNull();
            if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(200);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('never forges a second line or a terminal escape, whatever text it is given [ASVS-16.4.1]', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { lines, log } = collect();
        log('sign_in_failed', { code: text, check: `${text}\n{"event":"forged"}\u001b[2J\u2028` });
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(/^[\x20-\x7e]*$/);
        expect((JSON.parse(lines[0]!) as Fields)['event']).toBe('sign_in_failed');
      }),
    );
  });

  test('shows a secret as [redacted], alone or in a list', () => {
    fc.assert(
      fc.property(event, fc.string({ minLength: 12 }), (name, value) => {
        const { lines, log } = collect();
        const fields = registered[name] ?? [];
        write(log, name, Object.fromEntries(fields.map((field) => [field, new Secret(value)])));
        write(log, name, Object.fromEntries(fields.map((field) => [field, [new Secret(value)]])));
        write(log, name, Object.fromEntries(fields.map((field) => [field, { value }])));
        const [alone, listed, inside] = lines.map((line) => JSON.parse(line) as Fields);
        for (const field of fields) {
          expect(alone?.[field]).toBe('[redacted]');
          expect(listed?.[field]).toEqual(['[redacted]']);
          expect(inside?.[field]).toBeUndefined();
        }
      }),
    );
  });

  test.each([
    ['debug', ['info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('of level %s and above is written, and no other', (level, written) => {
    const { lines, log } = collect(level);
    log('warm_up', {});
    log('token_refused', {});
    log('unexpected_error', {});
    expect(lines.map((line) => (JSON.parse(line) as Fields)['level'])).toEqual(written);
  });

  test('of the audit trail is marked, and written at every level', () => {
    const { lines, log } = collect('error');
    log('session_ended', { person: 'keyed-hash', reason: 'signed_out', count: 1 });
    log('session_over', { reason: 'idle' });
    expect(lines.map((line) => JSON.parse(line) as Fields)).toEqual([
      expect.objectContaining({ event: 'session_ended', audit: true, person: 'keyed-hash' }),
    ]);
  });

  test('carries a reference only where one is known', () => {
    const { lines, log } = collect();
    log('request');
    log.withReference('A').withReference('B')('request');
    expect(lines.map((line) => (JSON.parse(line) as Fields)['reference'])).toEqual([undefined, 'B']);
  });

  test('of a request has what was noted of that request, and of no other', () => {
    const { lines, log } = collect();
    const first = log.withReference('A');
    first.note({ upstream: 'pds', status: 1 });
    first('sign_in_failed', { code: 'x' });
    first('request', { status: 200 });
    log.withReference('B')('request', { status: 200 });
    expect(lines.map((line) => JSON.parse(line) as Fields)).toEqual([
      expect.not.objectContaining({ upstream: 'pds' }),
      expect.objectContaining({ reference: 'A', upstream: 'pds', status: 200 }),
      expect.not.objectContaining({ upstream: 'pds' }),
    ]);
  });

  test('keeps long texts and long lists short', () => {
    const { lines, log } = collect();
    log('settings_invalid', { problems: Array.from({ length: 100 }, () => 'p'.repeat(1_000)) });
    expect(lines[0]!.length).toBeLessThan(5_000);
  });
});

describe('what is said of an error', () => {
  test('is its class, its cause’s class and a place in the code', () => {
    expect(describeError(new TypeError('x', { cause: new RangeError('y') }))).toEqual({
      error: 'TypeError',
      cause: 'RangeError',
      at: expect.any(String),
    });
    expect(describeError('text')).toEqual({ error: 'string' });
    expect(describeError(undefined)).toEqual({ error: 'undefined' });
  });

  test('is nothing of its message, not even of one that looks like a stack', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.boolean(), (text, late) => {
        const message = `${text}\n    at hunter2 (hunter2:1:1)\n    at hunter2`;
        const error = new Error(late ? 'short' : message);
        if (late) error.message = message;
        expect(JSON.stringify(describeError(error))).not.toContain('hunter2');
      }),
    );
  });
});
