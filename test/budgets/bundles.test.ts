/** What a cold start has to load. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { upstreams } from '../../bff.config.ts';
import { manifestFileText } from '../../lambdas/api/manifest-file.ts';
import { functionSettings, type SettingName } from '../../lambdas/settings/index.ts';
import { AwsProxy } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Provider } from '../support/provider.ts';
import { proxyBundle } from '../support/proxy-bundle.ts';
import { Tables } from '../support/table.ts';

const maxBundle = 260_000;

const built = join(import.meta.dirname, '../../build/lambdas');
type FunctionName = keyof typeof functionSettings;
const bundleOf = (name: FunctionName): string => join(built, name, 'index.mjs');
const functions = Object.keys(functionSettings) as FunctionName[];

interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly bytes: number;
        readonly inputs: Readonly<Record<string, unknown>>;
        readonly imports: readonly { path: string; kind: string; external?: boolean }[];
      }
    >
  >;
}
const { outputs } = JSON.parse(readFileSync(join(built, 'meta.json'), 'utf8')) as Metafile;
/** What loading a function loads: its entry and whatever that imports, and so on; not what it may load later. */
const loadedBy = (name: FunctionName): string[] => {
  const loaded = Object.keys(outputs).filter((file) => file.endsWith(`/${name}/index.mjs`));
  if (loaded.length !== 1) throw new Error(`${name} is not in meta.json`);
  for (const file of loaded) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true && !loaded.includes(path)) loaded.push(path);
    }
  }
  return loaded;
};
const bytesOf = (name: FunctionName): number =>
  loadedBy(name).reduce((sum, file) => sum + statSync(join(built, name, basename(file))).size, 0);
const inputsOf = (name: FunctionName): string[] =>
  loadedBy(name).flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));

const packageOf = (input: string): string =>
  /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? 'ours';

describe('the bundles', () => {
  test.each(functions)('%s is small enough', (name) => {
    // The metafile is about these very files.
    for (const file of loadedBy(name)) {
      expect(outputs[file]?.bytes).toBe(statSync(join(built, name, basename(file))).size);
    }
    expect(bytesOf(name)).toBeLessThanOrEqual(maxBundle);
  });

  test.each(functions)('%s holds one source of AWS credentials, the environment', (name) => {
    const inputs = inputsOf(name);
    const packages = new Set(inputs.map(packageOf));
    const chain = [...packages].filter((found) =>
      /credential-provider|token-providers|client-sso|client-sts|nested-clients|shared-ini|undici/.test(
        found,
      ),
    );
    expect(chain).toEqual([]);
    const usesAws = [...packages].some((found) => found.startsWith('@aws-sdk/client-'));
    expect(inputs.includes('lambdas/aws/environment-credentials.ts')).toBe(usesAws);
  });

  test.each(functions)('%s holds nothing of the AWS SDK that another stands in for', (name) => {
    const inputs = inputsOf(name);
    expect(
      inputs.filter((input) => /endpoint-discovery\/|endpoint-cache|invoke-store\/|Sha256Js/.test(input)),
    ).toEqual([]);
    const standIns = ['no-endpoint-discovery', 'no-invoke-store', 'sha256'].map(
      (file) => `lambdas/aws/${file}.ts`,
    );
    const uses = (client: string): boolean => inputs.map(packageOf).includes(`@aws-sdk/client-${client}`);
    const expected = uses('dynamodb') ? standIns : uses('secrets-manager') ? standIns.slice(1) : [];
    expect(standIns.filter((file) => inputs.includes(file))).toEqual(expected);
  });

  test('only those that talk to CIS2 or get tokens hold an OpenID client, and only those that read secrets a client for them', () => {
    const holding = (dependency: string): FunctionName[] =>
      functions.filter((name) => inputsOf(name).map(packageOf).includes(dependency));
    expect(holding('oauth4webapi')).toEqual(['login', 'callback', 'api-proxy', 'backchannel-logout']);
    expect(holding('@aws-sdk/client-secrets-manager')).toEqual([
      ...['login', 'callback', 'session', 'api-proxy', 'backchannel-logout', 'keys-status'],
      ...['operator-sessions', 'rotate-signing-keys'],
    ]);
    // Where no key lies in KMS, nobody loads its client.
    expect(holding('@aws-sdk/client-kms')).toEqual([]);
    expect(holding('@aws-sdk/client-dynamodb').sort()).toEqual(
      functions.filter((name) => !['unknown-route', 'login', 'audit-trail'].includes(name)).sort(),
    );
  });
});

