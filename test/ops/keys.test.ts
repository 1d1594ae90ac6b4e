import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { poolKey } from '../support/key-pool.ts';
import { changeOf, daysAgo, key, ring, statusOf } from './responses.ts';
import { ops, opsOnTerminal, opsProcess } from './command.ts';
import { awsError, FakeAws, returned, type Event } from './fake-aws.ts';

let aws: FakeAws;
let directory: string;
let here: string[];

beforeAll(async () => {
  aws = await FakeAws.start();
  directory = mkdtempSync(join(tmpdir(), 'ops-'));
  here = ['--local', String(aws.port)];
});
beforeEach(() => {
  aws.pretendLocalStart();
});
afterEach(() => {
  aws.calls.length = 0;
  aws.invoke = () => returned(null);
  aws.rotateSecret = () => returned({});
});
afterAll(async () => {
  await aws.close();
  rmSync(directory, { recursive: true });
});

const [before, after] = [ring('kid-a', 'kid-b', 'kid-c'), ring('kid-b', 'kid-c', '(new)')];
const refusal = (code: string, message: string) => returned({ ok: false, code, message });
const { privateKey, privateJwk: jwk } = poolKey(1_000);
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const keyFile = (name: string, content: string, mode = 0o600): string => {
  const path = join(directory, name);
  writeFileSync(path, content, { mode });
  chmodSync(path, mode);
  return path;
};
const errorOf = (out: string) => (JSON.parse(out) as { error: { code: string; message: string } }).error;
/** What changed anything. */
const changes = () =>
  aws.calls.filter(
    ({ action, input }) =>
      action === 'RotateSecret' ||
      (action === 'Invoke' && input['operation'] !== undefined && input['dryRun'] !== true),
  );

