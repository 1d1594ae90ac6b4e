import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ring, statusOf } from './responses.ts';
import { ops, opsProcess } from './command.ts';
import type { Finding } from '../../ops/doctor/check.ts';
import {
  awsError,
  FakeAws,
  type AwsResponse,
  returned,
  stack,
  stackError,
  subscriptionsTo,
} from './fake-aws.ts';

let aws: FakeAws;
let home: string;

beforeAll(async () => {
  aws = await FakeAws.start();
  home = mkdtempSync(join(tmpdir(), 'ops-home-'));
});
afterEach(() => {
  aws.calls.length = 0;
  aws.invoke = () => returned(statusOf(ring('a', 'b', 'c')));
  aws.describeStacks = (name) => stack(name, aws.outputs);
});
afterAll(async () => {
  await aws.close();
  rmSync(home, { recursive: true });
});

/** Credentials and endpoints as the AWS SDK takes them from anybody's shell. */
const shell = (
  credentials: Record<string, string> = {
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
  },
) => ({
  HOME: home,
  ...credentials,
  AWS_ENDPOINT_URL: aws.url,
  AWS_EC2_METADATA_DISABLED: 'true',
  // One try a call: what is tried here is what a failure is called.
  AWS_MAX_ATTEMPTS: '1',
});
const status = (more: readonly string[] = [], variables: Record<string, string> = shell()) =>
  ops(['keys', 'status', '--env', 'dev', '--json', ...more], { variables });

test('an environment is found by its two stacks, with the credentials of whoever runs the command', async () => {
  aws.invoke = () => returned(statusOf(ring('a', 'b', 'c')));
  aws.describeStacks = (name) =>
    stack(
      name,
      name.endsWith('-stateless')
        ? { RotateSigningKeysFunction: 'rotate-signing-keys', KeysStatusFunction: 'keys-status' }
        : {},
    );
  const { code, out, err } = await opsProcess(['keys', 'status', '--env', 'dev', '--json'], {
    variables: shell(),
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ keys: [{ kid: 'a' }, { kid: 'b' }, { kid: 'c' }] });
  const stacks = aws.calls
    .filter(({ action }) => action === 'DescribeStacks')
    .map(({ input }) => input['StackName']);
  expect(stacks.sort()).toEqual(['cis2-bff-dev-stateful', 'cis2-bff-dev-stateless']);
  for (const { authorization } of aws.calls) {
    expect(authorization).toMatch(/Credential=AKIDEXAMPLE\/\d+\/eu-west-2\//);
  }
});

test('--region says where', async () => {
  aws.invoke = () => returned(statusOf(ring('a', 'b', 'c')));
  expect((await status(['--region', 'eu-west-1'])).code).toBe(0);
  for (const { authorization } of aws.calls) expect(authorization).toContain('/eu-west-1/');
});

test.each<[string, () => void, string, string]>([
  [
    'no such environment',
    () => {
      aws.describeStacks = (name) => stackError('ValidationError', `Stack with id ${name} does not exist`);
    },
    'no_such_environment',
    'there is no stack cis2-bff-dev-state',
  ],
  [
    'stacks that may not be read',
    () => {
      aws.describeStacks = () =>
        stackError('AccessDenied', 'User: arn:aws:iam::000000000000:user/sam is not authorized', 403);
    },
    'access_denied',
    'AWS does not allow you cloudformation:DescribeStacks: assume the role in the stack output OperatorReadOnlyRoleArn',
  ],
  [
    'a function that may not be run',
    () => {
      aws.invoke = () => awsError('AccessDeniedException', 'User: sam is not authorized to perform', 403);
    },
    'access_denied',
    'AWS does not allow you lambda:InvokeFunction',
  ],
  [
    'a function that is throttled',
    () => {
      aws.invoke = () => awsError('TooManyRequestsException', 'Rate Exceeded.', 429);
    },
    'throttled',
    'try again in a minute',
  ],
  [
    'credentials that have expired',
    () => {
      aws.describeStacks = () => stackError('ExpiredToken', 'The security token is expired', 403);
    },
    'credentials_expired',
    'sign in again',
  ],
  [
    'credentials of nobody',
    () => {
      aws.describeStacks = () => stackError('InvalidClientTokenId', 'The security token is invalid', 403);
    },
    'credentials_refused',
    'AWS does not accept the credentials',
  ],
  [
    'something else',
    () => {
      aws.invoke = () => awsError('ServiceException', 'private-half', 500);
    },
    'aws_error',
    'lambda:InvokeFunction failed: AWS answered ServiceException (status 500)',
  ],
  [
    'a function that is cut off',
    () => {
      aws.invoke = () => 'hang';
    },
    'unreachable',
    'AWS did not respond to lambda:InvokeFunction',
  ],
])('%s is one clear line', async (_, arrange, code, message) => {
  arrange();
  const ended = await status();
  const { error } = JSON.parse(ended.out) as { error: { code: string; message: string } };
  expect({ exit: ended.code, code: error.code }).toEqual({ exit: 1, code });
  expect(error.message).toContain(message);
  expect(ended.err).toBe(`cis2-bff ops: ${error.message} (${code})\n`);
  expect(ended.err).not.toContain('private-half');
});

test('no credentials at all is one clear line', async () => {
  const { code, out } = await status([], shell({}));
  const { error } = JSON.parse(out) as { error: { code: string; message: string } };
  expect({ exit: code, code: error.code }).toEqual({ exit: 1, code: 'no_credentials' });
  expect(error.message).toContain('sign in (aws sso login)');
  expect(aws.calls).toEqual([]);
});

test('trace asks Logs Insights about every function at once, and shows what it found', async () => {
  const line = {
    time: '2026-01-01T09:00:00.000Z',
    level: 'warn',
    event: 'sign_in_failed',
    code: 'x',
    _aws: {},
  };
  let polls = 0;
  aws.logs = (operation) => {
    if (operation === 'StartQuery') return returned({ queryId: 'q' });
    polls += 1;
    return polls === 1
      ? returned({ status: 'Running', results: [] })
      : returned({
          status: 'Complete',
          results: [
            [{ field: '@message', value: JSON.stringify(line) }],
            // The audit trail's copy.
            [{ field: '@message', value: `${JSON.stringify(line)}\n` }],
            [{ field: '@message', value: 'END' }],
          ],
        });
  };
  const { code, out } = await ops(['trace', '7K3M-9QX2-HABW', '--env', 'dev', '--json', '--hours', '2'], {
    variables: shell(),
  });
  expect(code).toBe(0);
  const { time, level, event, code: reason } = line;
  expect(JSON.parse(out)).toEqual({
    reference: '7K3M-9QX2-HABW',
    entries: [{ time, level, event, code: reason }],
  });
  const query = aws.calls.find(({ action }) => action === 'StartQuery')?.input;
  expect(query).toMatchObject({
    logGroupNames: ['session-logs', 'login-logs', 'audit-logs'],
    queryString: expect.stringContaining('filter reference = "7K3M-9QX2-HABW"'),
  });
});

test('trace without the right to ask says which right that is', async () => {
  aws.logs = () => awsError('AccessDeniedException', 'no', 400);
  const { code, out } = await ops(['trace', '7K3M-9QX2-HABW', '--env', 'dev', '--json'], {
    variables: shell(),
  });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    error: { code: 'access_denied', message: expect.stringContaining('logs:StartQuery') },
  });
});

