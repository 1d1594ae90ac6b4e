import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Role } from '../../lambdas/common/index.ts';
import {
  acceptsRole,
  acrLevels,
  demandsRole,
  functionSettings,
  isAcrValue,
  readSettings,
  settingNames,
  SettingsError,
  unneededScopes,
  type RoleRule,
  type SettingName,
} from '../../lambdas/settings/index.ts';

const good: Record<SettingName, string> = {
  BASE_URL: 'https://app.example.nhs.uk',
  CIS2_ISSUER: 'https://am.example.nhs.uk:443/openam/oauth2/realms/root',
  CIS2_CLIENT_ID: 'rp.unit',
  CIS2_SCOPE: 'openid profile nationalrbacaccess',
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
  SESSION_TABLE: 'sessions',
  PUBLISHED_KEYS_TABLE: 'keys',
  SIGNING_KEYS_SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:keys-AbCdEf',
  IDENTIFIER_KEY_SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:identifiers-AbCdEf',
  EDGE_SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:edge-AbCdEf',
  API_PLATFORM_KEYS: 'shared',
  API_PLATFORM_KEYS_SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:keys-AbCdEf',
  KEY_CUSTODY: 'secret',
  KEY_LEAD_SECONDS: '86400',
  KEY_RING_NAME: 'cis2-bff-unit',
  KEY_CACHE_SECONDS: '60',
  SIGNING_KEY_BITS: '4096',
  UPSTREAMS: '{"pds":"https://api.example.nhs.uk/personal-demographics/FHIR/R4"}',
  CALLS_PER_WINDOW: '600',
  API_PLATFORM_TOKEN_URL: 'https://api.example.nhs.uk/oauth2/token',
  API_PLATFORM_CREDENTIALS_SECRET: 'arn:aws:secretsmanager:eu-west-2:000000000000:secret:application-AbCdEf',
  METRICS_NAMESPACE: 'cis2-bff/cis2-bff-unit',
  LOG_LEVEL: 'info',
  WARM_UP: 'on',
};

