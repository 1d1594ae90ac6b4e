import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { functionNames } from '../../infra/bundle.ts';
import { environments, type Environment } from '../../infra/environments.ts';
import { addEnvironment, type EnvironmentStacks } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import { eventFunctionSettings, type FunctionName } from '../../lambdas/settings/index.ts';
import type { AwsCall } from '../support/aws.ts';

// `synthesis.test.ts` has the slow checks.
process.env['CDK_VALIDATION'] = 'false';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Resource {
  readonly Type: string;
  readonly Properties: { readonly [key: string]: Json };
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly UpdatePolicy?: Json;
}

export interface TemplateJson {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: Json; readonly Export?: { readonly Name: Json } }>
  >;
}

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: Json;
  readonly Condition?: Json;
}

export const toJson = (stack: Stack): TemplateJson => Template.fromStack(stack).toJSON() as TemplateJson;

export const resourcesOfType = (template: TemplateJson, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

/** The only resource of its type: a test that expects one must not pass with two. */
export const only = (template: TemplateJson, type: string): [string, Resource] => {
  const [first, ...others] = resourcesOfType(template, type);
  if (first === undefined || others.length > 0) throw new Error(`${String(others.length + 1)} of ${type}`);
  return first;
};

/** Follows `{"Fn::GetAtt": [id, …]}`, `{"Ref": id}` or a string that holds a logical id. */
export const mentions = (value: Json | undefined, logicalId: string): boolean =>
  JSON.stringify(value ?? null).includes(logicalId);

/** What a value that is imported from another stack stands for there. */
export const imported = (from: TemplateJson, value: Json | undefined): Json | undefined => {
  const { 'Fn::ImportValue': name } = value as { readonly 'Fn::ImportValue'?: string };
  if (name === undefined) return undefined;
  return Object.values(from.Outputs ?? {}).find(({ Export }) => Export?.Name === name)?.Value;
};

const pascalCase = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** A function's own resource of a type, by its place in the construct tree. */
export const ofFunction = (template: TemplateJson, name: FunctionName, type: string): [string, Resource] => {
  const found = resourcesOfType(template, type).filter(([id]) =>
    id.startsWith(`BffFunctions${pascalCase(name)}`),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${String(found.length)} ${type} of ${name}`);
  return first;
};

/** Every statement that a function's role holds. */
export const statementsOf = (template: TemplateJson, name: FunctionName): readonly Statement[] => {
  const [, role] = ofFunction(template, name, 'AWS::IAM::Role');
  const policies = (role.Properties['Policies'] ?? []) as unknown as readonly {
    readonly PolicyDocument: { readonly Statement: readonly Statement[] };
  }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
};

export const actionsOf = (statements: readonly Statement[]): string[] =>
  statements.flatMap(({ Action }) => Action).sort();

/** The patterns of partition keys that a statement is for, which must be all that it is bound by. */
export const patternsOf = ({ Condition }: Statement): readonly string[] => {
  const { 'ForAllValues:StringLike': keys, ...others } = Condition as {
    'ForAllValues:StringLike'?: { 'dynamodb:LeadingKeys'?: string | readonly string[] };
  };
  expect(others).toEqual({ Null: { 'dynamodb:LeadingKeys': 'false' } });
  const patterns = keys?.['dynamodb:LeadingKeys'] ?? [];
  return typeof patterns === 'string' ? [patterns] : patterns;
};

/** Whether IAM takes a partition key for one of a pattern. */
export const isLike = (pattern: string, key: string): boolean =>
  pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;

/** The partition keys that a call names, wherever it names them. */
export const partitionKeysOf = ({ operation, body }: AwsCall): readonly string[] => {
  const keys: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const { S } = (inner ?? {}) as { S?: unknown };
      if ((name === 'pk' || name === ':pk') && typeof S === 'string') keys.push(S);
      else collect(inner);
    }
  };
  collect(body);
  if (keys.length === 0) throw new Error(`${operation} names no partition key`);
  return keys;
};

const directories: string[] = [];
// Test files share this module, so a hook of one file would leave the directories of the next.
process.once('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** A directory of its own, gone when the tests are done. */
export const temporaryDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'cis2-bff-test-'));
  directories.push(directory);
  return directory;
};

let bundles: string | undefined;

/** Bundles that hold nothing: the templates do not depend on what a function does. */
export const emptyBundles = (): string => {
  if (bundles !== undefined) return bundles;
  bundles = temporaryDirectory();
  for (const name of [...functionNames, ...Object.keys(eventFunctionSettings)]) {
    mkdirSync(join(bundles, name));
    writeFileSync(join(bundles, name, 'index.mjs'), `export const handler = () => '${name}';\n`);
  }
  return bundles;
};

/** An environment as it ships but for a change. */
export const changedEnvironment = (name: string, change: Partial<Environment> = {}): EnvironmentStacks => {
  const environment = environments[name];
  if (environment === undefined) throw new Error(`no environment ${name}`);
  return addEnvironment(createApp(), name, { ...environment, ...change }, emptyBundles());
};

interface Deployed {
  readonly stacks: EnvironmentStacks;
  readonly stateful: TemplateJson;
  readonly stateless: TemplateJson;
  readonly edge: TemplateJson;
  readonly edgeAlarms: TemplateJson;
}

const shippedEnvironments = new Map<string, Deployed>();

/** An environment as it ships, synthesised once for all test files of a worker: nothing may be added to its stacks. */
export const shipped = (name: string): Deployed => {
  const known = shippedEnvironments.get(name);
  if (known !== undefined) return known;
  const stacks = changedEnvironment(name);
  const { stateful, stateless, edge, edgeAlarms } = stacks;
  if (edge === undefined || edgeAlarms === undefined) throw new Error(`${name} has no stacks of the edge`);
  const made = {
    ...{ stacks, stateful: toJson(stateful), stateless: toJson(stateless) },
    ...{ edge: toJson(edge), edgeAlarms: toJson(edgeAlarms) },
  };
  shippedEnvironments.set(name, made);
  return made;
};
