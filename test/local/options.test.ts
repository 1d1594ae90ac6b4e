import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { acrLevels } from '../../lambdas/settings/index.ts';
import { assemblyDirectory } from '../../local/build.ts';
import { Functions } from '../../local/aws/functions.ts';
import { StartError } from '../../local/errors.ts';
import { helpText, parseOptions, valuesOfVariable } from '../../local/cli/options.ts';
import type { Options } from '../../local/cli/options.ts';
import { Assembly } from '../../local/aws/template.ts';
import { collectedLog } from './helpers.ts';

const parse = (args: string[], environment: Record<string, string> = {}): Options => {
  const options = parseOptions(args, environment);
  if (options === 'help') throw new Error('help was not asked for');
  return options;
};

/** The values that the functions of the template have in a start with these options. */
const settingsAtStart = (args: string[]): Record<string, string[]> => {
  const assembly = Assembly.read(assemblyDirectory);
  for (const resource of assembly.resources('AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret')) {
    assembly.define(resource, { ref: resource.logicalId, attributes: { Arn: resource.logicalId } });
  }
  const functions = new Functions(assembly, {
    endpoints: {
      dynamodb: 'http://127.0.0.1:1',
      secretsManager: 'http://127.0.0.1:1',
      kms: 'http://127.0.0.1:1',
    },
    overrides: parse(args).settings,
    log: collectedLog(),
  });
  const environments = assembly
    .resources('AWS::Lambda::Function')
    .map((resource) => functions.get(resource).spec.environment);
  return Object.fromEntries(
    [
      'IDLE_SECONDS',
      'ABSOLUTE_SECONDS',
      'CIS2_ACR',
      'MINIMUM_AAL',
      'MINIMUM_IAL',
      'KEY_CACHE_SECONDS',
      'KEY_LEAD_SECONDS',
      'KEY_CUSTODY',
      'SIGNING_KEY_BITS',
    ].map((name) => [
      name,
      [...new Set(environments.flatMap(({ [name]: value }) => (value === undefined ? [] : [value])))],
    ]),
  );
};