const problemsOf = (name: SettingName, value: string | undefined): readonly string[] => {
  try {
    readSettings([name], { ...good, [name]: value });
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
};

describe('settings', () => {
  test('that are all right are read, each into its type', () => {
    expect(readSettings(settingNames, good)).toEqual({
      ...good,
      MINIMUM_AAL: 3,
      MINIMUM_IAL: 3,
      IDLE_SECONDS: 900,
      ABSOLUTE_SECONDS: 43_200,
      SESSIONS_PER_USER: 20,
      KEY_LEAD_SECONDS: 86_400,
      KEY_CACHE_SECONDS: 60,
      SIGNING_KEY_BITS: 4096,
      UPSTREAMS: { pds: 'https://api.example.nhs.uk/personal-demographics/FHIR/R4' },
      CALLS_PER_WINDOW: 600,
    });
  });

  test('are known by this test, every one', () => {
    expect(Object.keys(good).sort()).toEqual([...settingNames].sort());
    expect([...new Set(Object.values(functionSettings).flat())].sort()).toEqual([...settingNames].sort());
  });

  test.each(settingNames)('%s must not be missing, empty, spaces, a list, or hold an end of line', (name) => {
    const list = `${good[name]},${good[name]}`;
    for (const value of [undefined, '', ' ', `${good[name]}\n`, `\n${good[name]}`, `\t${good[name]}`]) {
      expect(problemsOf(name, value)).toEqual([expect.stringContaining(name)]);
    }
    // A name of a resource, a client id or an issuer's path may hold a comma; nothing else may.
    const free: SettingName[] = [
      ...(['CIS2_CLIENT_ID', 'CIS2_ISSUER', 'CIS2_SCOPE', 'SESSION_TABLE', 'PUBLISHED_KEYS_TABLE'] as const),
      ...(['SIGNING_KEYS_SECRET', 'API_PLATFORM_KEYS_SECRET', 'API_PLATFORM_CREDENTIALS_SECRET'] as const),
      'IDENTIFIER_KEY_SECRET',
      'EDGE_SECRET',
    ];
    if (!free.includes(name)) {
      expect(problemsOf(name, list)).toEqual([expect.stringContaining(name)]);
    }
  });

  test.each(settingNames)('%s with a space before or after it is refused', (name) => {
    expect(problemsOf(name, ` ${good[name]}`)).toHaveLength(1);
    expect(problemsOf(name, `${good[name]} `)).toHaveLength(1);
  });

  const numbers = [
    ['MINIMUM_AAL', 1, 3],
    ['MINIMUM_IAL', 0, 3],
    ['IDLE_SECONDS', 1, 900],
    ['ABSOLUTE_SECONDS', 1, 43_200],
    ['SESSIONS_PER_USER', 1, 500],
    ['KEY_CACHE_SECONDS', 0, 3_600],
    ['KEY_LEAD_SECONDS', 0, 31_536_000],
    ['CIS2_FRESHNESS', 1, 300],
    ['CALLS_PER_WINDOW', 1, 100_000],
  ] as const;

  test.each(numbers)('%s is a whole number from %d to %d', (name, least, most) => {
    expect(problemsOf(name, String(least))).toEqual([]);
    expect(problemsOf(name, String(most))).toEqual([]);
    expect(problemsOf(name, String(least - 1))).toHaveLength(1);
    expect(problemsOf(name, String(most + 1))).toHaveLength(1);
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(problemsOf(name, String(value)).length === 0).toBe(value >= least && value <= most);
      }),
    );
  });

  test.each(
    numbers.flatMap(([name]) =>
      [
        'NaN',
        'Infinity',
        '0x1',
        '0b1',
        '1e0',
        '1.0',
        '1,2',
        '+1',
        '-1',
        ' 1',
        '1 ',
        '١',
        '1_0',
        'null',
        'true',
      ].map((value) => [name, value] as const),
    ),
  )('%s is not %j', (name, value) => {
    expect(problemsOf(name, value)).toHaveLength(1);
  });

  test.each(['1024', '2047', '8192', '4096.0', '0x1000', 'NaN', '4096 '])(
    'SIGNING_KEY_BITS is not %j',
    (value) => {
      expect(problemsOf('SIGNING_KEY_BITS', value)).toHaveLength(1);
    },
  );

  test.each([
    ['KEY_CUSTODY', 'Secret'],
    ['KEY_CUSTODY', 'kms,secret'],
    ['API_PLATFORM_KEYS', 'true'],
    ['API_PLATFORM_KEYS', 'own '],
    ['KEY_RING_NAME', 'a/b'],
    ['KEY_RING_NAME', 'a b'],
    ['KEY_RING_NAME', '*'],
    ['KEY_RING_NAME', '-a'],
    ['KEY_RING_NAME', 'a'.repeat(101)],
    ['METRICS_NAMESPACE', ''],
    ['METRICS_NAMESPACE', 'AWS:Lambda'],
  ] as const)('%s is not %j', (name, value) => {
    expect(problemsOf(name, value)).toHaveLength(1);
  });

  test.each([
    ['https://app.example.nhs.uk', true],
    ['https://app.example.nhs.uk:8443', true],
    ['http://localhost:3000', true],
    ['http://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['https://app.example.nhs.uk/', false],
    ['https://app.example.nhs.uk:443', false],
    ['https://app.example.nhs.uk/path', false],
    ['https://app.example.nhs.uk?x', false],
    ['https://app.example.nhs.uk#x', false],
    ['https://user@app.example.nhs.uk', false],
    ['https://user:pass@app.example.nhs.uk', false],
    ['https://APP.example.nhs.uk', false],
    ['HTTPS://app.example.nhs.uk', false],
    ['http://app.example.nhs.uk', false],
    ['http://localhost.example.nhs.uk', false],
    ['http://127.0.0.1.example.nhs.uk', false],
    ['http://0.0.0.0:3000', false],
    ['http://169.254.169.254', false],
    ['ftp://localhost', false],
    ['javascript:alert(1)', false],
    ['//app.example.nhs.uk', false],
    ['app.example.nhs.uk', false],
    ['https://', false],
  ])('BASE_URL %j is taken: %s', (value, taken) => {
    expect(problemsOf('BASE_URL', value).length === 0).toBe(taken);
  });

  test.each([
    ['https://am.example.nhs.uk:443/openam/oauth2', true],
    ['https://am.example.nhs.uk/openam/oauth2', true],
    ['http://127.0.0.1:4000/openam', true],
    ['http://localhost:4000/openam', true],
    ['http://am.example.nhs.uk/openam', false],
    ['https://am.example.nhs.uk/openam?realm=x', false],
    ['https://am.example.nhs.uk/openam?', false],
    ['https://am.example.nhs.uk/openam#x', false],
    ['https://am.example.nhs.uk/openam#', false],
    ['https://a:b@am.example.nhs.uk/openam', false],
    ['https://@am.example.nhs.uk/openam', false],
    ['https://am.example.nhs.uk/open am', false],
    ['https://am.example.nhs.uk/open\tam', false],
    ['https://am.example.nhs.uk\\openam', false],
    ['https:am.example.nhs.uk', false],
    ['https:/am.example.nhs.uk', false],
    ['am.example.nhs.uk', false],
  ])('CIS2_ISSUER %j is taken: %s', (value, taken) => {
    expect(problemsOf('CIS2_ISSUER', value).length === 0).toBe(taken);
  });

  test('CIS2_ISSUER stays the very string that was configured, :443 included', () => {
    expect(readSettings(['CIS2_ISSUER'], good).CIS2_ISSUER).toBe(good.CIS2_ISSUER);
  });

  test.each([
    ['https://int.api.example.nhs.uk/oauth2/token', true],
    ['https://api.example.nhs.uk:443/oauth2/token', true],
    ['https://API.example.nhs.uk/oauth2-mock/token', true],
    ['http://127.0.0.1:4000/oauth2/token', true],
    ['http://localhost:4000/oauth2/token', true],
    ['http://api.example.nhs.uk/oauth2/token', false],
    ['https://api.example.nhs.uk/oauth2/token/', true],
    ['https://api.example.nhs.uk/oauth2/token//', false],
    ['https://api.example.nhs.uk/oauth2/token?x=y', false],
    ['https://api.example.nhs.uk/oauth2/token?', false],
    ['https://api.example.nhs.uk/oauth2/token#', false],
    ['https://a:b@api.example.nhs.uk/oauth2/token', false],
    ['https://api.example.nhs.uk/x/../oauth2/token', false],
    ['https://api.example.nhs.uk//oauth2/token', false],
    ['https://api.example.nhs.uk/oauth2/%74oken', false],
    ['https://169.254.169.254/oauth2/token', false],
    ['https://[fd00:ec2::254]/oauth2/token', false],
    ['https://:443/oauth2/token', false],
    ['https://[api]/oauth2/token', false],
    ['https:api.example.nhs.uk/oauth2/token', false],
    ['api.example.nhs.uk/oauth2/token', false],
  ])('API_PLATFORM_TOKEN_URL %j is taken, and stays as it is: %s', (value, taken) => {
    expect(problemsOf('API_PLATFORM_TOKEN_URL', value).length === 0).toBe(taken);
    if (taken) {
      expect(
        readSettings(['API_PLATFORM_TOKEN_URL'], { API_PLATFORM_TOKEN_URL: value }).API_PLATFORM_TOKEN_URL,
      ).toBe(value);
    }
  });

  test('take no issuer, token endpoint or base URL that leaves the machine without TLS', () => {
    fc.assert(
      fc.property(fc.webAuthority(), fc.webPath(), (authority, path) => {
        expect(problemsOf('API_PLATFORM_TOKEN_URL', `http://${authority}${path}`)).toHaveLength(1);
        expect(problemsOf('CIS2_ISSUER', `http://${authority}${path}`)).toHaveLength(1);
        expect(problemsOf('BASE_URL', `http://${authority}`)).toHaveLength(1);
      }),
    );
  });

  test.each([
    ['/', true],
    ['/signed-out', true],
    ['/a/b.html', true],
    ['//evil.example', false],
    ['/\\evil.example', false],
    ['signed-out', false],
    ['/a?b', false],
    ['/a#b', false],
    ['/a b', false],
    ['/%2f', false],
    ['https://evil.example', false],
    ['/auth', false],
    ['/api/pds/Patient', false],
    ['/x/../auth/login', false],
    ['/./api', false],
    ['/authors', true],
    ['/x/auth', true],
  ])('a path such as %j is taken: %s', (value, taken) => {
    expect(problemsOf('SIGNED_OUT_PATH', value).length === 0).toBe(taken);
    expect(problemsOf('SIGN_IN_ERROR_PATH', value).length === 0).toBe(taken);
  });

  test.each([
    ['openid', true],
    ['profile openid', true],
    ['profile', false],
    ['openid  profile', false],
    ['openid,profile', false],
    ['OPENID', false],
    ['openid "x"', false],
    ['openid\tprofile', false],
  ])('CIS2_SCOPE %j is taken: %s', (value, taken) => {
    expect(problemsOf('CIS2_SCOPE', value).length === 0).toBe(taken);
  });

  test.each(['AAL3', 'aal3_any', 'AAL3_ANY AAL2_ANY', '__proto__', 'constructor', 'toString', '3'])(
    'CIS2_ACR is not %j',
    (value) => {
      expect(problemsOf('CIS2_ACR', value)).toHaveLength(1);
      expect(isAcrValue(value)).toBe(false);
    },
  );

  test.each(Object.keys(acrLevels))('CIS2_ACR may be %s', (value) => {
    expect(problemsOf('CIS2_ACR', value)).toEqual([]);
  });

  test.each([
    ['LOG_LEVEL', ['debug', 'info', 'warn', 'error'], ['DEBUG', 'trace', 'off']],
    ['WARM_UP', ['on', 'off'], ['true', '1', 'ON']],
    ['CIS2_FRESHNESS', ['login', '1', '300'], ['none', 'Login', '301', '0']],
    ['CONCURRENT_SESSIONS', ['allow', 'newest-wins', 'ask'], ['deny', 'Allow', 'newest', 'one']],
  ] as const)('%s is one of %j', (name, taken, refused) => {
    for (const value of taken) expect(problemsOf(name, value)).toEqual([]);
    for (const value of refused) expect(problemsOf(name, value)).toHaveLength(1);
  });

  test.each([
    ['off', true],
    ['https://am.example.nhs.uk:443/openam/connect/endSession', true],
    ['http://127.0.0.1:4000/openam/connect/endSession', true],
    ['on', false],
    ['OFF', false],
    ['/signed-out', false],
    ['http://am.example.nhs.uk/connect/endSession', false],
    ['https://am.example.nhs.uk/connect/endSession?id_token_hint=x', false],
    ['https://am.example.nhs.uk/connect/endSession?', false],
    ['https://am.example.nhs.uk/connect/endSession#', false],
    ['https://a:b@am.example.nhs.uk/connect/endSession', false],
    ['javascript:alert(1)', false],
  ])('END_SESSION_URL %j is taken: %s', (value, taken) => {
    expect(problemsOf('END_SESSION_URL', value).length === 0).toBe(taken);
  });

  test('that are wrong are all named at once, with the value that was got', () => {
    const read = () =>
      readSettings(['BASE_URL', 'IDLE_SECONDS', 'LOG_LEVEL', 'WARM_UP'], {
        ...good,
        BASE_URL: 'http://evil.example',
        IDLE_SECONDS: '901',
        LOG_LEVEL: undefined,
      });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/BASE_URL.*"http:\/\/evil\.example".*IDLE_SECONDS.*"901".*LOG_LEVEL/);
    expect(read).not.toThrow(/WARM_UP/);
  });

  test('never make the reader throw anything but a SettingsError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...settingNames), fc.string({ unit: 'binary' }), (name, value) => {
        expect(problemsOf(name, value).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });
});