describe('a cold start', () => {
  let store: AwsProxy;
  let secrets: AwsProxy;
  let proxy: ReturnType<typeof proxyBundle>;
  let names: Pick<
    Record<SettingName, string>,
    | 'SESSION_TABLE'
    | 'PUBLISHED_KEYS_TABLE'
    | 'SIGNING_KEYS_SECRET'
    | 'IDENTIFIER_KEY_SECRET'
    | 'EDGE_SECRET'
    | 'API_PLATFORM_KEYS_SECRET'
    | 'API_PLATFORM_CREDENTIALS_SECRET'
  >;

  beforeAll(async () => {
    proxy = proxyBundle();
    [store, secrets] = await Promise.all([AwsProxy.dynamoDb(), AwsProxy.secretsManager()]);
    // A local run makes the tables and the keys, and is not needed for longer.
    const bff = await Bff.start({ 'dynamodb-endpoint': store.url, 'secrets-endpoint': secrets.url });
    await bff.stop();
    const tables = await Tables.at(store.url);
    const tableOf = (part: string): string => tables.names.find((name) => name.includes(part)) ?? '';
    const filled = secrets.calls.filter(({ operation }) => operation === 'PutSecretValue');
    const secretWith = (member: string): string =>
      String(
        filled.find(({ body }) => String(body['SecretString']).includes(`"${member}"`))?.body['SecretId'],
      );
    const secret = secretWith('keys');
    const generated = (part: string): string =>
      String(
        secrets.calls.find(
          ({ operation, body }) =>
            operation === 'CreateSecret' && 'SecretString' in body && String(body['Name']).includes(part),
        )?.body['Name'],
      );
    names = {
      SESSION_TABLE: tableOf('Sessions'),
      PUBLISHED_KEYS_TABLE: tableOf('Keys'),
      IDENTIFIER_KEY_SECRET: generated('Identifier'),
      EDGE_SECRET: generated('EdgeSecret'),
      ...{ SIGNING_KEYS_SECRET: secret, API_PLATFORM_KEYS_SECRET: secret },
      API_PLATFORM_CREDENTIALS_SECRET: secretWith('apiKey'),
    };
    tables.close();
    store.reset();
    secrets.reset();
  });
  afterAll(async () => {
    proxy.remove();
    await Promise.all([store.close(), secrets.close()]);
  });

  const settings = (warmUp: 'on' | 'off'): Record<SettingName, string> => ({
    BASE_URL: 'http://localhost:3000',
    CIS2_ISSUER: 'https://cis2.example.nhs.uk:443/openam',
    CIS2_CLIENT_ID: 'rp.budgets',
    CIS2_SCOPE: 'openid profile',
    CIS2_ACR: 'AAL3_ANY',
    CIS2_FRESHNESS: 'login',
    MINIMUM_AAL: '3',
    MINIMUM_IAL: '3',
    ACCEPTED_ROLES: 'optional',
    IDLE_SECONDS: '900',
    ABSOLUTE_SECONDS: '43200',
    CONCURRENT_SESSIONS: 'allow',
    SESSIONS_PER_USER: '20',
    SIGN_IN_ERROR_PATH: '/sign-in-error',
    SIGNED_OUT_PATH: '/signed-out',
    END_SESSION_URL: 'off',
    CLOUDFORMATION_RESPONSE_ORIGIN: 'aws',
    UPSTREAMS: '{"pds":"https://api.example.nhs.uk"}',
    CALLS_PER_WINDOW: '600',
    API_PLATFORM_TOKEN_URL: 'https://api.example.nhs.uk/oauth2/token',
    KEY_CACHE_SECONDS: '60',
    SIGNING_KEY_BITS: '2048',
    API_PLATFORM_KEYS: 'shared',
    KEY_CUSTODY: 'secret',
    KEY_LEAD_SECONDS: '0',
    KEY_RING_NAME: 'cis2-bff-budgets',
    METRICS_NAMESPACE: 'cis2-bff/cis2-bff-budgets',
    LOG_LEVEL: 'info',
    WARM_UP: warmUp,
    ...names,
  });

  interface Started {
    /** Modules of Node's own that were loaded. */
    readonly modules: readonly string[];
    /** Events in the log. */
    readonly log: readonly Record<string, unknown>[];
    readonly handler: string;
    /** What loading it took: the function's own start, without that of the process. */
    readonly milliseconds: number;
  }

  /** Loads a bundle in a process of its own, with the function's settings and nothing else. */
  async function start(
    name: FunctionName,
    warmUp: 'on' | 'off',
    {
      after = '',
      endpoint,
      change = {},
      file = name === 'api-proxy' ? proxy.file : bundleOf(name),
    }: {
      after?: string;
      endpoint?: string;
      change?: Partial<Record<SettingName, string>>;
      file?: string;
    } = {},
  ): Promise<Started> {
    const wanted: readonly SettingName[] = functionSettings[name];
    const all = { ...settings(warmUp), ...change };
    // AWS is reached by https alone. Plain http, which only the stores of this test speak, has the SDK import an
    // ES module facade of node:http, and making that loads the very thing that is looked for.
    const script = `import { registerHooks } from 'node:module';
      const http = 'data:text/javascript,' + encodeURIComponent(
        'const http = process.getBuiltinModule("http"); export default http; export const { request, Agent } = http;');
      registerHooks({
        resolve: (name, context, next) =>
          /^(node:)?http$/.test(name) ? { url: http, shortCircuit: true } : next(name, context),
      });
      const before = performance.now();
      const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
      const milliseconds = performance.now() - before;
      ${after}
      console.log('started ' + JSON.stringify({ handler: typeof handler, milliseconds, modules: process.moduleLoadList }));
      process.exit(0);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: {
        ...Object.fromEntries(wanted.map((setting) => [setting, all[setting]])),
        AWS_REGION: 'eu-west-2',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_ENDPOINT_URL_DYNAMODB: endpoint ?? store.url,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint ?? secrets.url,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output = '', errors = ''] = await Promise.all(
      [child.stdout, child.stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString()),
    );
    const line = /^started (.*)$/m.exec(output)?.[1];
    if (line === undefined) throw new Error(`${name} did not start:\n${output}${errors}`);
    return {
      ...(JSON.parse(line) as Omit<Started, 'log'>),
      log: output
        .split('\n')
        .filter((text) => text.startsWith('{'))
        .map((text) => JSON.parse(text) as Record<string, unknown>),
    };
  }

  const httpClient = (modules: readonly string[]): string[] => modules.filter((name) => /undici/.test(name));

  const warms: readonly FunctionName[] = [
    ...(['login', 'callback', 'session', 'api-proxy', 'backchannel-logout', 'jwks'] as const),
  ];

  describe.each(['off', 'on'] as const)('with warm-up %s', (warmUp) => {
    // These need what CIS2 publishes, and fetch it as they start.
    const quiet = functions.filter(
      (name) => warmUp === 'off' || !['login', 'callback', 'backchannel-logout'].includes(name),
    );
    test.each(quiet)('does not load an HTTP client for %s', async (name) => {
      const started = await start(name, warmUp);
      expect(started.handler).toBe('function');
      expect(httpClient(started.modules)).toEqual([]);
      const warmed = started.log.filter(({ event }) => event === 'warm_up');
      expect(warmed).toHaveLength(warmUp === 'on' && warms.includes(name) ? 1 : 0);
      for (const entry of warmed) expect(entry).not.toHaveProperty('failed');
    });
  });

  test.each(['session', 'api-proxy', 'jwks'] as const)(
    'does not load an HTTP client for %s on its way to an https address, as AWS’s are',
    async (name) => {
      const started = await start(name, 'on', { endpoint: 'https://127.0.0.1:1' });
      expect(started.log).toContainEqual(
        expect.objectContaining({ event: 'warm_up', failed: expect.any(String) }),
      );
      expect(httpClient(started.modules)).toEqual([]);
    },
  );

  test('would be seen to load one', async () => {
    const started = await start('unknown-route', 'off', { after: 'await fetch("data:,");' });
    expect(httpClient(started.modules)).not.toEqual([]);
  });

  test.each([
    [
      'callback',
      'the signing key and the key of the identifiers',
      ['SIGNING_KEYS_SECRET', 'IDENTIFIER_KEY_SECRET'],
    ],
    ['backchannel-logout', 'the key of the identifiers', ['IDENTIFIER_KEY_SECRET']],
    [
      'api-proxy',
      'the signing key and the credentials',
      ['API_PLATFORM_KEYS_SECRET', 'API_PLATFORM_CREDENTIALS_SECRET'],
    ],
  ] as const)(
    'of %s opens the store and reads %s, so that the first request need not',
    async (name, _what, read) => {
      store.reset();
      secrets.reset();
      await start(name, 'on');
      expect(store.calls.map(({ operation }) => operation)).toEqual(['GetItem']);
      // The value of the edge, and the one before it.
      const all = ['EDGE_SECRET', 'EDGE_SECRET', ...read] as const;
      expect(secrets.calls.map(({ operation, body }) => [operation, body['SecretId']])).toEqual(
        all.map((setting) => ['GetSecretValue', names[setting]]),
      );
    },
  );

  test('of login reads the value of the edge, and opens no store', async () => {
    store.reset();
    secrets.reset();
    await start('login', 'on');
    expect(store.calls).toEqual([]);
    expect(secrets.calls.map(({ operation, body }) => [operation, body['SecretId']])).toEqual([
      ['GetSecretValue', names.EDGE_SECRET],
      ['GetSecretValue', names.EDGE_SECRET],
    ]);
  });

  test.each([
    ['login', 'metadata', ['discovery']],
    ['callback', 'metadata and keys', ['discovery', 'jwks']],
    ['backchannel-logout', 'metadata and keys', ['discovery', 'jwks']],
  ] as const)(
    'of %s reads CIS2’s %s, so that the first request need not; and starts without them',
    async (name, _what, read) => {
      const provider = await Provider.start();
      try {
        const change = { CIS2_ISSUER: provider.issuer };
        const started = await start(name, 'on', { change });
        expect(provider.requests.map(({ endpoint }) => endpoint)).toEqual(read);
        expect(started.log).toContainEqual(expect.objectContaining({ event: 'warm_up' }));
        expect(started.log).not.toContainEqual(expect.objectContaining({ failed: expect.anything() }));
        provider.requests.length = 0;
        await start(name, 'off', { change });
        expect(provider.requests).toEqual([]);

        for (const kind of ['reset', 'hang'] as const) {
          provider.faults.set('discovery', { kind });
          const away = await start(name, 'on', { change });
          expect(away.handler).toBe('function');
          expect(away.milliseconds).toBeLessThan(6_000);
          expect(away.log).toContainEqual(
            expect.objectContaining({ event: 'warm_up', failed: expect.any(String) }),
          );
        }
      } finally {
        await provider.close();
      }
    },
  );
  test.each<[string, string | null, string]>([
    ['no manifest', null, 'not beside'],
    ['an empty manifest', '', 'not JSON'],
    ['a manifest that is cut off', '{"format":1,', 'not JSON'],
    ['null', 'null', 'another format'],
    ['a manifest of another format', '{"format":2}', 'another format'],
    ['a manifest without its digest', '{"format":1,"upstreams":{}}', 'not what was checked'],
    [
      'a manifest that was changed by hand',
      manifestFileText(upstreams).replace('"role":"chosen"', '"role":"none"'),
      'not what was checked',
    ],
  ])('of the proxy with %s does not happen, and the log says why', async (_, manifest, why) => {
    const { file, remove } = proxyBundle(manifest);
    try {
      await expect(start('api-proxy', 'off', { file })).rejects.toThrow(
        new RegExp(`"event":"manifest_unusable".*${why}`),
      );
    } finally {
      remove();
    }
  });

  test('says which scopes are asked for and never used, by CIS2’s own requirement [CIS2-SC-003]', async () => {
    const warnings = async (scope: string) =>
      (await start('login', 'off', { change: { CIS2_SCOPE: scope } })).log.filter(
        ({ event }) => event === 'scopes_unneeded',
      );
    expect(await warnings('openid profile email professionalmemberships')).toEqual([
      expect.objectContaining({
        level: 'warn',
        scopes: ['email', 'professionalmemberships'],
        requirement: 'NHS CIA SC Req 003',
      }),
    ]);
    expect(await warnings('openid profile nhsperson nationalrbacaccess associatedorgs')).toEqual([]);
  });

  test('does nothing of the kind when warm-up is off', async () => {
    store.reset();
    secrets.reset();
    await start('callback', 'off');
    expect(store.calls).toEqual([]);
    expect(secrets.calls).toEqual([]);
  });

  test.each<[string, 'hang' | 'fail' | 'reset']>([
    ['hangs', 'hang'],
    ['fails', 'fail'],
    ['breaks off', 'reset'],
  ])('is no longer than the warm-up may take when the store %s, and says so', async (_, verdict) => {
    store.judge = () => verdict;
    const started = await start('session', 'on');
    expect(started.milliseconds).toBeLessThan(6_000);
    expect(started.handler).toBe('function');
    expect(started.log).toContainEqual(
      expect.objectContaining({
        event: 'warm_up',
        failed: verdict === 'hang' ? 'too slow' : 'StoreUnavailable',
      }),
    );
    store.reset();
  });
});

afterAll(() => {
  const rows = functions.map((name) => {
    const size = bytesOf(name);
    return `  ${name.padEnd(22)}${size.toLocaleString('en-GB').padStart(9)} bytes of ${maxBundle.toLocaleString('en-GB')}`;
  });
  process.stdout.write(`\nBundles\n${rows.join('\n')}\n`);
});
