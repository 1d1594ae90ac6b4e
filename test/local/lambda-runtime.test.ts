import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { LambdaFunction, maxPayloadBytes } from '../../local/aws/lambda-runtime.ts';
import type { FunctionSpec, Invocation } from '../../local/aws/lambda-runtime.ts';
import { collectedLog, until } from './helpers.ts';

let directory: string;
const made: LambdaFunction[] = [];
const log = collectedLog();

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'lambda-runtime-'));
});
afterEach(async () => {
  await Promise.all(made.splice(0).map((lambda) => lambda.close()));
  log.lines.length = 0;
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** A function of the given source; `source` is a module that exports `handler`. */
const lambda = (name: string, source: string, spec: Partial<FunctionSpec> = {}): LambdaFunction => {
  writeFileSync(path.join(directory, `${name}.mjs`), source);
  const result = new LambdaFunction(
    {
      name,
      directory,
      handler: `${name}.handler`,
      timeoutSeconds: 5,
      memoryMegabytes: 128,
      region: 'eu-west-2',
      environment: { FROM_TEMPLATE: 'yes' },
      concurrency: 4,
      ...spec,
    },
    log,
  );
  made.push(result);
  return result;
};

const payload = (invocation: Invocation): unknown => {
  if (!invocation.ok) throw new Error(`${invocation.errorType}: ${invocation.errorMessage}`);
  return JSON.parse(invocation.payload) as unknown;
};

describe('the Lambda runtime', () => {
  test('a handler gets the event and a context', async () => {
    const response = payload(
      await lambda(
        'echo',
        `export const handler = async (event, context) => ({
          event, id: context.awsRequestId, name: context.functionName, left: context.getRemainingTimeInMillis() });`,
      ).invoke({ hello: ['world'] }),
    ) as Record<string, unknown>;
    expect(response['event']).toEqual({ hello: ['world'] });
    expect(response['id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(response['name']).toBe('echo');
    expect(response['left']).toBeGreaterThan(4_000);
    expect(response['left']).toBeLessThanOrEqual(5_000);
  });

  test("a function sees its own environment and nothing of this process's", async () => {
    process.env['SECRET_OF_THE_PERSON'] = 'x';
    const environment = payload(
      await lambda('environment', 'export const handler = async () => process.env;').invoke({}),
    ) as Record<string, string>;
    delete process.env['SECRET_OF_THE_PERSON'];
    expect(environment).toMatchObject({
      FROM_TEMPLATE: 'yes',
      AWS_REGION: 'eu-west-2',
      AWS_LAMBDA_FUNCTION_NAME: 'environment',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    });
    expect(Object.keys(environment).filter((name) => !/^(?:AWS_|FROM_TEMPLATE$)/.test(name))).toEqual([]);
  });

  test('one instance serves one event after another and keeps what it loaded', async () => {
    const counting = lambda('counting', 'let count = 0; export const handler = async () => ++count;');
    expect(
      [await counting.invoke({}), await counting.invoke({}), await counting.invoke({})].map(payload),
    ).toEqual([1, 2, 3]);
  });

  test('an instance has one event at a time; more events get instances of their own, up to the limit, then wait', async () => {
    const busy = lambda(
      'busy',
      `const id = Math.random(); let inside = 0;
       export const handler = async () => {
         inside += 1; const most = inside;
         await new Promise((go) => setTimeout(go, 150));
         inside -= 1; return { id, most };
       };`,
      { concurrency: 2 },
    );
    const results = (await Promise.all(Array.from({ length: 5 }, () => busy.invoke({})))).map(payload) as {
      id: number;
      most: number;
    }[];
    expect(results.map(({ most }) => most)).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(2);
  });

  test('the instance used last is used first', async () => {
    const pool = lambda(
      'pool',
      'const id = Math.random(); export const handler = async (ms) => { await new Promise((go) => setTimeout(go, ms)); return id; };',
    );
    const [first, last] = (await Promise.all([pool.invoke(50), pool.invoke(400)])).map(payload);
    expect(first).not.toBe(last);
    expect(payload(await pool.invoke(0))).toBe(last);
    expect(payload(await pool.invoke(0))).toBe(last);
  });

  test('a handler that throws fails its own event, and the instance stays', async () => {
    const throwing = lambda(
      'throwing',
      `let count = 0; class OddError extends Error { name = 'OddError'; }
       export const handler = async (event) => { count += 1; if (event.fail) throw new OddError('token=hidden'); return count; };`,
    );
    expect(await throwing.invoke({ fail: true })).toEqual({
      ok: false,
      errorType: 'OddError',
      errorMessage: 'token=hidden',
    });
    expect(payload(await throwing.invoke({}))).toBe(2);
    expect(log.lines.join('\n')).toContain('"error":"OddError"');
    expect(log.lines.join('\n')).not.toContain('hidden');
  });

  test.each([
    ['spins', 'for (;;);'],
    ['sleeps', 'await new Promise((go) => setTimeout(go, 60_000));'],
  ])(
    'a function that %s beyond its time-out is ended, and the next event gets a new instance',
    async (name, body) => {
      const slow = lambda(
        name,
        `let count = 0; export const handler = async (event) => { count += 1; if (event.slow) { ${body} } return count; };`,
        { timeoutSeconds: 1 },
      );
      expect(payload(await slow.invoke({}))).toBe(1);
      const startedAt = Date.now();
      expect(await slow.invoke({ slow: true })).toMatchObject({ ok: false, errorType: 'Sandbox.Timedout' });
      expect(Date.now() - startedAt).toBeLessThan(8_000);
      expect(payload(await slow.invoke({}))).toBe(1);
    },
  );

  test.each([
    ['exits', 'process.exit(3);'],
    [
      'throws outside its handler',
      "setTimeout(() => { throw new Error('late'); }); await new Promise(() => {});",
    ],
    ['leaves a rejection unhandled', "Promise.reject(new Error('late')); await new Promise(() => {});"],
  ])('a function that %s fails its event, and the next one gets a new instance', async (what, body) => {
    const broken = lambda(
      `broken-${what.replaceAll(' ', '-')}`,
      `let count = 0; export const handler = async (event) => { count += 1; if (event.fail) { ${body} } return count; };`,
    );
    expect(payload(await broken.invoke({}))).toBe(1);
    expect((await broken.invoke({ fail: true })).ok).toBe(false);
    expect(payload(await broken.invoke({}))).toBe(1);
  });

  test('a result over 6 MB is refused, one just below is not', async () => {
    const long = lambda('long', "export const handler = async (length) => 'x'.repeat(length);");
    expect((await long.invoke(maxPayloadBytes - 2)).ok).toBe(true);
    expect(await long.invoke(maxPayloadBytes - 1)).toMatchObject({
      ok: false,
      errorType: 'Function.ResponseSizeTooLarge',
    });
  });

  test('a function that does not load fails its events with the reason', async () => {
    const bad = lambda('bad', "throw new Error('settings: BASE_URL is missing');");
    expect(await bad.warm()).toBe('Error: settings: BASE_URL is missing');
    expect((await bad.invoke({})).ok).toBe(false);
    const missing = lambda('no-handler', 'export const other = 1;');
    expect(await missing.warm()).toBe('Error: no-handler.handler is not a function');
  });

  test('a function that has been closed takes no event and starts no thread', async () => {
    const closed = lambda('closed', 'export const handler = async () => 1;');
    expect(payload(await closed.invoke({}))).toBe(1);
    await closed.close();
    expect(await closed.invoke({})).toMatchObject({ ok: false, errorType: 'Runtime.ExitError' });
  });

  test('a warm instance serves the first event', async () => {
    const warmed = lambda(
      'warmed',
      'const loadedAt = Date.now(); export const handler = async (event) => event.sentAt - loadedAt;',
    );
    expect(await warmed.warm()).toBeUndefined();
    await new Promise((go) => setTimeout(go, 50));
    expect(payload(await warmed.invoke({ sentAt: Date.now() }))).toBeGreaterThanOrEqual(50);
  });

  test('what a function prints is a line of the log each', async () => {
    const printing = lambda(
      'printing',
      `export const handler = async () => {
         process.stdout.write('{"one":1}\\n{"two"'); process.stdout.write(':2}\\n'); process.stderr.write('three\\n');
       };`,
    );
    await printing.invoke({});
    await until(() => log.lines.length >= 3);
    expect([...log.lines].sort()).toEqual(['three', '{"one":1}', '{"two":2}']);
  });
});
