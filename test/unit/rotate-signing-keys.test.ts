/** The function that writes signing keys, by each of those who call it; the secret is the local endpoint's. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import {
  rotateSigningKeys,
  type ManagedRing,
  type Refusal,
} from '../../lambdas/handlers/rotate-signing-keys.ts';
import { responseAddresses } from '../../lambdas/handlers/signing-key-events.ts';
import {
  createKeySecret,
  KeysUnavailable,
  loadRing,
  readStatus,
  createSignerOf,
  type Change,
} from '../../lambdas/keys/index.ts';
import { keyOfJwk } from '../../lambdas/keys/private-key.ts';
import { createLogger, createMetrics } from '../../lambdas/telemetry/index.ts';
import { poolKey } from '../support/key-pool.ts';
import { startSecrets } from '../support/secrets.ts';
import { MemoryPublished } from './key-world.ts';

let secrets: Awaited<ReturnType<typeof startSecrets>>;
let published: MemoryPublished;
let responses: CloudFormationCustomResourceResponse[];
let lines: string[];
let now: number;
let keysMade: number;

beforeEach(async () => {
  secrets = await startSecrets();
  published = new MemoryPublished();
  [responses, lines, now, keysMade] = [[], [], 1_800_000_000, 0];
});
afterEach(() => {
  secrets.close();
});

const clock = () => now as EpochSeconds;

const ringPorts = (changes: Partial<ManagedRing> = {}): ManagedRing => ({
  purpose: 'cis2',
  trustedBy: ['cis2', 'api-platform'],
  secretId: secrets.arn,
  ringName: 'unit/cis2',
  keySecret: createKeySecret(secrets.client, 'ring'),
  published,
  keyMaker: {
    storage: 'secret',
    make: () => {
      keysMade += 1;
      return keyOfJwk(poolKey(keysMade).privateJwk, clock);
    },
    destroy: () => Promise.reject(new Error('nothing lies in KMS')),
  },
  signerOf: createSignerOf({ kmsOptions: {}, clock }),
  fetchJwks: () => Promise.resolve({ keys: published.record?.keys }),
  leadSeconds: 3_600,
  clock,
  newVersionId: () => randomUUID(),
  wait: () => Promise.resolve(),
  ...changes,
});

const runner = (changes: Partial<ManagedRing> = {}) => {
  const write = (line: string) => void lines.push(line);
  return rotateSigningKeys({
    rings: [ringPorts(changes)],
    isResponseAddress: responseAddresses('aws', 'eu-west-2'),
    respond: (_, response) => {
      responses.push(response);
      return Promise.resolve();
    },
    clock,
    log: createLogger({ functionName: 'unit', level: 'debug', write }),
    metrics: createMetrics({ functionName: 'unit', namespace: 'cis2-bff/unit', write }),
  });
};

const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
const ringNow = async () => (await loadRing(secrets.client, 'ring'))?.keys ?? [];
const kidsNow = async () => (await ringNow()).map(({ kid }) => kid);
const publishedKids = () => published.record?.keys.map(({ kid }) => kid);

const event = (RequestType: 'Create' | 'Update' | 'Delete', RequestId: string = randomUUID()) =>
  ({
    RequestType,
    RequestId,
    StackId: 'arn:aws:cloudformation:eu-west-2:000000000000:stack/unit/1',
    LogicalResourceId: 'SigningKeys',
    ResponseURL:
      'https://cloudformation-custom-resource-response-euwest2.s3.eu-west-2.amazonaws.com/response',
  }) as CloudFormationCustomResourceEvent;

const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
async function rotate(run = runner(), token: string = randomUUID()): Promise<string> {
  for (const Step of steps) await run({ Step, SecretId: secrets.arn, ClientRequestToken: token });
  return token;
}

const statusNow = () => readStatus({ ...ringPorts(), storage: 'secret' });
const done = (response: Change | Refusal | undefined): Change => {
  expect(response).toMatchObject({ ok: true });
  return response as Change;
};

describe('the deployment’s custom resource', () => {
  test('makes a current and a next key where there are none, stores them and publishes both', async () => {
    await runner()(event('Create', 'a'.repeat(36)));
    expect((await ringNow()).map(({ place }) => place)).toEqual(['current', 'next']);
    expect(publishedKids()).toEqual(await kidsNow());
    expect(responses).toEqual([
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
    const before = await kidsNow();
    const createdAgain = event(type);
    await runner()(createdAgain);
    await runner()(createdAgain);
    expect(await kidsNow()).toEqual(before);
    expect(publishedKids()).toEqual(before);
    expect(responses.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
  });

  test('publishes what a run before it stored and could not publish', async () => {
    const { replace } = published;
    published.replace = () => Promise.reject(new Error('away'));
    await runner()(event('Create'));
    expect(responses.at(-1)?.Status).toBe('FAILED');
    const before = await kidsNow();
    expect(before).toHaveLength(2);
    published.replace = replace;
    await runner()(event('Create'));
    expect(await kidsNow()).toEqual(before);
    expect(publishedKids()).toEqual(before);
    expect(responses.at(-1)?.Status).toBe('SUCCESS');
  });

  test('goes on when its own write was done and the response to it was lost', async () => {
    const keySecret = createKeySecret(secrets.client, 'ring');
    const put: typeof keySecret.put = async (...asked) => {
      await keySecret.put(...asked);
      throw new Error('reset');
    };
    await runner({ keySecret: { ...keySecret, put } })(event('Create'));
    expect(responses.at(-1)?.Status).toBe('SUCCESS');
    expect(publishedKids()).toEqual(await kidsNow());
  });

  test.each(['by two requests', 'twice for one request'])(
    'run %s at the same time publishes what is stored',
    async (how) => {
      const first = event('Create');
      const second = how === 'by two requests' ? event('Create') : first;
      await Promise.all([runner()(first), runner()(second)]);
      expect(responses.map(({ Status }) => Status)).toEqual(['SUCCESS', 'SUCCESS']);
      expect(publishedKids()).toEqual(await kidsNow());
      expect(await kidsNow()).toHaveLength(2);
    },
  );

  const bucket = 'cloudformation-custom-resource-response-euwest2';
  test.each([
    `https://${bucket}.s3.eu-west-2.amazonaws.com/response?X-Amz-Signature=1`,
    `https://${bucket}.s3-eu-west-2.amazonaws.com/response`,
    `https://${bucket}.s3.amazonaws.com:443/response`,
  ])('gets its response at %s', async (ResponseURL) => {
    await runner()({ ...event('Create'), ResponseURL });
    expect(responses.map(({ Status }) => Status)).toEqual(['SUCCESS']);
  });

  test.each([
    `http://${bucket}.s3.eu-west-2.amazonaws.com/response`,
    `https://${bucket}.s3.eu-west-2.amazonaws.com:8443/response`,
    `https://user:hunter2@${bucket}.s3.eu-west-2.amazonaws.com/response`,
    `https://${bucket}.s3.eu-west-2.amazonaws.com./response`,
    `https://${bucket}.s3.eu-west-2.amazonaws.com.example.org/response`,
    `https://${bucket}.s3.eu-west-2.amazonaws.com@example.org/response`,
    `https://${bucket}.s3.eu-west-1.amazonaws.com/response`,
    `https://${bucket}x.s3.eu-west-2.amazonaws.com/response`,
    `https://x${bucket}.s3.eu-west-2.amazonaws.com/response`,
    'https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/response',
    `https://s3.eu-west-2.amazonaws.com/${bucket}/response`,
    `https://example.org/${bucket}.s3.eu-west-2.amazonaws.com`,
    `file://${bucket}.s3.eu-west-2.amazonaws.com/response`,
    'http://127.0.0.1:9000/response',
    'http://169.254.169.254/latest',
    `${bucket}.s3.eu-west-2.amazonaws.com/response`,
    '',
    null,
    7,
    ['https://example.org'],
    undefined,
  ])('is refused with the address %j: nothing is sent, and no key is made', async (ResponseURL) => {
    for (const type of ['Create', 'Update', 'Delete'] as const) {
      await expect(runner()({ ...event(type), ResponseURL })).rejects.toMatchObject({ name: 'EventRefused' });
    }
    expect(responses).toEqual([]);
    expect(await kidsNow()).toEqual([]);
    expect(lines.join()).not.toContain('hunter2');
  });

  test('gets its response in a local run only where that run says, and nowhere without a region', () => {
    const isLocal = responseAddresses('http://127.0.0.1:4000', 'eu-west-2');
    expect(isLocal('http://127.0.0.1:4000/response')).toBe(true);
    for (const address of [
      'http://127.0.0.1:4001/response',
      'http://localhost:4000/response',
      event('Create').ResponseURL,
    ]) {
      expect(isLocal(address)).toBe(false);
    }
    expect(responseAddresses('aws', '')(event('Create').ResponseURL)).toBe(false);
  });

  test.each<[string, Record<string, unknown>]>([
    ['of a type that there is not', { RequestType: 'create' }],
    ['of a type in a list', { RequestType: ['Create'] }],
    ['without an id', { RequestId: undefined }],
    ['with an id that is a number', { RequestId: 7 }],
    ['with an operation', { operation: 'promote' }],
    ['with a step', { Step: 'finishSecret' }],
    ['with its address spelled twice', { ResponseUrl: 'https://example.org' }],
    ['with properties that are text', { ResourceProperties: 'hunter2' }],
    ['with properties that are null', { ResourceProperties: null }],
  ])('%s is refused', async (_, more) => {
    await expect(runner()({ ...event('Create'), ...more })).rejects.toMatchObject({ name: 'EventRefused' });
    expect(responses).toEqual([]);
    expect(await kidsNow()).toEqual([]);
  });

  test('is taken with everything that CloudFormation sends, and may send one day', async () => {
    const more = {
      ServiceToken: 'arn',
      ResourceType: 'Custom::SigningKeys',
      ResourceProperties: {},
      Trace: 'x',
    };
    await runner()({
      ...event('Update'),
      PhysicalResourceId: 'signing-keys',
      OldResourceProperties: {},
      ...more,
    });
    expect(responses.map(({ Status }) => Status)).toEqual(['SUCCESS']);
  });

  test('touches nothing when it is deleted', async () => {
    await runner()(event('Create'));
    const before = await kidsNow();
    const touch = () => Promise.reject(new Error('touched'));
    await runner({ keySecret: { ...ringPorts().keySecret, current: touch, describe: touch } })(
      event('Delete'),
    );
    expect(responses.at(-1)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'signing-keys' });
    expect(await kidsNow()).toEqual(before);
  });

  test.each<[string, () => Partial<ManagedRing>]>([
    [
      'read',
      () => ({
        keySecret: { ...ringPorts().keySecret, current: () => Promise.reject(new Error('hunter2')) },
      }),
    ],
    [
      'stored',
      () => ({ keySecret: { ...ringPorts().keySecret, put: () => Promise.reject(new Error('hunter2')) } }),
    ],
    [
      'published',
      () => {
        published.replace = () => Promise.reject(new Error('hunter2'));
        return {};
      },
    ],
  ])('says that it failed, and no more, when the keys could not be %s', async (_, changes) => {
    await runner(changes())(event('Create'));
    expect(responses).toHaveLength(1);
    expect(responses[0]).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'signing-keys' });
    expect(JSON.stringify(responses)).not.toContain('hunter2');
    expect(lines.join('\n')).not.toContain('hunter2');
    expect(logged()).toContainEqual(expect.objectContaining({ event: 'unexpected_error' }));
  });

  describe('run by a role whose rights take a while to hold', () => {
    const denied = () => Object.assign(new Error('hunter2'), { name: 'AccessDeniedException' });
    const refusing = (times: number) => {
      const { keySecret } = ringPorts();
      const waits: number[] = [];
      let left = times;
      const current: typeof keySecret.current = async () => {
        left -= 1;
        if (left >= 0) throw new KeysUnavailable('the secret could not be read', { cause: denied() });
        return keySecret.current();
      };
      const wait = (seconds: number) => {
        waits.push(seconds);
        return Promise.resolve();
      };
      return { waits, changes: { keySecret: { ...keySecret, current }, wait } };
    };

    test('tries for half a minute, and then goes on', async () => {
      const { waits, changes } = refusing(6);
      await runner(changes)(event('Create'));
      expect(responses.map(({ Status }) => Status)).toEqual(['SUCCESS']);
      expect(waits).toEqual([5, 5, 5, 5, 5, 5]);
      expect(await kidsNow()).toHaveLength(2);
    });

    test('fails when they hold no later, and logs what was unavailable', async () => {
      await runner(refusing(100).changes)(event('Create'));
      expect(responses.map(({ Status }) => Status)).toEqual(['FAILED']);
      expect(logged()).toContainEqual(
        expect.objectContaining({ event: 'dependency_failed', code: 'keys_unavailable' }),
      );
    });
  });

  test('never replaces a secret that is there and is no ring', async () => {
    const SecretString = '{"format":1,"keys":[]}';
    await secrets.client.send(new PutSecretValueCommand({ SecretId: 'ring', SecretString }));
    await runner()(event('Create'));
    expect(responses[0]?.Status).toBe('FAILED');
    const found = await secrets.client.send(new GetSecretValueCommand({ SecretId: 'ring' }));
    expect(found.SecretString).toBe(SecretString);
    expect(published.record).toBeUndefined();
  });

  test('logs the names of the keys and nothing of their private halves', async () => {
    await runner()(event('Create'));
    const log = lines.join('\n');
    for (const { kid, privateHalf } of await ringNow()) {
      expect(log).toContain(kid);
      if (privateHalf?.storage !== 'secret') throw new Error('no private half');
      expect(log).not.toContain(privateHalf.jwk.expose().d);
    }
  });
});

describe('a rotation by Secrets Manager', () => {
  beforeEach(() => runner()(event('Create')));

  test('moves the ring, and is measured, logged and remembered as done', async () => {
    const [, next] = await kidsNow();
    const token = await rotate();
    expect((await kidsNow())[1]).toBe(next);
    expect(logged()).toContainEqual(
      expect.objectContaining({ event: 'signing_keys_rotated', purpose: 'cis2', kids: await kidsNow() }),
    );
    expect(logged()).toContainEqual(expect.objectContaining({ Ring: 'unit/cis2', RotationSucceeded: 1 }));
    const status = await statusNow();
    expect(status.lastRotation).toEqual({ token, at: '2027-01-15T08:00:00.000Z', result: 'done' });
    expect(status.publishedEqualsRing).toBe(true);
  });

  test('that must not be yet throws why, and is measured, logged and remembered as failed', async () => {
    await rotate();
    const before = await kidsNow();
    lines.length = 0;
    now += 60;
    await expect(rotate(runner(), 'b'.repeat(36))).rejects.toMatchObject({
      name: 'ChangeRefused',
      message: expect.stringContaining('2027-01-15 09:00:00 UTC'),
    });
    expect(await kidsNow()).toEqual(before);
    expect(logged()).toContainEqual(
      expect.objectContaining({
        event: 'rotation_step_failed',
        step: 'createSecret',
        code: 'lead_time_not_met',
      }),
    );
    expect(logged()).toContainEqual(expect.objectContaining({ Ring: 'unit/cis2', RotationSucceeded: 0 }));
    expect((await statusNow()).lastRotation).toMatchObject({
      token: 'b'.repeat(36),
      result: 'failed',
      code: 'lead_time_not_met',
    });
  });

  test('tells nobody what an error that was not expected says', async () => {
    const fetchJwks = () => Promise.reject(new Error('hunter2'));
    const error: unknown = await rotate(runner({ fetchJwks })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(`${String(error)} ${(error as Error).stack ?? ''} ${lines.join()}`).not.toContain('hunter2');
    expect((error as Error).cause).toBeUndefined();
  });

  test.each([
    [
      'of a secret that is not ours',
      { Step: 'finishSecret', SecretId: 'arn:other', ClientRequestToken: 'x' },
    ],
    ['with a step that there is not', { Step: 'toString', SecretId: 'ring', ClientRequestToken: 'x' }],
    ['without a token', { Step: 'createSecret', SecretId: 'ring' }],
    ['with a list for a token', { Step: 'createSecret', SecretId: 'ring', ClientRequestToken: ['x'] }],
    ['with an empty token', { Step: 'createSecret', SecretId: 'ring', ClientRequestToken: '' }],
    [
      'with an operation',
      { Step: 'createSecret', SecretId: 'ring', ClientRequestToken: 'x', operation: 'promote' },
    ],
    [
      'with a step spelled twice',
      { Step: 'createSecret', step: 'x', SecretId: 'ring', ClientRequestToken: 'x' },
    ],
    [
      'with an address',
      { Step: 'createSecret', SecretId: 'ring', ClientRequestToken: 'x', ResponseURL: 'x' },
    ],
  ])('%s is refused', async (_, wrong) => {
    const before = await kidsNow();
    const event = wrong.SecretId === 'ring' ? { ...wrong, SecretId: secrets.arn } : wrong;
    await expect(runner()(event)).rejects.toMatchObject({ name: 'EventRefused' });
    expect(await kidsNow()).toEqual(before);
  });
});

describe('the hourly check', () => {
  beforeEach(() => runner()(event('Create')));

  test('measures the age of the key and what is published', async () => {
    lines.length = 0;
    now += 90;
    await runner()({ operation: 'check' });
    expect(logged()).toEqual([
      expect.objectContaining({ Ring: 'unit/cis2', SigningKeyAgeSeconds: 90, PublishedSetEqualsRing: 1 }),
    ]);
    expect(logged()[0]).not.toHaveProperty('SecondsToNextRotation');
  });

  test('puts right what is published, and says so [S-06]', async () => {
    const right = publishedKids();
    published.record = { keys: [], since: {}, firstAt: null, rings: {} };
    await runner()({ operation: 'check' });
    expect(publishedKids()).toEqual(right);
    expect(logged()).toContainEqual(
      expect.objectContaining({ event: 'published_set_differed', level: 'error' }),
    );
    expect(logged()).toContainEqual(expect.objectContaining({ PublishedSetEqualsRing: 0 }));
  });

  test('fails, so that somebody hears of it, when the keys cannot be read', async () => {
    const describe = () => Promise.reject(new Error('hunter2'));
    const run = runner({ keySecret: { ...ringPorts().keySecret, describe } });
    await expect(run({ operation: 'check' })).rejects.toThrow('unexpected');
    expect(lines.join()).not.toContain('hunter2');
  });
});

describe('an operator', () => {
  beforeEach(() => runner()(event('Create')));

  test('sees the ring', async () => {
    now += 5;
    const [current, next] = await kidsNow();
    const at = '2027-01-15T08:00:00.000Z';
    expect(await statusNow()).toEqual({
      ok: true,
      purpose: 'cis2',
      keys: [
        { kid: current, place: 'current', createdAt: at, signingSince: at, publishedSince: at },
        { kid: next, place: 'next', createdAt: at, signingSince: null, publishedSince: at },
      ],
      nextRotationAt: null,
      lastRotation: null,
      publishedEqualsRing: true,
      leadSeconds: 3_600,
      custody: 'secret',
    });
  });

  test('sees what a rotation would do, and nothing is done', async () => {
    const [current, next] = await kidsNow();
    const change = done(await runner()({ operation: 'rotate', dryRun: true }));
    expect(change.after.map(({ kid, place }) => [place, kid])).toEqual([
      ['previous', current],
      ['current', next],
      ['next', '(new)'],
    ]);
    expect(await kidsNow()).toEqual([current, next]);
    await rotate();
    expect(await runner()({ operation: 'rotate', dryRun: true })).toMatchObject({
      ok: false,
      code: 'lead_time_not_met',
    });
  });

  test('promotes: the next key signs, and every key that has signed is nowhere [ASVS-13.3.4]', async () => {
    await rotate();
    now += 600;
    const [previous, compromised, next] = await kidsNow();
    const tried = done(await runner()({ operation: 'promote', dryRun: true }));
    expect(await kidsNow()).toEqual([previous, compromised, next]);
    const change = done(await runner()({ operation: 'promote' }));
    expect(change.notices).toEqual(tried.notices);
    // An hour after both caches of the edge have certainly stopped handing out the set before: 130 s.
    expect(change.gapEndsAt).toBe('2027-01-15T09:02:10.000Z');
    expect(change.notices.join(' ')).toMatch(
      /published for 10 min.*API platform.*until 2027-01-15 09:02:10 UTC.*CIS2/,
    );
    const after = await kidsNow();
    expect(after).toEqual([next, expect.any(String)]);
    expect([previous, compromised]).not.toContain(after[1]);
    expect(publishedKids()).toEqual(after);
    expect(change.after.map(({ kid }) => kid)).toEqual(after);
    const { VersionIdsToStages } = await secrets.client.send(new DescribeSecretCommand({ SecretId: 'ring' }));
    expect(Object.values(VersionIdsToStages ?? {}).flat()).toEqual(['AWSCURRENT']);
    expect(logged()).toContainEqual(expect.objectContaining({ event: 'signing_keys_promoted', kids: after }));
  });

  test('is told of no gap when everybody knows the next key', async () => {
    now += 60;
    const first = done(await runner()({ operation: 'promote', dryRun: true }));
    expect(first.gapEndsAt).toBe('2027-01-15T08:01:00.000Z');
    expect(first.notices.join(' ')).not.toMatch(/may refuse/);
  });

  test.each<[string, unknown]>([
    ['no object', null],
    ['a list', [{ operation: 'promote' }]],
    ['text', '{"operation":"promote"}'],
    ['an operation that there is not', { operation: 'toString' }],
    ['an operation in capitals', { operation: 'PROMOTE' }],
    ['an operation in a list', { operation: ['promote'] }],
    ['none', {}],
    ['the state of the keys, which is for another function', { operation: 'status' }],
    ['a rotation that is not a dry run', { operation: 'rotate' }],
    ...[null, 'true', 'false', 0, 1, '', [], [true], {}, undefined].map((dryRun): [string, unknown] => [
      `a dry run that is ${dryRun === undefined ? 'undefined' : JSON.stringify(dryRun)}`,
      { operation: 'promote', dryRun },
    ]),
    ...[
      'dryrun',
      'DryRun',
      'dry_run',
      'dry-run',
      'dryRun ',
      'dryRuns',
      'hunter2',
      '__proto__',
      'constructor',
    ].map((name): [string, unknown] => [
      `a member ${name}`,
      JSON.parse(`{"operation":"promote","${name}":true}`) as unknown,
    ]),
    ['a member beside a dry run', { operation: 'promote', dryRun: false, dryrun: true }],
    ['a key for a promotion', { operation: 'promote', jwk: {} }],
    ['a promotion that is now', { operation: 'promote', now: true }],
    ['a check of something', { operation: 'check', purpose: 'cis2' }],
    ['a check that is a dry run', { operation: 'check', dryRun: true }],
    ['an import with a member more', { operation: 'import', jwk: {}, key: 'hunter2' }],
    ['an import that is now in words', { operation: 'import', jwk: {}, now: 'now' }],
    ['a purpose that there is not', { operation: 'promote', purpose: 'hunter2' }],
    ['keys of the API platform’s that are CIS2’s', { operation: 'promote', purpose: 'api-platform' }],
    ['a purpose that is null', { operation: 'promote', purpose: null }],
    ['a purpose in a list', { operation: 'promote', purpose: ['cis2'] }],
  ])('is refused %s', async (_, wish) => {
    const before = await kidsNow();
    lines.length = 0;
    expect(await runner()(wish)).toEqual({
      ok: false,
      code: 'invalid_request',
      message: expect.not.stringContaining('hunter2'),
    });
    expect(await kidsNow()).toEqual(before);
    expect(lines.join()).not.toContain('hunter2');
  });

  test('is told that the keys are unavailable', async () => {
    secrets.close();
    expect(await runner()({ operation: 'rotate', dryRun: true })).toMatchObject({
      ok: false,
      code: 'keys_unavailable',
    });
  });

  test('is told to check the keys before a change is made again that may have been made, and that of nothing else', async () => {
    const { replace } = published;
    const whenAway = async (write: number, wish: Record<string, unknown>) => {
      let writes = 0;
      published.replace = (...asked) =>
        (writes += 1) < write ? replace(...asked) : Promise.reject(new KeysUnavailable('away'));
      const [current] = await kidsNow();
      const response = await runner()(wish);
      expect(response).toMatchObject({ ok: false, code: 'keys_unavailable' });
      return {
        hasMoved: (await kidsNow())[0] !== current,
        message: response?.ok === false ? response.message : '',
      };
    };
    const first = await whenAway(1, { operation: 'promote' });
    expect(first).toEqual({ hasMoved: false, message: expect.stringContaining('check the keys before') });
    const second = await whenAway(2, { operation: 'promote' });
    expect(second).toEqual({ hasMoved: true, message: expect.stringContaining('The keys have moved, but') });
    expect(second.message).toContain('check the keys before');
    expect([first.message, second.message].join()).not.toContain('Nothing is broken by trying again');

    const [previous] = await kidsNow();
    published.replace = replace;
    await runner()({ operation: 'check' });
    expect(publishedKids()).toEqual(await kidsNow());
    expect((await kidsNow())[0]).toBe(previous);

    const { read } = published;
    published.read = () => Promise.reject(new KeysUnavailable('away'));
    expect(await runner()({ operation: 'promote', dryRun: true })).toMatchObject({
      message: expect.stringContaining('Nothing is broken by trying again'),
    });
    published.read = read;
  });

  test('who is one of two at the same moment is told that somebody else was first', async () => {
    const run = runner();
    const both = await Promise.all([run({ operation: 'promote' }), run({ operation: 'promote' })]);
    const codes = both.map((response) => (response?.ok === false ? response.code : 'done'));
    expect(codes.sort()).toEqual(['busy', 'done']);
    expect(publishedKids()).toEqual(await kidsNow());
  });
});
