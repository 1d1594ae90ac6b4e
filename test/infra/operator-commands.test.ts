/** The commands on a stack of an app's own: what the construct puts among its outputs is what they find it by. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { CfnOutput, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct } from 'constructs';
import { Cis2Bff } from '../../infra/cis2-bff.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { createApp } from '../../infra/synthesis.ts';
import { emptyBundles } from './support.ts';
import { ring, statusOf } from '../ops/responses.ts';
import { ops } from '../ops/command.ts';
import { FakeAws, returned, stack, stackError, type Output } from '../ops/fake-aws.ts';

let aws: FakeAws;
let home: string;
/** Name of a stack → its outputs. */
const deployed = new Map<string, readonly Output[]>();

/** The outputs of a stack with installations, as CloudFormation tells them once it is deployed. */
function deploy(stackName: string, ids: readonly string[]): readonly Output[] {
  const made = new Stack(createApp(), stackName, { env: { region: 'eu-west-2' } });
  new CfnOutput(made, 'JwksUrl', { value: 'https://of-the-app.example', description: 'The app’s own' });
  for (const id of ids) {
    const [construct = '', parent] = id.split('/').reverse();
    new Cis2Bff(parent === undefined ? made : new Construct(made, parent), construct, {
      production: false,
      baseUrl: `https://${construct.toLowerCase()}.example.nhs.uk`,
      issuer: cis2Issuers.integration,
      clientId: construct,
      bundles: emptyBundles(),
    });
  }
  const { Outputs } = Template.fromStack(made).toJSON() as {
    Outputs: Record<string, { Value: unknown; Description: string }>;
  };
  return Object.entries(Outputs).map(([key, { Value, Description }]) => ({
    key,
    value:
      typeof Value === 'string'
        ? Value
        : Description.endsWith(': KeysStatusFunction')
          ? 'keys-status'
          : Description.endsWith(': FunctionLogGroups')
            ? 'session-logs,login-logs'
            : key,
    description: Description,
  }));
}

beforeAll(async () => {
  aws = await FakeAws.start();
  home = mkdtempSync(join(tmpdir(), 'ops-home-'));
  deployed.set('MyApp', deploy('MyApp', ['Bff']));
  deployed.set('Wards', deploy('Wards', ['Ward', 'North/Ward']));
  deployed.set('Other', [{ key: 'Address', value: 'https://elsewhere.example' }]);
  aws.invoke = () => returned(statusOf(ring('a', 'b', 'c')));
  aws.describeStacks = (name) => {
    const outputs = deployed.get(name);
    return outputs === undefined
      ? stackError('ValidationError', `Stack with id ${name} does not exist`)
      : stack(name, outputs);
  };
});
afterEach(() => {
  aws.calls.length = 0;
});
afterAll(async () => {
  await aws.close();
  rmSync(home, { recursive: true });
});

const run = (...args: string[]) =>
  ops([...args, '--json'], {
    variables: {
      HOME: home,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_ENDPOINT_URL: aws.url,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
    },
  });

test('keys status finds the function of a stack with one installation, and asks for that stack alone', async () => {
  const { code, out, err } = await run('keys', 'status', '--stack', 'MyApp');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ keys: [{ kid: 'a' }, { kid: 'b' }, { kid: 'c' }] });
  const stacks = aws.calls.filter(({ action }) => action === 'DescribeStacks');
  expect(stacks.map(({ input }) => input['StackName'])).toEqual(['MyApp']);
});

test('trace asks about the log groups of the installation', async () => {
  aws.logs = (operation) =>
    operation === 'StartQuery'
      ? returned({ queryId: 'q' })
      : returned({
          status: 'Complete',
          results: [[{ field: '@message', value: '{"event":"sign_in_failed"}' }]],
        });
  const { code } = await run('trace', '7K3M-9QX2-HABW', '--stack', 'MyApp');
  expect(code).toBe(0);
  const groups = aws.calls.find(({ action }) => action === 'StartQuery')?.input['logGroupNames'];
  expect(groups).toEqual(['session-logs', 'login-logs', expect.stringMatching(/^BffAuditLogGroup/)]);
});

describe('a stack with several installations', () => {
  test('is refused until one is chosen, with the choice', async () => {
    const { code, out } = await run('keys', 'status', '--stack', 'Wards');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'several_installations',
        message:
          'the stack Wards has several installations: choose one with --construct Ward or --construct North/Ward',
      },
    });
  });

  test.each([
    ['Ward', 'Wards-Ward '],
    ['North/Ward', 'Wards-North-Ward '],
  ])('has doctor ask for the alarms of %s', async (construct, prefix) => {
    await run('doctor', '--stack', 'Wards', '--construct', construct);
    const asked = aws.calls.find(({ action }) => action === 'DescribeAlarms')?.input;
    expect(asked?.['AlarmNamePrefix']).toBe(prefix);
  });
});

test.each([
  ['that is not there', ['--stack', 'Gone'], 'no_such_environment', /no stack Gone in .*: check --stack/],
  ['without an installation', ['--stack', 'Other'], 'no_installation', /the stack Other .* no outputs of/],
  [
    'without that installation',
    ['--stack', 'Wards', '--construct', 'West'],
    'no_installation',
    /no installation West, only Ward, North\/Ward/,
  ],
])('a stack %s is one clear line', async (_, where, code, message) => {
  const ended = await run('keys', 'status', ...where);
  const { error } = JSON.parse(ended.out) as { error: { code: string; message: string } };
  expect({ exit: ended.code, code: error.code }).toEqual({ exit: 1, code });
  expect(error.message).toMatch(message);
});