test('sessions end --all goes on from turn to turn, with what the turn before said', async () => {
  const turns = [
    { ok: true, ended: 3, begunBy: 1_800_000_000, cursor: 'session#a core' },
    { ok: true, ended: 0, begunBy: 1_800_000_000, cursor: 'session#b core' },
    { ok: true, ended: 2, begunBy: 1_800_000_000 },
  ];
  aws.invoke = () => returned(turns[aws.events.length - 1]);
  const { code, out, err } = await ops(['sessions', 'end', '--all', '--yes', '--json', '--env', 'dev'], {
    variables: shell(),
  });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ all: true, reason: 'revoked', ended: 5 });
  expect(err.split('\n').slice(0, 2)).toEqual(['ended 3 sessions so far …', 'ended 3 sessions so far …']);
  expect(aws.events).toEqual([
    { operation: 'end-all' },
    { operation: 'end-all', begunBy: 1_800_000_000, cursor: 'session#a core' },
    { operation: 'end-all', begunBy: 1_800_000_000, cursor: 'session#b core' },
  ]);
});

const topicsOf = (region: string): { AlarmTopicArn: string; WarningTopicArn: string } => ({
  AlarmTopicArn: `arn:aws:sns:${region}:000000000000:alarms`,
  WarningTopicArn: `arn:aws:sns:${region}:000000000000:warnings`,
});
const { AlarmTopicArn: topic, WarningTopicArn: warningTopic } = topicsOf('eu-west-2');
const atTheEdge = topicsOf('us-east-1');
/** The outputs of an environment, without a site that answers. */
const describeDev = (name: string): AwsResponse =>
  stack(
    name,
    name.endsWith('-edge-alarms')
      ? atTheEdge
      : {
          ...aws.outputs,
          JwksUrl: 'http://localhost:1/auth/jwks.json',
          Issuer: 'http://127.0.0.1:1/realm',
          ClientId: 'client',
          ...topicsOf('eu-west-2'),
        },
  );
