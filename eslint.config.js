import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Files of plain values in `lambdas/`, which modules and the infrastructure share. */
const sharedValues = [
  'cookie-names',
  'fault-codes',
  'key-set-cache',
  'probe-code',
  'response-headers',
  'ring-tag',
  'routes',
];

/**
 * The module boundaries. A module is entered through its `index.ts`; what a module may use is listed here, and everything
 * else is refused. Directions are never reversed: functions wire handlers, handlers use modules, modules use `common`.
 */
const modules = {
  common: [],
  telemetry: ['common'],
  aws: [],
  settings: ['common', 'routes'],
  http: ['common', 'telemetry', 'cookie-names', 'response-headers', 'routes'],
  cis2: ['common', 'settings', 'outbound'],
  session: ['common'],
  keys: ['common', 'key-set-cache', 'ring-tag'],
  outbound: ['common', 'settings'],
  api: ['common', 'settings', 'outbound'],
  'api/tokens': ['common', 'telemetry', 'session', 'settings', 'outbound'],
  handlers: [
    ...['common', 'telemetry', 'http', 'cis2', 'session', 'keys', 'api', 'api/tokens', 'settings'],
    ...['key-set-cache', 'probe-code'],
  ],
};
const moduleNames = Object.keys(modules);
const forbiddenPackages = {
  common: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  telemetry: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  aws: ['oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  settings: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  http: ['@aws-sdk/*', 'oauth4webapi', 'jose'],
  cis2: ['@aws-sdk/*', '@middy/*', 'aws-lambda'],
  session: ['oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  keys: ['oauth4webapi', '@middy/*', 'aws-lambda'],
  outbound: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  api: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*', 'aws-lambda'],
  'api/tokens': ['@middy/*', 'aws-lambda'],
  handlers: ['@aws-sdk/*', 'oauth4webapi', 'jose', '@middy/*'],
};

const refuse = (...patterns) => ({
  'no-restricted-imports': [
    'error',
    { patterns: patterns.filter(({ group, regex }) => regex ?? group.length > 0) },
  ],
});

/** What may be imported other than through index.ts: a module inside another has an entry point of its own. */
const entryPointOnly = {
  regex: '^\\.\\./(?!handlers/|api/tokens/index\\.ts$)[a-z0-9]+/(?!index\\.ts$)',
  message: 'Import a module through its index.ts.',
};

/** The types of the package's manifest must not lead to those of Node.js, which an app in a browser does not have. */
const entryPointOrPlainData = {
  regex: '^\\.\\./[a-z0-9]+/(?!index\\.ts$|(?<=common/)(?:json|healthcare-worker)\\.ts$)',
  message: 'Import a module through its index.ts; of common, json.ts and healthcare-worker.ts.',
};

const moduleRules = (module) => {
  const inner = module.includes('/');
  const up = inner ? '../../' : '../';
  return {
    files: [`lambdas/${module}/**/*.ts`],
    rules: refuse(
      {
        group: ['**/functions/**', '**/infra/**', '**/local/**', '**/test/**', '**/manifest/**'],
        message: 'Modules know nothing of what uses them.',
      },
      {
        group: [
          ...moduleNames
            .filter((other) => other !== module && !modules[module].includes(other))
            .flatMap((other) => [`${up}${other}`, `${up}${other}/**`]),
          ...sharedValues
            .filter((values) => !modules[module].includes(values))
            .map((values) => `${up}${values}.ts`),
          `${up}start.ts`,
          `${up}wiring.ts`,
        ],
        message: `lambdas/${module} may use only: ${modules[module].join(', ') || 'nothing'}.`,
      },
      inner
        ? {
            regex: '^\\.\\./(?!\\.\\./[a-z0-9]+/index\\.ts$|\\.\\./[a-z]+\\.ts$)',
            message: 'Import a module through its index.ts.',
          }
        : module === 'settings'
          ? entryPointOrPlainData
          : entryPointOnly,
      { group: forbiddenPackages[module], message: `Not in lambdas/${module}.` },
    ),
  };
};

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'build/',
      'cdk.out/',
      '**/dist/',
      '.local/',
      'infra/parts/*.js',
      'test/consumer/*/',
      'templates/',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ['**/*.ts', '**/*.tsx'] })),
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: {
      parserOptions: {
        projectService: false,
        project: [
          './tsconfig.json',
          './infra/tsconfig.json',
          './demo/tsconfig.json',
          './client/tsconfig.json',
          './test/client/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  { files: ['**/*.js'], languageOptions: { globals: { console: 'readonly', process: 'readonly' } } },
  {
    files: ['demo/public/*.js'],
    languageOptions: {
      ecmaVersion: 5,
      sourceType: 'script',
      globals: { document: 'readonly', window: 'readonly' },
    },
  },
  ...moduleNames.map(moduleRules),
  {
    files: ['lambdas/functions/*.ts'],
    rules: refuse({ group: ['./*'], message: 'Functions never use one another.' }, entryPointOnly),
  },
  {
    // Nothing is loaded later, and no boundary can be bypassed with a dynamic import. Only what most installations never need
    // is, KMS's client and what uses it; and what verifies JWTs, which an instance needs with CIS2's first keys.
    files: ['lambdas/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportExpression:not([source.value=/^[.][/](kms[/]index|signed-jwt)[.]ts$/])',
          message: 'Import it at the top.',
        },
        {
          selector: 'ImportDeclaration[source.value=/^(node:)?process$/]',
          message: 'Settings come from lambdas/settings.',
        },
        {
          selector: "MemberExpression[object.name='globalThis'][property.name='process']",
          message: 'Settings come from lambdas/settings.',
        },
      ],
    },
  },
  {
    // Only telemetry writes logs.
    files: ['lambdas/**/*.ts'],
    ignores: ['lambdas/telemetry/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'stdout' },
        { object: 'process', property: 'stderr' },
      ],
      'no-restricted-globals': ['error', 'console'],
    },
  },
  {
    // Settings come from lambdas/settings; these three read the environment for it.
    files: ['lambdas/**/*.ts'],
    ignores: ['lambdas/start.ts', 'lambdas/aws/environment-credentials.ts', 'lambdas/telemetry/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env' },
        { object: 'process', property: 'stdout' },
        { object: 'process', property: 'stderr' },
      ],
    },
  },
  {
    files: ['infra/**/*.ts'],
    rules: refuse({
      regex:
        `lambdas/(?!settings/index\\.ts$|(?:${sharedValues.join('|')})\\.ts$|common/json\\.ts$|api/(?:api-routes|manifest-file)\\.ts$)` +
        '|manifest/(?!(?:bff-config|index|nearest|page-policies|problems)\\.ts$)',
      message:
        'Of lambdas/, the infrastructure uses the settings, the shared values, the helpers for JSON, the API routes and the manifest file only.',
    }),
  },
  {
    files: ['manifest/**/*.ts'],
    rules: refuse({
      regex:
        'lambdas/(?!settings/index\\.ts$|api/(?:api-routes|manifest-types|value-rules)\\.ts$)|/infra/|/local/|^aws-|^@aws-',
      message: 'A manifest is plain data: it needs neither the CDK nor the functions.',
    }),
  },
  {
    files: ['tools/**/*.ts'],
    // What the others are about is the package, a template or a change set.
    ignores: [
      ...['tools/build-package.ts', 'tools/new-app.ts', 'tools/api-reference.ts', 'tools/configuration.ts'],
      ...['tools/change-set/*.ts', 'tools/rights/*.ts'],
    ],
    rules: {
      ...refuse({
        regex:
          'lambdas/(?!settings/index\\.ts$|cookie-names\\.ts$|api/[a-z-]+\\.ts$)|/infra/|/local/|manifest/(?!index\\.ts$)',
        message:
          'The tools for the route manifest use the settings, the cookies’ names and lambdas/api only.',
      }),
      'no-console': 'off',
    },
  },
  {
    files: ['client/**/*.ts', 'client/**/*.tsx'],
    rules: refuse({
      regex: '/(lambdas|infra|local|tools)/',
      message: 'The client knows the BFF by its public contract only.',
    }),
  },
  {
    files: ['local/**/*.ts'],
    rules: {
      ...refuse({
        regex: 'lambdas/(?!settings/index\\.ts$|common/json\\.ts$|api/manifest-file\\.ts$)|/infra/',
        message:
          'The local run reads what was synthesised; of lambdas/ it uses the settings, the helpers for JSON and the manifest file only.',
      }),
      'no-console': 'off',
    },
  },
  {
    files: ['ops/**/*.ts'],
    rules: refuse({
      regex:
        '/(infra|demo|test)/|/local/(?!state-file\\.ts$|processes\\.ts$|cli/(?:called-as|option-specs)\\.ts$)|/lambdas/(?!(common/json|common/id-rules|cookie-names|fault-codes|probe-code|response-headers|settings/urls)\\.ts$)',
      message:
        'Operators come from outside: AWS, or what a local start says of itself. Of lambdas/ they use rules and values that stand in files of their own.',
    }),
  },
  {
    files: ['demo/**/*.ts', 'demo/**/*.tsx'],
    rules: refuse({
      regex: '/(lambdas|infra|local)/',
      message: 'The demo knows the BFF by its public contract only.',
    }),
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