describe('options of a local run', () => {
  test('the defaults are those of the contract', () => {
    expect(parse([])).toEqual({
      port: 3000,
      issuer: undefined,
      clientId: 'cis2-bff-local',
      tokenExchangeUrl: undefined,
      application: { apiKey: 'local-api-key', apiSecret: 'local-api-secret' },
      upstreams: {},
      dynamodbEndpoint: undefined,
      secretsEndpoint: undefined,
      kmsEndpoint: undefined,
      logFile: undefined,
      logFormat: undefined,
      quiet: false,
      baseUrl: undefined,
      spa: undefined,
      settings: {
        CIS2_CLIENT_ID: 'cis2-bff-local',
        KEY_LEAD_SECONDS: '0',
        KEY_CUSTODY: 'secret',
      },
    });
  });

  test('a start without options runs with the limits and the policy of the contract', () => {
    expect(settingsAtStart([])).toEqual({
      IDLE_SECONDS: ['900'],
      ABSOLUTE_SECONDS: ['43200'],
      CIS2_ACR: ['AAL3_ANY'],
      MINIMUM_AAL: ['3'],
      MINIMUM_IAL: ['3'],
      KEY_CACHE_SECONDS: ['60'],
      KEY_CUSTODY: ['secret'],
      SIGNING_KEY_BITS: ['4096'],
      // A rotation on a laptop need not wait until every cache has seen the key that comes.
      KEY_LEAD_SECONDS: ['0'],
    });
  });

  test.each([
    ['idle-seconds', '20', 'IDLE_SECONDS'],
    ['absolute-seconds', '60', 'ABSOLUTE_SECONDS'],
    ['acr', 'AAL2_ANY', 'CIS2_ACR'],
    ['min-aal', '2', 'MINIMUM_AAL'],
    ['min-ial', '2', 'MINIMUM_IAL'],
    ['key-cache-seconds', '1', 'KEY_CACHE_SECONDS'],
    ['key-lead-seconds', '3600', 'KEY_LEAD_SECONDS'],
    ['key-custody', 'kms', 'KEY_CUSTODY'],
    ['key-bits', '2048', 'SIGNING_KEY_BITS'],
  ] as const)(
    '--%s %s takes the place of the value in the template, and no other does',
    (name, value, setting) => {
      expect(settingsAtStart([`--${name}`, value])).toEqual({ ...settingsAtStart([]), [setting]: [value] });
      const variable = `BFF_${name.replaceAll('-', '_').toUpperCase()}`;
      expect(parse([], { [variable]: value })).toEqual(parse([`--${name}`, value]));
      expect(parse([], { [variable]: '' })).toEqual(parse([]));
    },
  );

  test('every option can be an environment variable, and the command line wins', () => {
    const environment = {
      BFF_PORT: '4000',
      BFF_IDLE_SECONDS: '30',
      BFF_CLIENT_ID: 'from-environment',
      BFF_ISSUER: 'http://127.0.0.1:9999/realm',
      BFF_LOG: '/tmp/x.log',
      BFF_QUIET: '1',
      BFF_DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000',
    };
    const options = parse(['--port', '4100', '--idle-seconds=20'], environment);
    expect(options.port).toBe(4100);
    expect(options.settings.IDLE_SECONDS).toBe('20');
    expect(options.clientId).toBe('from-environment');
    expect(options.issuer).toBe('http://127.0.0.1:9999/realm');
    expect(options.settings.CIS2_ISSUER).toBe('http://127.0.0.1:9999/realm');
    expect(options.logFile).toBe('/tmp/x.log');
    expect(options.quiet).toBe(true);
    expect(options.dynamodbEndpoint).toBe('http://127.0.0.1:8000');
  });

  test('upstreams can be given one after the other, or in one variable with commas', () => {
    const [pds, other] = ['pds=https://pds.example.nhs.uk/FHIR/R4', 'other=http://127.0.0.1:4000'];
    const upstreams = { pds: 'https://pds.example.nhs.uk/FHIR/R4', other: 'http://127.0.0.1:4000' };
    expect(parse(['--upstream', pds, '--upstream', other]).upstreams).toEqual(upstreams);
    expect(parse([], { BFF_UPSTREAM: `${pds}, ${other}` }).upstreams).toEqual(upstreams);
    expect(valuesOfVariable(` ${pds} ,${other},`)).toEqual([pds, other]);
    expect(parse([], { BFF_UPSTREAM: '' }).upstreams).toEqual({});
    expect(parse(['--upstream', pds], { BFF_UPSTREAM: other }).upstreams).toEqual({ pds: upstreams.pds });
  });

  test('what the API platform knows us by is no setting, and where it gives tokens is one, byte for byte', () => {
    const url = 'https://int.example.nhs.uk:443/oauth2/token';
    const options = parse([], {
      BFF_API_KEY: 'a-key',
      BFF_API_SECRET: 'a-secret',
      BFF_TOKEN_EXCHANGE_URL: url,
    });
    expect(options.application).toEqual({ apiKey: 'a-key', apiSecret: 'a-secret' });
    expect(options.tokenExchangeUrl).toBe(url);
    expect(options.settings.API_PLATFORM_TOKEN_URL).toBe(url);
    expect(JSON.stringify(options.settings)).not.toContain('a-secret');
  });

  test('an issuer is kept byte for byte', () => {
    expect(parse(['--issuer', 'https://am.example.nhs.uk:443/realm']).settings.CIS2_ISSUER).toBe(
      'https://am.example.nhs.uk:443/realm',
    );
  });

  test.each([
    [['--idle-seconds', '901'], '--idle-seconds must be a whole number from 1 to 900, got "901"'],
    [
      ['--absolute-seconds', '43201'],
      '--absolute-seconds must be a whole number from 1 to 43200, got "43201"',
    ],
    [['--idle-seconds', '0'], '--idle-seconds must be a whole number from 1 to 900, got "0"'],
    [['--idle-seconds', '5.5'], '--idle-seconds must be a whole number from 1 to 900, got "5.5"'],
    [['--min-aal', '4'], '--min-aal must be a whole number from 1 to 3, got "4"'],
    [['--min-ial', 'x'], '--min-ial must be a whole number from 0 to 3, got "x"'],
    [
      ['--key-cache-seconds', '3601'],
      '--key-cache-seconds must be a whole number from 0 to 3600, got "3601"',
    ],
    [['--client-id', ''], '--client-id is missing'],
    [['--port', '65536'], '--port must be a whole number from 0 to 65535, got "65536"'],
    [['--port', 'http'], '--port must be a whole number from 0 to 65535, got "http"'],
    [['--dynamodb-endpoint', 'localhost:8000'], '--dynamodb-endpoint must be an http or https URL'],
    [['--secrets-endpoint', 'x'], '--secrets-endpoint must be an http or https URL, got "x"'],
    [['--kms-endpoint', 'x'], '--kms-endpoint must be an http or https URL, got "x"'],
    [['--key-lead-seconds', '-5'], "Option '--key-lead-seconds' argument is ambiguous"],
    [['--key-lead-seconds', 'soon'], '--key-lead-seconds must be a whole number from 0 to'],
    [['--key-custody', 'paper'], '--key-custody must be '],
    [['--key-bits', '1024'], '--key-bits must be '],
    [['--acr', 'AAL9'], '--acr must be one of AAL1_USERPASS'],
    [
      ['--issuer', 'http://am.example.nhs.uk/realm'],
      '--issuer must be an https URL (http only for a loopback',
    ],
    [['--issuer', 'am.example.nhs.uk'], '--issuer must be an absolute URL'],
    [['--token-exchange-url', 'http://api.example.nhs.uk/x'], '--token-exchange-url must be an https URL'],
    [['--api-key', ''], '--api-key must be up to 512 printable characters without spaces'],
    [['--api-secret', 'two words'], '--api-secret must be up to 512 printable characters without spaces'],
    [['--upstream', 'https://pds.example'], '--upstream must be NAME=URL, a plain https URL of a host name'],
    [['--upstream', 'pds'], '--upstream must be NAME=URL'],
    [['--upstream', '=https://pds.example'], '--upstream must be NAME=URL'],
    [['--upstream', 'pds=http://pds.example'], '--upstream must be NAME=URL'],
    [['--upstream', 'pds=https://x:y@pds.example'], '--upstream must be NAME=URL'],
    [['--upstream', 'pds=https://10.0.0.1/x'], '--upstream must be NAME=URL'],
    [['--upstream', '__proto__=https://pds.example'], '--upstream must be NAME=URL'],
    [
      ['--upstream', 'pds=https://a.example', '--upstream', 'pds=https://b.example'],
      '--upstream is given twice for pds',
    ],
    [
      ['--base-url', 'http://app.example'],
      '--base-url must be an https URL (http only for a loopback address)',
    ],
    [['--base-url', 'https://app.example/x'], '--base-url must be an origin'],
    [['--base-url', 'app.example'], '--base-url must be an absolute URL'],
    [['--log-format', 'xml'], '--log-format must be one of json, pretty, got "xml"'],
    [['--spa', ''], '--spa must be a folder, or the URL of a development server'],
    [['--spa', 'ftp://localhost'], '--spa must be a folder, or the URL of a development server such as'],
    [
      ['--spa', 'http://localhost:5173/app'],
      '--spa must be a folder, or the URL of a development server such as',
    ],
    [
      ['--spa', 'http://u:p@localhost:5173'],
      '--spa must be a folder, or the URL of a development server such as',
    ],
    [['--idle'], "Unknown option '--idle': did you mean --idle-seconds? (--help lists the options)"],
    [['--prot', '1'], "Unknown option '--prot': did you mean --port?"],
    [['--baseurl=x'], "Unknown option '--baseurl': did you mean --base-url?"],
    [['--aal', '2'], "Unknown option '--aal': did you mean --min-aal?"],
    [['--clientId', 'x'], "Unknown option '--clientId': did you mean --client-id?"],
    [['-p', '1'], "Unknown option '-p': did you mean --port?"],
    [['--port'], "Option '--port <value>' argument missing (--help lists the options)"],
    [['--port', '-1'], "Option '--port' argument is ambiguous (--help lists the options)"],
    [['--quiet=yes'], "Option '--quiet' does not take an argument (--help lists the options)"],
    [['4000'], "Unexpected argument '4000'"],
  ])('%j is refused in one line that says why', (args, message) => {
    const refusal = (() => {
      try {
        parse(args);
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(StartError);
    expect((refusal as StartError).message.slice(0, message.length)).toBe(message);
    expect((refusal as StartError).message).not.toContain('\n');
  });

  test('a bad environment variable is refused like a bad option, by its own name', () => {
    const environment = { BFF_IDLE_SECONDS: '1000' };
    expect(() => parse([], environment)).toThrow(
      /^BFF_IDLE_SECONDS must be a whole number from 1 to 900, got "1000"$/,
    );
    expect(() => parse(['--idle-seconds', '1001'], environment)).toThrow(/^--idle-seconds .*"1001"$/);
    expect(() => parse([], { BFF_QUIET: 'perhaps' })).toThrow('BFF_QUIET must be 1 or 0');
  });

  test('the page is a folder, relative to where the command is run, or a development server', () => {
    expect(parse(['--spa', 'dist']).spa).toEqual({ directory: path.resolve('dist') });
    expect(parse([], { BFF_SPA: 'http://localhost:5173/' }).spa).toEqual({
      server: new URL('http://localhost:5173'),
    });
  });

  test('help lists the values of acr with the levels that they ask for', () => {
    for (const [value, level] of Object.entries(acrLevels)) {
      expect(helpText()).toMatch(new RegExp(`^  ${value} +AAL${String(level)}$`, 'm'));
    }
  });

  test('help names every option', () => {
    expect(parseOptions(['--help'], {})).toBe('help');
    for (const name of [
      'port',
      'base-url',
      'spa',
      'log-format',
      'issuer',
      'api-key',
      'api-secret',
      'token-exchange-url',
      'upstream',
      'secrets-endpoint',
      'kms-endpoint',
      'key-lead-seconds',
      'key-custody',
      'key-bits',
      'log',
      'quiet',
      'help',
    ]) {
      expect(helpText()).toContain(`--${name} `);
    }
  });
});
