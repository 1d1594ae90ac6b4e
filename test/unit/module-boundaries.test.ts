import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';

const root = join(import.meta.dirname, '../..');
const { default: config } = (await import(pathToFileURL(join(root, 'eslint.config.js')).href)) as {
  default: Linter.Config[];
};
const linter = new Linter({ cwd: root });

/** The rules a text would break if it stood in that file. The rules that need types are not what is tried here. */
const broken = (path: string, text: string): string[] =>
  linter
    .verify(text, [...config, tseslint.configs.disableTypeChecked] as Linter.Config[], {
      filename: join(root, path),
    })
    .map(({ ruleId, fatal, message }) => (fatal === true ? `fatal: ${message}` : (ruleId ?? message)));

const importing = (path: string, from: string): string[] => broken(path, `import '${from}';\n`);

describe('the boundaries between the modules', () => {
  test.each([
    ['a module importing a function', 'lambdas/session/store.ts', '../functions/session.ts'],
    ['a module importing the infrastructure', 'lambdas/keys/ring.ts', '../../infra/app.ts'],
    ['a module importing the local run', 'lambdas/keys/ring.ts', '../../local/run.ts'],
    ['a module importing a test', 'lambdas/keys/ring.ts', '../../test/support/aws.ts'],
    ['a module importing a handler', 'lambdas/http/function.ts', '../handlers/login.ts'],
    ['a module importing the start', 'lambdas/session/store.ts', '../start.ts'],
    ['a module importing the wiring', 'lambdas/session/store.ts', '../wiring.ts'],
    ['a module entering another’s insides', 'lambdas/http/problem.ts', '../common/errors.ts'],
    ['a handler entering a module’s insides', 'lambdas/handlers/login.ts', '../cis2/attempt.ts'],
    ['a function entering a module’s insides', 'lambdas/functions/session.ts', '../session/store.ts'],
    ['a function importing another', 'lambdas/functions/session.ts', './login.ts'],
    ['a module reversing a direction', 'lambdas/common/crypto.ts', '../session/index.ts'],
    ['session knowing http', 'lambdas/session/store.ts', '../http/index.ts'],
    ['session knowing cis2', 'lambdas/session/store.ts', '../cis2/index.ts'],
    ['session knowing the settings', 'lambdas/session/store.ts', '../settings/index.ts'],
    ['session writing logs', 'lambdas/session/store.ts', '../telemetry/index.ts'],
    ['cis2 knowing session', 'lambdas/cis2/worker.ts', '../session/index.ts'],
    ['cis2 knowing http', 'lambdas/cis2/worker.ts', '../http/index.ts'],
    ['keys knowing aws', 'lambdas/keys/ring.ts', '../aws/index.ts'],
    ['keys knowing the routes', 'lambdas/keys/ring.ts', '../routes.ts'],
    ['session knowing the cookies', 'lambdas/session/store.ts', '../cookie-names.ts'],
    ['http knowing cis2', 'lambdas/http/function.ts', '../cis2/index.ts'],
    ['http knowing session', 'lambdas/http/function.ts', '../session/index.ts'],
    ['session importing oauth4webapi', 'lambdas/session/store.ts', 'oauth4webapi'],
    ['session importing jose', 'lambdas/session/store.ts', 'jose'],
    ['session importing middy', 'lambdas/session/store.ts', '@middy/core'],
    ['cis2 importing the AWS SDK', 'lambdas/cis2/worker.ts', '@aws-sdk/client-dynamodb'],
    ['cis2 importing Lambda’s types', 'lambdas/cis2/worker.ts', 'aws-lambda'],
    ['keys importing oauth4webapi', 'lambdas/keys/ring.ts', 'oauth4webapi'],
    ['http importing the AWS SDK', 'lambdas/http/function.ts', '@aws-sdk/client-dynamodb'],
    ['common importing jose', 'lambdas/common/crypto.ts', 'jose'],
    ['a handler importing the AWS SDK', 'lambdas/handlers/login.ts', '@aws-sdk/client-dynamodb'],
    ['infra entering the settings’ insides', 'infra/app.ts', '../lambdas/settings/rules.ts'],
    ['infra importing session', 'infra/app.ts', '../lambdas/session/index.ts'],
    ['infra importing a function', 'infra/parts/functions.ts', '../../lambdas/functions/session.ts'],
    ['local importing the routes', 'local/run.ts', '../lambdas/routes.ts'],
    ['local importing a function', 'local/run.ts', '../lambdas/functions/session.ts'],
    ['local importing infra', 'local/run.ts', '../infra/app.ts'],
    ['api knowing session', 'lambdas/api/upstream.ts', '../session/index.ts'],
    ['api knowing http', 'lambdas/api/upstream.ts', '../http/index.ts'],
    ['api importing oauth4webapi', 'lambdas/api/upstream.ts', 'oauth4webapi'],
    ['the tokens knowing http', 'lambdas/api/tokens/exchange.ts', '../../http/index.ts'],
    ['the tokens entering the module around them', 'lambdas/api/tokens/exchange.ts', '../upstream.ts'],
    ['the tokens entering another’s insides', 'lambdas/api/tokens/exchange.ts', '../../session/store.ts'],
    ['a handler entering the tokens’ insides', 'lambdas/handlers/login.ts', '../api/tokens/exchange.ts'],
    ['session knowing the tokens', 'lambdas/session/store.ts', '../api/tokens/index.ts'],
    ['infra importing the proxy', 'infra/app.ts', '../lambdas/api/index.ts'],
    ['local importing the proxy', 'local/run.ts', '../lambdas/api/request.ts'],
    ['the client importing the BFF', 'client/api.ts', '../lambdas/api/api-routes.ts'],
    ['the client’s pages importing the BFF', 'client/pages/role.tsx', '../../lambdas/routes.ts'],
    ['a manifest importing the infrastructure', 'manifest/pds.ts', '../infra/stacks.ts'],
    ['a manifest importing the CDK', 'manifest/pds.ts', 'aws-cdk-lib'],
    ['a manifest importing the AWS SDK', 'manifest/pds.ts', '@aws-sdk/client-dynamodb'],
    ['a manifest importing a module', 'manifest/pds.ts', '../lambdas/common/index.ts'],
    ['the checks at run time', 'lambdas/api/api-routes.ts', '../../manifest/index.ts'],
    ['outbound knowing the API', 'lambdas/outbound/http-client.ts', '../api/index.ts'],
    ['infra entering the manifest’s insides', 'infra/app.ts', '../manifest/pds.ts'],
    ['the demo importing the BFF', 'demo/src/main.ts', '../../lambdas/routes.ts'],
  ])('refuse %s', (_, path, from) => {
    expect([...new Set(importing(path, from))]).toEqual(['no-restricted-imports']);
    expect(broken(path, `export * from '${from}';\n`)).toContain('no-restricted-imports');
  });

  test.each([
    ['a module using common', 'lambdas/session/store.ts', '../common/index.ts'],
    ['a module using its own', 'lambdas/session/store.ts', './items.ts'],
    ['session using DynamoDB', 'lambdas/session/store.ts', '@aws-sdk/client-dynamodb'],
    ['cis2 using oauth4webapi', 'lambdas/cis2/provider.ts', 'oauth4webapi'],
    ['cis2 using the settings', 'lambdas/cis2/provider.ts', '../settings/index.ts'],
    ['keys using jose', 'lambdas/keys/private-key.ts', 'jose'],
    ['http using middy', 'lambdas/http/function.ts', '@middy/core'],
    ['http using the routes', 'lambdas/http/function.ts', '../routes.ts'],
    ['a handler using modules', 'lambdas/handlers/login.ts', '../cis2/index.ts'],
    ['a function using handlers', 'lambdas/functions/session.ts', '../handlers/session.ts'],
    ['a function using modules', 'lambdas/functions/session.ts', '../session/index.ts'],
    ['infra using settings', 'infra/parts/functions.ts', '../../lambdas/settings/index.ts'],
    ['the settings using the routes', 'lambdas/settings/urls.ts', '../routes.ts'],
    ['infra using routes', 'infra/parts/http-api.ts', '../../lambdas/routes.ts'],
    ['infra using the cookies’ names', 'infra/parts/web-edge.ts', '../../lambdas/cookie-names.ts'],
    ['keys using the cache times', 'lambdas/keys/rotation.ts', '../key-set-cache.ts'],
    ['infra using the manifest', 'infra/parts/http-api.ts', '../../manifest/index.ts'],
    ['infra using the API routes', 'infra/parts/http-api.ts', '../../lambdas/api/api-routes.ts'],
    ['the tokens using outbound', 'lambdas/api/tokens/exchange.ts', '../../outbound/index.ts'],
    ['the tokens using session', 'lambdas/api/tokens/exchange.ts', '../../session/index.ts'],
    ['the tokens using their own', 'lambdas/api/tokens/exchange.ts', './errors.ts'],
    ['the tokens using oauth4webapi', 'lambdas/api/tokens/exchange.ts', 'oauth4webapi'],
    ['a handler using the tokens', 'lambdas/handlers/api-proxy.ts', '../api/tokens/index.ts'],
    ['a function using the tokens', 'lambdas/functions/api-proxy.ts', '../api/tokens/index.ts'],
    ['local using settings', 'local/cli/options.ts', '../lambdas/settings/index.ts'],
    ['the operator commands using a shared value', 'ops/doctor/site.ts', '../../lambdas/cookie-names.ts'],
  ])('let through %s', (_, path, from) => {
    expect(importing(path, from)).toEqual([]);
  });

  const modules = ['common', 'telemetry', 'http', 'cis2', 'session', 'keys', 'handlers', 'functions', 'aws'];

  test.each(modules.map((module) => `lambdas/${module}/any.ts`))('keep the console out of %s', (path) => {
    expect(broken(path, "console.log('text');\n")).toContain('no-console');
    expect(broken(path, 'console.error(1);\n')).toContain('no-console');
  });

  test.each(['lambdas/session/store.ts', 'lambdas/handlers/login.ts', 'lambdas/functions/jwks.ts'])(
    'keep the environment and the standard streams out of %s',
    (path) => {
      for (const text of ['process.env', "process.env['X']", 'process.stdout', 'process.stderr']) {
        expect(broken(path, `export const value = ${text};\n`)).toEqual(['no-restricted-properties']);
      }
      expect(broken(path, 'export const { env } = process;\n')).toEqual(['no-restricted-properties']);
    },
  );

  test('let the start of a function read the environment, and telemetry write', () => {
    expect(broken('lambdas/start.ts', 'export const value = process.env;\n')).toEqual([]);
    expect(broken('lambdas/telemetry/log.ts', 'export const value = process.stdout;\n')).toEqual([]);
    expect(broken('lambdas/start.ts', 'export const value = process.stdout;\n')).toEqual([
      'no-restricted-properties',
    ]);
  });
});