test.each<[string, () => AwsResponse, Partial<Finding>]>([
  [
    'nobody has subscribed',
    () => subscriptionsTo([]),
    { result: 'fault', detail: 'nobody has subscribed to the topic of the alarms' },
  ],
  [
    'nobody has confirmed',
    () => subscriptionsTo(['PendingConfirmation', 'Deleted']),
    {
      result: 'fault',
      detail: 'nobody receives the alarms: 1 subscribed to their topic, and none has confirmed it',
    },
  ],
  [
    'somebody hears',
    () => subscriptionsTo([`${topic}:1`, 'PendingConfirmation']),
    { result: 'ok', detail: '1 confirmed, 1 not yet confirmed' },
  ],
  [
    'this role may not see it',
    () => stackError('AuthorizationError', 'User: sam is not authorized', 403),
    { result: 'fault', detail: expect.stringContaining('sns:ListSubscriptionsByTopic') as unknown as string },
  ],
])('doctor says who hears the alarms of an environment: %s', async (_, subscriptions, finding) => {
  aws.subscriptions = subscriptions;
  aws.describeStacks = describeDev;
  const { code, out } = await ops(['doctor', '--env', 'dev', '--json'], { variables: shell() });
  const { checks } = JSON.parse(out) as { checks: readonly Finding[] };
  expect({ code, found: checks.find(({ check }) => check === 'alarm subscriptions') }).toMatchObject({
    code: 1,
    found: finding,
  });
  expect(
    aws.calls.filter(({ action }) => action === 'ListSubscriptionsByTopic').map(({ input }) => input),
  ).toMatchObject([topic, warningTopic, ...Object.values(atTheEdge)].map((TopicArn) => ({ TopicArn })));
  // Who it is stays there.
  expect(out).not.toContain('on-call@example.nhs.uk');
});

describe('doctor looks at the alarms of the edge, in their own region', () => {
  const found = async (): Promise<Readonly<Record<string, string>>> => {
    const { out } = await ops(['doctor', '--env', 'dev', '--json'], { variables: shell() });
    const { checks } = JSON.parse(out) as { checks: readonly Finding[] };
    return Object.fromEntries(checks.map(({ check, result, detail }) => [check, `${result}: ${detail}`]));
  };
  beforeEach(() => {
    aws.describeStacks = describeDev;
  });

  test('one that is on there is a fault, and nobody who hears them is another', async () => {
    const alarm = (AlarmName: string, StateValue: string) => ({
      ...{ AlarmName, StateValue, AlarmActions: [topic], ActionsEnabled: true },
      AlarmDescription: 'critical: nothing. What to do: https://git.example/runbooks.md#the-edge-fails',
    });
    aws.alarms = (authorization) =>
      returned({
        MetricAlarms: [
          authorization.includes('/us-east-1/')
            ? alarm('cis2-bff-dev-edge-alarms-EdgeAlarms critical EdgeFails', 'ALARM')
            : alarm('cis2-bff-dev-stateless-Bff critical RequestsFailFast', 'OK'),
        ],
      });
    aws.subscriptions = (topicArn) =>
      subscriptionsTo(topicArn === atTheEdge.AlarmTopicArn ? ['PendingConfirmation'] : [`${topicArn}:1`]);
    expect(await found()).toMatchObject({
      alarms: expect.stringMatching(/^ok: 1 alarms, each with an action/),
      'alarm subscriptions': 'ok: 1 confirmed',
      'edge alarms': 'fault: in alarm: cis2-bff-dev-edge-alarms-EdgeAlarms critical EdgeFails',
      'edge alarm subscriptions':
        'fault: nobody receives the alarms: 1 subscribed to their topic, and none has confirmed it',
      'edge warning subscriptions': 'ok: 1 confirmed',
    });
    const looked = aws.calls.filter(({ input }) =>
      Object.values(atTheEdge).includes(String(input['TopicArn'])),
    );
    expect(looked).toHaveLength(2);
    for (const { authorization } of looked) expect(authorization).toContain('/us-east-1/');
  });

  test.each<[string, (name: string) => AwsResponse, string]>([
    [
      'a stack that is not there',
      (name) => stackError('ValidationError', `Stack with id ${name} does not exist`),
      'there is no stack cis2-bff-dev-edge-alarms in us-east-1',
    ],
    [
      'a stack of an older release',
      (name) => stack(name, {}),
      'the stack cis2-bff-dev-edge-alarms has no output AlarmTopicArn',
    ],
  ])('%s is a fault', async (_, answer, detail) => {
    aws.describeStacks = (name) => (name.endsWith('-edge-alarms') ? answer(name) : describeDev(name));
    expect((await found())['edge alarm subscriptions']).toContain(detail);
  });
});
