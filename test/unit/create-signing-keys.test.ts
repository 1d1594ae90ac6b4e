import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createSigningKeys,
  type CreateSigningKeysDependencies,
} from '../../lambdas/handlers/create-signing-keys.ts';
import { loadRing, storeRing, type Ring } from '../../lambdas/keys/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';
import { startSecrets } from '../support/secrets.ts';

let secrets: Awaited<ReturnType<typeof startSecrets>>;
let published: string[][];
let answers: CloudFormationCustomResourceResponse[];
let lines: string[];
let stored: number;

beforeEach(async () => {
  secrets = await startSecrets();
  [published, answers, lines, stored] = [[], [], [], 0];
});
afterEach(() => {
  secrets.close();
});

const kidsOf = (ring: Ring | undefined): string[] => (ring ?? []).map(({ kid }) => kid);
const ringNow = () => loadRing(secrets.client, 'ring');

const runner = (changes: Partial<CreateSigningKeysDependencies> = {}) =>
  createSigningKeys({
    loadRing: ringNow,
    storeRing: async (ring, token) => {
      await storeRing(secrets.client, 'ring', ring, token);
      stored += 1;
    },
    publish: (ring) => {
      published.push(kidsOf(ring));
      return Promise.resolve();
    },
    respond: (_, answer) => {
      answers.push(answer);
      return Promise.resolve();
    },
    bits: 2048,
    clock: () => 1_800_000_000 as EpochSeconds,
    log: createLogger({ functionName: 'unit', level: 'debug', write: (line) => lines.push(line) }),
    ...changes,
  });

const event = (RequestType: 'Create' | 'Update' | 'Delete', RequestId: string = randomUUID()) =>
  ({
    RequestType,
    RequestId,
    StackId: 'arn:aws:cloudformation:eu-west-2:000000000000:stack/unit/1',
    LogicalResourceId: 'SigningKeys',
    ResponseURL: 'https://cloudformation.example/answer',
  }) as CloudFormationCustomResourceEvent;

describe('the deployment’s custom resource', () => {
  test('makes a current and a next key where there are none, stores them and publishes both', async () => {
    await runner()(event('Create', 'a'.repeat(36)));
    const ring = await ringNow();
    expect(ring?.map(({ place }) => place)).toEqual(['current', 'next']);
    expect(new Set(kidsOf(ring)).size).toBe(2);
    expect(published.at(-1)).toEqual(kidsOf(ring));
    expect(answers).toEqual([
      {
        Status: 'SUCCESS',
        StackId: 'arn:aws:cloudformation:eu-west-2:000000000000:stack/unit/1',
        RequestId: 'a'.repeat(36),
        LogicalResourceId: 'SigningKeys',
        PhysicalResourceId: 'signing-keys',
      },
    ]);
  });

  test.each(['Create', 'Update'] as const)('leaves the keys that exist as they are on %s', async (type) => {
    await runner()(event('Create'));
    const before = kidsOf(await ringNow());
    await runner()(event(type));
    expect(kidsOf(await ringNow())).toEqual(before);
    expect(stored).toBe(1);
    expect(published.at(-1)).toEqual(before);
    expect(answers.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS']);
  });

  test('run twice for the same request keeps the first keys', async () => {
    const create = event('Create');
    await runner()(create);
    const before = kidsOf(await ringNow());
    await runner()(create);
    expect(kidsOf(await ringNow())).toEqual(before);
  });

  test('publishes what a run before it stored and could not publish', async () => {
    const failing = runner({ publish: () => Promise.reject(new Error('away')) });
    await failing(event('Create'));
    expect(answers.at(-1)?.Status).toBe('FAILED');
    const before = kidsOf(await ringNow());
    expect(before).toHaveLength(2);
    await runner()(event('Create'));
    expect(kidsOf(await ringNow())).toEqual(before);
    expect(published).toEqual([before]);
    expect(answers.at(-1)?.Status).toBe('SUCCESS');
  });

  test('goes on when its own write was done and the answer to it was lost', async () => {
    await runner({
      storeRing: async (ring, token) => {
        await storeRing(secrets.client, 'ring', ring, token);
        throw new Error('reset');
      },
    })(event('Create'));
    expect(answers.at(-1)?.Status).toBe('SUCCESS');
    expect(published.at(-1)).toEqual(kidsOf(await ringNow()));
  });

  /** Lets both runs find no keys, and the second publish before the first does. */
  const atTheSameTime = async (first: string, second: string) => {
    let bothLooked = () => {};
    let secondIsDone = () => {};
    const looked = new Promise<void>((resolve) => (bothLooked = resolve));
    const done = new Promise<void>((resolve) => (secondIsDone = resolve));
    let looks = 0;
    const look = async () => {
      const ring = await ringNow();
      looks += 1;
      if (looks === 2) bothLooked();
      if (looks <= 2) await looked;
      return ring;
    };
    let held = false;
    const slow = runner({
      loadRing: look,
      publish: async (ring) => {
        if (!held) await done;
        held = true;
        published.push(kidsOf(ring));
      },
    });
    const quick = runner({ loadRing: look });
    await Promise.all([slow(event('Create', first)), quick(event('Create', second)).then(secondIsDone)]);
  };

  test('run by two requests at the same time publishes what is stored', async () => {
    await atTheSameTime(randomUUID(), randomUUID());
    expect(answers.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(published.at(-1)).toEqual(kidsOf(await ringNow()));
    expect(kidsOf(await ringNow())).toHaveLength(2);
  });

  test('run twice at the same time for one request succeeds twice and publishes what is stored', async () => {
    const request = randomUUID();
    await atTheSameTime(request, request);
    expect(answers.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(stored).toBe(1);
    expect(published.at(-1)).toEqual(kidsOf(await ringNow()));
  });

  test('touches nothing when it is deleted', async () => {
    await runner()(event('Create'));
    const before = kidsOf(await ringNow());
    let touched = 0;
    const touch = () => {
      touched += 1;
      return Promise.reject(new Error('touched'));
    };
    await runner({ loadRing: touch, storeRing: touch, publish: touch })(event('Delete'));
    expect(touched).toBe(0);
    expect(answers.at(-1)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'signing-keys' });
    expect(kidsOf(await ringNow())).toEqual(before);
  });

  test.each([
    ['read', { loadRing: () => Promise.reject(new Error('hunter2')) }],
    ['stored', { storeRing: () => Promise.reject(new Error('hunter2')) }],
    ['published', { publish: () => Promise.reject(new Error('hunter2')) }],
  ] as [string, Partial<CreateSigningKeysDependencies>][])(
    'says that it failed, and no more, when the keys could not be %s',
    async (_, changes) => {
      await runner(changes)(event('Create'));
      expect(answers).toHaveLength(1);
      expect(answers[0]).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'signing-keys' });
      expect(JSON.stringify(answers)).not.toContain('hunter2');
      expect(lines.join('\n')).not.toContain('hunter2');
      expect(lines.some((line) => line.includes('"unexpected_error"'))).toBe(true);
    },
  );

  test('never replaces a secret that is there and is no ring', async () => {
    await storeRing(secrets.client, 'ring', [], randomUUID());
    await runner()(event('Create'));
    expect(answers[0]?.Status).toBe('FAILED');
    expect(stored).toBe(0);
    expect(published).toEqual([]);
  });

  test('logs the names of the keys and nothing of their private halves', async () => {
    await runner()(event('Create'));
    const ring = await ringNow();
    const log = lines.join('\n');
    for (const { kid, privateJwk } of ring ?? []) {
      expect(log).toContain(kid);
      expect(log).not.toContain(privateJwk?.expose().d);
    }
  });
});
