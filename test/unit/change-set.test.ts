/** The guard between a change set and its execution. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { lossesIn } from '../../tools/change-set/guard.ts';

/** As `aws cloudformation describe-change-set` prints it. */
const changeSet = (resourceChanges: readonly object[], more: object = {}): object => ({
  Changes: resourceChanges.map((ResourceChange) => ({ Type: 'Resource', ResourceChange })),
  ChangeSetName: 'cdk-deploy-change-set',
  ChangeSetId: 'arn:aws:cloudformation:eu-west-2:111122223333:changeSet/cdk-deploy-change-set/0f0f0f0f',
  StackId: 'arn:aws:cloudformation:eu-west-2:111122223333:stack/cis2-bff-dev-stateful/1a1a1a1a',
  StackName: 'cis2-bff-dev-stateful',
  CreationTime: '2026-01-01T09:00:00.000000+00:00',
  ExecutionStatus: 'AVAILABLE',
  Status: 'CREATE_COMPLETE',
  NotificationARNs: [],
  RollbackConfiguration: {},
  Capabilities: ['CAPABILITY_NAMED_IAM'],
  IncludeNestedStacks: false,
  ...more,
});
const changed = (type: string, more: object = {}): object => ({
  Action: 'Modify',
  LogicalResourceId: 'Thing',
  PhysicalResourceId: 'cis2-bff-dev-stateful-Thing-1A1A1A1A1A1A',
  ResourceType: type,
  Replacement: 'False',
  Scope: ['Properties'],
  Details: [
    {
      Target: { Attribute: 'Properties', Name: 'KeySchema', RequiresRecreation: 'Never' },
      Evaluation: 'Static',
      ChangeSource: 'DirectModification',
    },
  ],
  ...more,
});
const whatOf = (...changes: object[]): string[] => lossesIn(changeSet(changes)).map(({ what }) => what);

const types = [
  ...['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable', 'AWS::SecretsManager::Secret', 'AWS::KMS::Key'],
  ...['AWS::S3::Bucket', 'AWS::Logs::LogGroup'],
  ...['AWS::CloudFront::Distribution', 'AWS::ApiGatewayV2::DomainName'],
];

describe.each(types)('a change of %s', (type) => {
  test('is let through when it is added, taken over, or changed as it stands', () => {
    expect(
      whatOf(changed(type), changed(type, { Action: 'Add' }), changed(type, { Action: 'Import' })),
    ).toEqual([]);
  });

  test.each<[string, object]>([
    ['would be replaced', { Replacement: 'True', PolicyAction: 'ReplaceAndRetain' }],
    ['may be replaced', { Replacement: 'Conditional' }],
    ['may be replaced', { Replacement: undefined }],
    ['would leave the stack', { Action: 'Remove', Replacement: undefined, PolicyAction: 'Retain' }],
    ['would be changed in an unknown way (Dynamic)', { Action: 'Dynamic' }],
    ['would be changed in an unknown way ()', { Action: undefined }],
  ])('is refused when it %s: %j', (what, more) => {
    expect(whatOf(changed(type, more))).toEqual([what]);
  });
});

test('what can be made again may be replaced and removed', () => {
  const change = (more: object): object => changed('AWS::Lambda::Function', more);
  expect(whatOf(change({ Replacement: 'True' }), change({ Action: 'Remove' }))).toEqual([]);
});

test('a stack in the stack is refused: its own changes are not seen', () => {
  expect(whatOf(changed('AWS::CloudFormation::Stack'))).toHaveLength(1);
});

test('a change set without changes is let through', () => {
  const StatusReason = "The submitted information didn't contain changes. Submit different information.";
  expect(lossesIn(changeSet([], { Status: 'FAILED', StatusReason }))).toEqual([]);
});

test.each<[string, unknown]>([
  ['no change set', []],
  ['null', null],
  ['a change set without its changes', { StackName: 'x', Status: 'CREATE_COMPLETE' }],
  ['one that names no stack', changeSet([], { StackName: undefined })],
  ['one that goes on on another page', changeSet([], { NextToken: 'more' })],
  ['one that is still being made', changeSet([], { Status: 'CREATE_IN_PROGRESS' })],
  ['one that failed', changeSet([], { Status: 'FAILED', StatusReason: 'Template error' })],
  ['a change of nothing known', { ...changeSet([]), Changes: [{ Type: 'Other' }] }],
  ['a change that is none', { ...changeSet([]), Changes: [null] }],
])('what cannot be judged is not let through: %s', (_, value) => {
  expect(() => lossesIn(value)).toThrow(/change/);
});

describe('npm run guard', () => {
  const guard = (input: unknown, ...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../../tools/change-set.ts'), '-', ...args], {
      input: typeof input === 'string' ? input : JSON.stringify(input),
      encoding: 'utf8',
    });
  const replacing = changeSet([changed('AWS::DynamoDB::Table', { Replacement: 'True' })]);

  test('says what would be lost, and exits 1; an exception has to name it', () => {
    expect(guard(replacing)).toMatchObject({
      status: 1,
      stderr: 'cis2-bff-dev-stateful: Thing (AWS::DynamoDB::Table) would be replaced\n',
    });
    expect(guard(replacing, '--allow', 'Thing')).toMatchObject({ status: 0, stderr: '' });
    expect(guard(replacing, '--allow', 'Thing', '--allow', 'Other')).toMatchObject({ status: 1 });
  });

  test('does not let through what it cannot read', () => {
    expect(guard('no JSON')).toMatchObject({ status: 1, stderr: '- is not JSON\n' });
    expect(guard('')).toMatchObject({ status: 1 });
    expect(guard(replacing, '--alow', 'Thing')).toMatchObject({ status: 2 });
  });
});