const role: Role = {
  roleId: '701',
  roleCode: 'S8000:G8000:R8001',
  jobRoleCode: 'R8001',
  roleName: 'Nurse Access Role',
  orgCode: 'A9A5A',
  orgName: null,
  activityCodes: ['B0360', 'B0428'],
  workgroupCodes: ['W1'],
};

describe('the roles that are accepted', () => {
  const read = (value: unknown) =>
    readSettings(['ACCEPTED_ROLES'], {
      ACCEPTED_ROLES: typeof value === 'string' ? value : JSON.stringify(value),
    }).ACCEPTED_ROLES;

  test.each<[unknown]>([
    ['optional'],
    ['any'],
    [[{ activityCodes: ['B0360'] }]],
    [[{ jobRoleCodes: ['R8001', 'R8000'] }, { workgroups: ['W1'], organisations: ['A9A5A'] }]],
  ])('may be %j', (value) => {
    expect(read(value)).toEqual(value);
  });

  test.each<[unknown]>([
    [''],
    ['none'],
    ['all'],
    ['ANY'],
    ['Optional'],
    ['null'],
    ['true'],
    ['1'],
    ['"any"'],
    ['{}'],
    ['[]'],
    ['[{}]'],
    ['[null]'],
    ['["any"]'],
    ['[[]]'],
    ['[{"activityCodes":["B0360"]}'],
    ['[{"activityCodes":["B0360"]}] '],
    ['[{"activityCodes":\n["B0360"]}]'],
    [[{ activityCodes: [] }]],
    [[{ activityCodes: 'B0360' }]],
    [[{ activityCodes: null }]],
    [[{ activityCodes: [''] }]],
    [[{ activityCodes: [' B0360'] }]],
    [[{ activityCodes: [360] }]],
    [[{ activityCodes: ['B0360', null] }]],
    [[{ activityCodes: [['B0360']] }]],
    [[{ activityCodes: ['B'.repeat(65)] }]],
    [[{ activities: ['B0360'] }]],
    [[{ activityCodes: ['B0360'], organisation: ['A9A5A'] }]],
    [[{ activityCodes: ['B0360'] }, {}]],
    ['[{"__proto__":["B0360"]}]'],
    ['[{"constructor":["B0360"]}]'],
    [[{ organisations: Array.from({ length: 300 }, (_, position) => `ORG${String(position)}`) }]],
  ])('may not be %j', (value) => {
    expect(() => read(value)).toThrow(SettingsError);
  });

  test('that are refused say what a rule looks like, and what was got', () => {
    expect(() => read([{ activities: ['B0360'] }])).toThrow(
      /ACCEPTED_ROLES must be a list of rules, .*activityCodes, jobRoleCodes, organisations, workgroups.*activities/,
    );
  });

  test.each([
    ['optional', false],
    ['any', true],
    [[{ activityCodes: ['B0360'] }], true],
  ] as const)('are demanded by %j: %s', (policy, demanded) => {
    expect(demandsRole(policy)).toBe(demanded);
  });

  test.each<[string, readonly RoleRule[], boolean]>([
    ['one of its activities', [{ activityCodes: ['B9999', 'B0428'] }], true],
    ['other activities', [{ activityCodes: ['B9999'] }], false],
    ['a part of an activity', [{ activityCodes: ['B036'] }], false],
    ['an activity in small letters', [{ activityCodes: ['b0360'] }], false],
    ['its job role', [{ jobRoleCodes: ['R8001'] }], true],
    ['another job role', [{ jobRoleCodes: ['R8000'] }], false],
    ['its organisation', [{ organisations: ['A9A5A'] }], true],
    ['another organisation', [{ organisations: ['Z9Z9Z'] }], false],
    ['its workgroup', [{ workgroups: ['W1'] }], true],
    ['another workgroup', [{ workgroups: ['W2'] }], false],
    ['all it has', [{ activityCodes: ['B0360'], organisations: ['A9A5A'], workgroups: ['W1'] }], true],
    ['all but one', [{ activityCodes: ['B0360'], organisations: ['A9A5A'], workgroups: ['W2'] }], false],
    ['the second of two rules', [{ workgroups: ['W2'] }, { jobRoleCodes: ['R8001'] }], true],
    [
      'half of one rule and half of another',
      [
        { activityCodes: ['B0360'], organisations: ['Z9Z9Z'] },
        { activityCodes: ['B9999'], organisations: ['A9A5A'] },
      ],
      false,
    ],
  ])('take a role by %s', (_, policy, accepted) => {
    expect(acceptsRole(policy, role)).toBe(accepted);
  });

  test('are all of them until rules say which', () => {
    const bare: Role = { ...role, jobRoleCode: null, activityCodes: [], workgroupCodes: [] };
    expect([acceptsRole('optional', bare), acceptsRole('any', bare)]).toEqual([true, true]);
    expect(acceptsRole([{ jobRoleCodes: ['null'] }], bare)).toBe(false);
    expect(acceptsRole([{ workgroups: ['W1'] }], bare)).toBe(false);
  });
});