describe('keys status', () => {
  test('prints the ring and the next rotation as a document', async () => {
    const lastRotation = { token: 't', at: daysAgo(10), result: 'done' as const };
    aws.invoke = () => returned(statusOf(before, lastRotation));
    const { code, out, err } = await ops(['keys', 'status', '--json', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({
      purpose: 'cis2',
      keys: before,
      nextRotationAt: expect.any(String),
      lastRotation,
      publishedEqualsRing: true,
      leadSeconds: 0,
      custody: 'secret',
    });
    expect(aws.calls.map(({ action, functionName, input }) => ({ action, functionName, input }))).toEqual([
      { action: 'Invoke', functionName: 'keys-status', input: { purpose: 'cis2' } },
    ]);
  });

  test('shows people a table, ages in words and the last result', async () => {
    aws.invoke = () => returned(statusOf(before, { token: 't', at: daysAgo(10), result: 'done' }));
    const { code, out, err } = await ops(['keys', 'status', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(
      `Signing keys for CIS2 and the API platform, the local start on port ${String(aws.port)}\n`,
    );
    expect(out).toMatch(/^PLACE {5}KID {4}CREATED {6}SIGNING SINCE {2}PUBLISHED SINCE$/m);
    expect(out).toMatch(/^current {3}kid-b {2}40 days ago {2}10 days ago {4}40 days ago$/m);
    expect(out).toMatch(/^next {6}kid-c {2}40 days ago {2}never {10}40 days ago$/m);
    expect(out).toMatch(/^Next rotation {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(in 20 days\)$/m);
    expect(out).toMatch(/^Last rotation {2}done, .* UTC \(10 days ago\)$/m);
    expect(out).not.toContain('Warning');
  });

  test('warns when the published set is not the ring and when the last rotation failed', async () => {
    aws.invoke = () =>
      returned(
        statusOf(
          before,
          { token: 't', at: daysAgo(1), result: 'failed', code: 'published_set_unseen' },
          { publishedEqualsRing: false },
        ),
      );
    const { code, out } = await ops(['keys', 'status', ...here]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Warning: the published set is not the ring\./m);
    expect(out).toMatch(/^Warning: the last rotation failed \(published_set_unseen\)\./m);
  });

  test('prints nothing of a response but what it knows', async () => {
    const leaky = before.map((view) => ({ ...view, privateJwk: { d: 'private-half' } }));
    aws.invoke = () => returned({ ...statusOf(leaky), ring: 'private-half' });
    const { code, out } = await ops(['keys', 'status', '--json', ...here]);
    expect(code).toBe(0);
    expect(out).not.toContain('private-half');
  });

  test('what a response says cannot move the cursor', async () => {
    aws.invoke = () => refusal('keys_unavailable', 'first\n\u001b[2Jsecond');
    const { code, out, err } = await ops(['keys', 'status', ...here]);
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: 'cis2-bff ops: first ?[2Jsecond (keys_unavailable)\n',
    });
  });
});

describe('what cannot be done ends with 1 and one line, and with --json a document too', () => {
  test.each<[string, () => void, string, RegExp]>([
    ['a refusal of the function', () => (aws.invoke = () => refusal('busy', 'Busy.')), 'busy', /^Busy\.$/],
    [
      'a response of another version',
      () => (aws.invoke = () => returned({ ok: true, keys: 'none' })),
      'unexpected_answer',
      /check that both have the same version$/,
    ],
    [
      'a function that throws',
      () =>
        (aws.invoke = () => ({
          status: 200,
          headers: { 'x-amz-function-error': 'Unhandled' },
          body: '{"errorType":"TypeError","errorMessage":"quoting private-half"}',
        })),
      'function_failed',
      /^the function failed \(TypeError\): see the log of keys-status$/,
    ],
    [
      'a start that has ended',
      () => aws.pretendLocalStart(2 ** 30),
      'not_running',
      /^no local start runs on port \d+: start one with npm start -- --port \d+$/,
    ],
    ['a state that cannot be read', () => aws.pretendLocalStart('none'), 'not_running', /no local start/],
    [
      'a stack without what is needed',
      () => {
        const { outputs } = aws;
        aws.outputs = {};
        aws.pretendLocalStart();
        aws.outputs = outputs;
      },
      'output_missing',
      /have no output RotateSigningKeysFunction: deploy this version/,
    ],
  ])('%s', async (_, arrange, code, message) => {
    arrange();
    const ended = await ops(['keys', 'status', '--json', ...here]);
    expect(ended.code).toBe(1);
    const error = errorOf(ended.out);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(ended.err).toBe(`cis2-bff ops: ${error.message} (${code})\n`);
    expect(ended.out + ended.err).not.toContain('private-half');
  });

  test('no start on that port at all', async () => {
    const { code, out, err } = await ops(['keys', 'status', '--local', '1']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'cis2-bff ops: no local start runs on port 1: start one with npm start -- --port 1 (not_running)\n',
    );
  });
});

describe('with nobody to ask and no --yes', () => {
  test.each([
    ['keys rotate', []],
    ['keys promote', []],
    ['keys import', ['FILE']],
    ['keys import', ['-']],
    ['keys import', ['FILE', '--now']],
  ])('%s %j asks nothing of the function, changes nothing and says to add --yes', async (command, more) => {
    const operands = more.map((word) => (word === 'FILE' ? keyFile('asked.pem', pem) : word));
    const { code, out, err } = await ops([...command.split(' '), ...operands, ...here], { input: 'y\n' });
    expect({ code, out, calls: aws.calls }).toEqual({ code: 1, out: '', calls: [] });
    expect(err).toMatch(/^cis2-bff ops: .*nothing was changed.*--yes.*\n$/);
  });
});

describe('keys rotate', () => {
  /** A function that has rotated some reads after Secrets Manager was asked to. */
  const rotatingAfter = (reads: number): void => {
    let token: string | undefined;
    let left = reads;
    aws.rotateSecret = (input) => {
      token = input['ClientRequestToken'] as string;
      return returned({ ARN: input['SecretId'], Name: 'ring', VersionId: token });
    };
    aws.invoke = (event) => {
      if (event['operation'] === 'rotate') return returned(changeOf(before, after));
      if (token === undefined) return returned(statusOf(before));
      left -= 1;
      return returned(
        left > 0
          ? statusOf(before)
          : statusOf(ring('kid-b', 'kid-c', 'kid-d'), { token, at: daysAgo(0), result: 'done' }),
      );
    };
  };

  test('asks for the dry run, starts the rotation under its own token and waits for its end', async () => {
    rotatingAfter(2);
    const { code, out, err } = await ops(['keys', 'rotate', '--yes', '--json', ...here]);
    expect(code).toBe(0);
    expect(err).toBe('rotating, 2 s …\n');
    const document = JSON.parse(out) as { after: { kid: string; place: string }[] };
    expect(document).toMatchObject({
      purpose: 'cis2',
      dryRun: false,
      before,
      nextRotationAt: expect.any(String),
    });
    expect(document.after.map(({ place, kid }) => `${place} ${kid}`)).toEqual([
      'previous kid-b',
      'current kid-c',
      'next kid-d',
    ]);
    expect(aws.events[0]).toEqual({ operation: 'rotate', purpose: 'cis2', dryRun: true });
    expect(changes()).toEqual([
      expect.objectContaining({
        action: 'RotateSecret',
        input: {
          SecretId: aws.outputs['SigningKeysSecretArn'],
          ClientRequestToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
      }),
    ]);
  });

  test('a refusal of the dry run ends it before anything is started', async () => {
    aws.invoke = () => refusal('lead_time_not_met', 'The next key can sign from 2026-01-02 on.');
    const { code, out, err } = await ops(['keys', 'rotate', '--yes', ...here]);
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: 'cis2-bff ops: The next key can sign from 2026-01-02 on. (lead_time_not_met)\n',
    });
    expect(changes()).toEqual([]);
  });

  test('--dry-run shows before and after, asks nothing and changes nothing', async () => {
    aws.invoke = () =>
      returned(changeOf(before, after, { notices: ['The next key has been published for 40 days.'] }));
    const { code, out, err } = await ops(['keys', 'rotate', '--dry-run', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Now\n.*\n {2}previous {2}kid-a[^]*^Then\n.*\n {2}previous {2}kid-b/m);
    expect(out).toContain('Withdrawn from the published set: kid-a (previous)\n');
    expect(out).toContain('The next key has been published for 40 days.\n');
    expect(out).toMatch(/Nothing was changed\.\n$/);
    expect(changes()).toEqual([]);
    const json = await ops(['keys', 'rotate', '--dry-run', '--json', ...here]);
    expect(JSON.parse(json.out)).toMatchObject({ dryRun: true, before, after });
    expect(changes()).toEqual([]);
  });

  test('a schedule that is not there is said in one line', async () => {
    rotatingAfter(1);
    aws.rotateSecret = () =>
      awsError('InvalidRequestException', 'No Lambda rotation function ARN is associated with this secret.');
    const { code, out } = await ops(['keys', 'rotate', '--yes', '--json', ...here]);
    expect(code).toBe(1);
    expect(errorOf(out)).toEqual({
      code: 'rotation_refused',
      message: expect.stringContaining('No Lambda rotation function ARN'),
    });
  });
});

describe('keys promote', () => {
  const notices = [
    'The next key has been published for 3 minutes.',
    'The API platform may not have seen it.',
  ];
  const promoted = [key('kid-c', 'current'), key('kid-d', 'next')];
  const respondToPromotion = (more: Record<string, unknown> = {}) => {
    aws.invoke = ({ operation, dryRun }: Event) =>
      operation === undefined
        ? returned(statusOf(before))
        : returned(
            dryRun === true
              ? changeOf(before, [key('kid-c', 'current'), key('(new)', 'next')], { notices })
              : changeOf(before, promoted, { dryRun: false, notices, ...more }),
          );
  };

  test('says who may not have seen the key and what is withdrawn, then promotes', async () => {
    respondToPromotion({ gapEndsAt: daysAgo(-0.5) });
    const { code, out, err } = await ops(['keys', 'promote', '--yes', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const order = [
      notices[0] ?? '',
      notices[1] ?? '',
      'Promoted.',
      'whoever caches our public keys for an hour has read the key that signs now.',
    ].map((text) => out.indexOf(text));
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(order).not.toContain(-1);
    for (const notice of notices) expect(out.split(notice)).toHaveLength(2);
    expect(out).toContain('Withdrawn from the published set: kid-b (current)\n');
    expect(out).toContain('(in 12 hours)');
    expect(aws.events).toEqual([
      { operation: 'promote', purpose: 'cis2', dryRun: true },
      { operation: 'promote', purpose: 'cis2' },
    ]);
  });

  test('what was not known before is said afterwards', async () => {
    respondToPromotion({ notices: [...notices, 'Disable it in KMS now.'] });
    const { out } = await ops(['keys', 'promote', '--yes', ...here]);
    expect(out.indexOf('Disable it in KMS now.')).toBeGreaterThan(out.indexOf('Promoted.'));
  });

  test('a gap that is over is said to be over', async () => {
    respondToPromotion({ gapEndsAt: daysAgo(1) });
    const { out } = await ops(['keys', 'promote', '--yes', ...here]);
    expect(out).toContain('has already read the key that signs now.');
  });

  test('with --json standard output is the one document of what was done', async () => {
    const gapEndsAt = daysAgo(-0.5);
    respondToPromotion({ gapEndsAt });
    const { code, out, err } = await ops(['keys', 'promote', '--yes', '--json', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({
      purpose: 'cis2',
      dryRun: false,
      before,
      after: promoted,
      nextRotationAt: expect.any(String),
      notices,
      gapEndsAt,
    });
  });

  test('a response that gets lost is not asked for again, and not taken for a failure', async () => {
    respondToPromotion();
    const { invoke } = aws;
    aws.invoke = (event) => (event['dryRun'] === true ? invoke(event) : 'hang');
    const { code, err } = await ops(['keys', 'promote', '--yes', ...here]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^cis2-bff ops: no response came, and it is not known whether the change was made.*\n$/,
    );
    expect(changes()).toHaveLength(1);
  });

  test('a function that fails half way is reported as one that may have made the change', async () => {
    respondToPromotion();
    const { invoke } = aws;
    aws.invoke = (event) =>
      event['dryRun'] === true
        ? invoke(event)
        : {
            status: 200,
            headers: { 'x-amz-function-error': 'Unhandled' },
            body: '{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 180.00 seconds"}',
          };
    const { code, err } = await ops(['keys', 'promote', '--yes', ...here]);
    expect(code).toBe(1);
    expect(err).toMatch(
      /the function failed \(Sandbox\.Timedout\), and it is not known whether the change was made: run keys status/,
    );
  });

  test('the purpose is the platform’s only where it has a ring of its own', async () => {
    respondToPromotion();
    const shared = await ops(['keys', 'promote', '--yes', '--purpose', 'api-platform', ...here]);
    expect({ code: shared.code, calls: aws.calls }).toEqual({ code: 1, calls: [] });
    expect(shared.err).toContain('share one ring of keys: omit --purpose');

    const { outputs } = aws;
    aws.outputs = { ...outputs, ApiPlatformKeysSecretArn: 'arn:platform' };
    aws.pretendLocalStart();
    aws.outputs = outputs;
    const own = await ops(['keys', 'promote', '--yes', '--purpose', 'api-platform', ...here]);
    expect(own.code).toBe(0);
    expect(aws.events.map(({ purpose }) => purpose)).toEqual(['api-platform', 'api-platform']);
    expect(own.out).toContain('Signing keys for the API platform, ');
  });

  test('on a terminal it asks, and goes on with a yes', async () => {
    respondToPromotion();
    const { code, out } = await opsOnTerminal(['keys', 'promote', ...here], 'y\n');
    expect(out).toMatch(/may not have seen it\.[^]*sign with the next one now\? \[y\/N\] [^]*Promoted\./);
    expect(code).toBe(0);
    expect(changes()).toHaveLength(1);
  });

  test.each([
    ['no', 'n\n'],
    ['nothing', '\n'],
    ['something else', 'yesterday\n'],
    ['the end of the input', '\u0004'],
    ['an interrupt', '\u0003'],
  ])('on a terminal %s is a no, and nothing is changed', async (_, response) => {
    respondToPromotion();
    const { code, out } = await opsOnTerminal(['keys', 'promote', ...here], response);
    expect(out).toMatch(/cis2-bff ops: nothing was changed \(declined\)\r\n$/);
    expect(code).toBe(1);
    expect(changes()).toEqual([]);
  });

  test('keys that moved while the question stood are not moved again', async () => {
    respondToPromotion();
    const { invoke } = aws;
    aws.invoke = (event) =>
      event['operation'] === undefined
        ? returned(statusOf([key('kid-c', 'current'), key('kid-d', 'next')]))
        : invoke(event);
    const { code, out } = await opsOnTerminal(['keys', 'promote', ...here], 'y\n');
    expect(out).toContain('the keys have moved since they were shown, so nothing was changed');
    expect(code).toBe(1);
    expect(changes()).toEqual([]);
  });
});

describe('keys import', () => {
  const imported = [key('kid-b', 'current'), key('ours', 'next')];

  beforeEach(() => {
    aws.invoke = ({ dryRun }) => returned(changeOf(before, imported, { dryRun: dryRun === true }));
  });

  test.each([
    ['PEM', pem, [], { now: false }],
    ['PEM with a kid', pem, ['--kid', 'ours'], { kid: 'ours', now: false }],
    [
      'a JWK with its own kid',
      JSON.stringify({ ...jwk, kid: 'ours' }),
      ['--now'],
      { kid: 'ours', now: true },
    ],
    [
      'a JWK by another kid',
      JSON.stringify({ ...jwk, kid: 'its' }),
      ['--kid', 'ours'],
      { kid: 'ours', now: false },
    ],
  ])('%s goes to the function and is printed nowhere', async (name, content, options, fields) => {
    const path = keyFile(`${name}.key`, content);
    const { code, out, err } = await ops(['keys', 'import', path, '--yes', ...options, ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const event = { operation: 'import', purpose: 'cis2', jwk, ...fields };
    expect(aws.events).toEqual([{ ...event, dryRun: true }, event]);
    expect(out).toContain(fields.now ? 'It signs now.' : 'Imported as the next key.');
    expect(out).toContain(`${path} still holds the private key`);
    for (const secret of [jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi]) expect(out).not.toContain(secret);
  });

  test('standard input will do, with --yes', async () => {
    const { code, out } = await ops(['keys', 'import', '-', '--yes', '--json', ...here], { input: pem });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ dryRun: false, before, after: imported });
    expect(changes()).toHaveLength(1);
  });

  test('--dry-run sends the key as a question only', async () => {
    const { code } = await ops(['keys', 'import', keyFile('dry.pem', pem), '--dry-run', ...here]);
    expect(code).toBe(0);
    expect(aws.events).toEqual([{ operation: 'import', purpose: 'cis2', jwk, now: false, dryRun: true }]);
  });

  test('a file that others can read is warned of, and taken', async () => {
    const path = keyFile('open.pem', pem, 0o644);
    const { code, out, err } = await ops(['keys', 'import', path, '--yes', '--json', ...here]);
    expect(code).toBe(0);
    expect(err).toBe(`warning: others on this machine can read ${path}: chmod 600 it\n`);
    expect(() => JSON.parse(out) as unknown).not.toThrow();
  });

  test('a file is read before anybody is asked', async () => {
    const { code, err } = await ops(['keys', 'import', join(directory, 'none'), ...here]);
    expect({ code, calls: aws.calls }).toEqual({ code: 1, calls: [] });
    expect(err).toMatch(/^cis2-bff ops: cannot read \S+: there is no such file \(file_unreadable\)\n$/);
  });

  test.each([
    ['a file that is not there', () => join(directory, 'none'), 'there is no such file'],
    ['a directory', () => directory, 'it is a directory'],
    ['a file without end', () => '/dev/zero', 'larger than 64 KiB'],
    ['an empty file', () => '/dev/null', 'is empty'],
    [
      'broken JSON',
      () => keyFile('broken.jwk', '{"kty":"RSA","d":"private-half"'),
      'neither a PEM file nor JSON',
    ],
  ])('%s is refused before anything is asked of the function', async (_, path, message) => {
    const { code, out, err } = await ops(['keys', 'import', path(), '--yes', ...here]);
    expect({ code, out, calls: aws.calls }).toEqual({ code: 1, out: '', calls: [] });
    expect(err).toMatch(/^cis2-bff ops: .*\n$/);
    expect(err).toContain(message);
    expect(err).not.toContain('private-half');
  });
});

describe('keys check', () => {
  const checking = (publishedEqualsRing: boolean): void => {
    aws.invoke = ({ operation }) =>
      returned(operation === 'check' ? null : statusOf(before, null, { publishedEqualsRing }));
  };

  test('runs the hourly check, and says what is published after it', async () => {
    checking(true);
    const { code, out, err } = await ops(['keys', 'check', '--json', ...here]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({ rings: [{ purpose: 'cis2', publishedEqualsRing: true }] });
    const called = aws.calls.map(({ functionName, input }) => [functionName, input]);
    expect(called).toEqual([
      ['rotate-signing-keys', { operation: 'check' }],
      ['keys-status', { purpose: 'cis2' }],
    ]);
  });

  test('fails where something else is still published, or the check itself fails', async () => {
    checking(false);
    const differs = await ops(['keys', 'check', ...here]);
    expect(differs).toMatchObject({ code: 1, out: '' });
    expect(differs.err).toMatch(/see the log of rotate-signing-keys \(published_set_differs\)\n$/);
    aws.invoke = () => ({
      status: 200,
      headers: { 'x-amz-function-error': 'Unhandled' },
      body: '{"errorType":"KeysUnavailable"}',
    });
    const failed = await ops(['keys', 'check', ...here]);
    expect(failed.err).toContain('the function failed (KeysUnavailable): see the log of rotate-signing-keys');
  });
});

test('nobody’s real credentials are shown to a local start', async () => {
  aws.invoke = () => returned(statusOf(before));
  const variables = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'example' };
  expect((await opsProcess(['keys', 'status', ...here], { variables })).code).toBe(0);
  expect(aws.calls[0]?.authorization).toContain('Credential=local/');
});
