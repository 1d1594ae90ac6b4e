import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { bundleFunctions, functionNames } from '../../infra/bundle.ts';
import { environments } from '../../infra/environments.ts';
import { addEnvironment } from '../../infra/stacks.ts';
import { createApp } from '../../infra/synthesis.ts';
import { systemClock } from '../../lambdas/common/index.ts';
import { createSessionStore, parseCredential } from '../../lambdas/session/index.ts';
import type { FunctionName } from '../../lambdas/settings.ts';
import { actionsOf, statementsOf, temporaryDirectory, toJson } from './support.ts';
import type { TemplateJson } from './support.ts';

/** The operations of both services that read or write what we keep there, by the names that the SDK sends. */
const operations =
  /"((?:Batch(?:Get|Write)|Get|Put|Update|Delete)Item|Query|Scan|Transact(?:Get|Write)Items|Execute(?:Statement|Transaction)|(?:Get|Put)SecretValue|DescribeSecret|UpdateSecret(?:VersionStage)?)"/g;

/** The session store comes as a whole: these are its operations for signing in, which the function never calls. */
const neverCalled: Partial<Record<FunctionName, readonly string[]>> = {
  session: ['BatchGetItem', 'PutItem'],
};

describe('the rights of a function', () => {
  let output: string;
  let template: TemplateJson;
  beforeAll(() => {
    process.env['CDK_VALIDATION'] = 'false';
    output = bundleFunctions({ output: temporaryDirectory() });
    const prod = environments['prod'];
    if (prod === undefined) throw new Error('no environment prod');
    template = toJson(addEnvironment(createApp(), 'prod', prod, output).stateless);
  });

  test.each(functionNames)('%s are for what its code can send, no less and no more', (name) => {
    const code = readFileSync(join(output, name, 'index.mjs'), 'utf8');
    const sent = new Set([...code.matchAll(operations)].map(([, operation]) => operation));
    for (const operation of neverCalled[name] ?? []) expect(sent.delete(operation)).toBe(true);
    const allowed = actionsOf(statementsOf(template, name))
      .filter((action) => /^(?:dynamodb|secretsmanager):/.test(action))
      .map((action) => action.slice(action.indexOf(':') + 1));
    expect(new Set(allowed)).toEqual(sent);
  });

  test('to delete hold for what a session held, and ending one deletes nothing else', async () => {
    const deleted: string[] = [];
    const client = {
      send: (command: unknown) => {
        if (command instanceof DeleteItemCommand) deleted.push(command.input.Key?.['pk']?.S ?? '');
        return Promise.resolve({
          Attributes: { userHash: { S: 'user' }, providerSessionHash: { S: 'session' } },
        });
      },
    } as unknown as DynamoDBClient;
    const store = createSessionStore({
      client,
      table: 'sessions',
      limits: { idleSeconds: 900, absoluteSeconds: 43_200 },
      clock: systemClock,
    });
    const credential = parseCredential(Buffer.alloc(64, 7).toString('base64url'));
    if (credential === undefined) throw new Error('not a credential');
    await store.end(credential, 'signed_out', undefined);

    expect(deleted.length).toBeGreaterThan(0);
    for (const key of deleted) expect(key).toMatch(/^session#/);
    for (const name of functionNames) {
      const deleting = statementsOf(template, name).filter((statement) =>
        actionsOf([statement]).includes('dynamodb:DeleteItem'),
      );
      for (const { Condition } of deleting) {
        expect(Condition).toEqual({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['session#*'] } });
      }
    }
  });
});