describe('the scopes that are asked for', () => {
  test.each([
    ['openid', []],
    ['openid profile nhsperson nationalrbacaccess associatedorgs selectedrole', []],
    ['openid email', ['email']],
    [
      'professionalmemberships openid organisationalmemberships',
      ['professionalmemberships', 'organisationalmemberships'],
    ],
    ['openid Profile', ['Profile']],
  ])('in %j and never used are %j [CIS2-SC-003]', (scope, unneeded) => {
    expect(unneededScopes(scope)).toEqual(unneeded);
  });
});

describe('the upstreams', () => {
  const read = (value: unknown) =>
    readSettings(['UPSTREAMS'], { UPSTREAMS: JSON.stringify(value) }).UPSTREAMS;

  test('are names and base URLs, without a slash at the end', () => {
    expect(read({})).toEqual({});
    expect(
      read({
        pds: 'https://API.example.nhs.uk:443/personal-demographics/FHIR/R4/',
        local: 'http://127.0.0.1:9000/',
        'e-rs': 'https://api.example.nhs.uk:8443',
      }),
    ).toEqual({
      pds: 'https://api.example.nhs.uk/personal-demographics/FHIR/R4',
      local: 'http://127.0.0.1:9000',
      'e-rs': 'https://api.example.nhs.uk:8443',
    });
  });

  test.each([
    ...[
      'http://api.example.nhs.uk',
      'ftp://api.example.nhs.uk',
      'api.example.nhs.uk',
      '/x',
      '',
      ' ',
      ...['https://', 'https://:443', 'https://[api]', 'https://api.example.nhs.uk:99999'],
    ],
    ...[
      'https://user@api.example.nhs.uk',
      'https://user:word@api.example.nhs.uk',
      'https://@api.example.nhs.uk',
    ],
    ...['https://api.example.nhs.uk/?x', 'https://api.example.nhs.uk/?', 'https://api.example.nhs.uk/#x'],
    ...[
      'https://api.example.nhs.uk/../x',
      'https://api.example.nhs.uk/x/..',
      'https://api.example.nhs.uk/%2e%2e',
    ],
    ...['https://api.example.nhs.uk//x', 'https://api.example.nhs.uk/x//', 'https://api.example.nhs.uk\\x'],
    ...[
      'https://169.254.169.254',
      'https://10.0.0.1',
      'https://0xa9fea9fe',
      'https://2852039166',
      'https://[::1]:1/x y',
    ],
    ...[
      'https://[fd00:ec2::254]',
      'https://[::ffff:7f00:1]',
      'https://api.example.nhs.uk/x;y',
      'javascript:x',
    ],
    ...[null, 1, true, ['https://api.example.nhs.uk'], {}],
  ])('are never at %j [B-13]', (url) => {
    expect(() => read({ pds: url })).toThrow(SettingsError);
  });

  test('and the rules for roles fit among a function’s settings, of which Lambda takes 4 KB', () => {
    const many = (path: string) => ({
      pds: 'https://api.example.nhs.uk',
      other: `https://api.example.nhs.uk/${path}`,
    });
    const rest = 1_000 - JSON.stringify(many('')).length;
    expect(Object.keys(read(many('x'.repeat(rest))))).toHaveLength(2);
    expect(() => read(many('x'.repeat(rest + 1)))).toThrow(SettingsError);
    // The longest that the two can be, beside what a deployment has.
    const longest = { ...good, UPSTREAMS: 'x'.repeat(1_000), ACCEPTED_ROLES: 'x'.repeat(2_000) };
    const bytes = functionSettings['api-proxy'].map((name) => name.length + longest[name].length);
    expect(bytes.reduce((sum, one) => sum + one)).toBeLessThan(4_096 - 300);
  });

  test.each([
    null,
    [],
    'x',
    1,
    { 'a/b': 'https://a.example' },
    { PDS: 'https://a.example' },
    { '': 'https://a.example' },
  ])('are not %j', (value) => {
    expect(() => read(value)).toThrow(SettingsError);
  });
});
