import { describe, expect, test } from '@jest/globals';
import { createLogger, createMetrics, type Level, type Logger } from '../../lambdas/telemetry/index.ts';

const measured = (values: Record<string, unknown>): Record<string, unknown>[] => {
  const lines: string[] = [];
  createMetrics({ functionName: 'unit', namespace: 'cis2-bff/ward', write: (line) => lines.push(line) })(
    'cis2',
    values,
  );
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe('a metric', () => {
  test('is one line of CloudWatch’s embedded metric format, in the installation’s namespace, by ring and nothing else', () => {
    const before = Date.now();
    const [line, ...others] = measured({ SigningKeyAgeSeconds: 7, RotationSucceeded: 0 });
    expect(others).toEqual([]);
    expect(line).toEqual({
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'cis2-bff/ward',
            Dimensions: [['Ring']],
            Metrics: [
              { Name: 'SigningKeyAgeSeconds', Unit: 'Seconds' },
              { Name: 'RotationSucceeded', Unit: 'Count' },
            ],
          },
        ],
      },
      function: 'unit',
      Ring: 'cis2',
      SigningKeyAgeSeconds: 7,
      RotationSucceeded: 0,
    });
    const { Timestamp } = line?.['_aws'] as { Timestamp: number };
    expect(Timestamp).toBeGreaterThanOrEqual(before);
    expect(Timestamp).toBeLessThanOrEqual(Date.now());
  });

  test('that is not in the registry, or no number, is left out', () => {
    const secret = 'hunter2';
    const [line] = measured({ RotationSucceeded: 1, SecondsToNextRotation: NaN, other: 1, secret });
    expect(Object.keys(line ?? {}).sort()).toEqual(['Ring', 'RotationSucceeded', '_aws', 'function']);
    for (const value of [NaN, Infinity, null, undefined, '1', true, [1]]) {
      expect(measured({ SigningKeyAgeSeconds: value })).toEqual([]);
    }
  });
});

describe('what is measured of a request', () => {
  type Line = Record<string, unknown> & {
    _aws?: {
      Timestamp: number;
      CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[];
    };
  };
  const collect = (level: Level = 'info'): { log: Logger; lines: () => Line[] } => {
    const lines: string[] = [];
    const log = createLogger({
      functionName: 'unit',
      level,
      namespace: 'cis2-bff/ward',
      write: (line) => lines.push(line),
    });
    // The first line of an instance has its cold start as well.
    log('request');
    return { log, lines: () => lines.slice(1).map((line) => JSON.parse(line) as Line) };
  };

  test('stands on the request’s own line, and on no other', () => {
    const { log, lines } = collect();
    const request = log.withReference('A');
    request('sign_in_started', { acr: 'AAL3_ANY' });
    log.measure('ProviderLatency', 12);
    log.measure('ProviderLatency', 30);
    log.measure('ClockDifference', -1);
    request('request', { route: 'GET /auth/login', status: 302 });
    request('request', { route: 'GET /auth/login', status: 302 });
    const [event, line, next] = lines();
    expect(event).not.toHaveProperty('_aws');
    expect(line).toMatchObject({
      ...{ event: 'request', reference: 'A', route: 'GET /auth/login' },
      ...{ SignInStarted: 1, ProviderLatency: [12, 30], ClockDifference: -1 },
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'cis2-bff/ward',
            Dimensions: [[]],
            Metrics: [
              { Name: 'SignInStarted', Unit: 'Count' },
              { Name: 'ProviderLatency', Unit: 'Milliseconds' },
              { Name: 'ClockDifference', Unit: 'Seconds' },
            ],
          },
        ],
      },
    });
    expect(next).not.toHaveProperty('_aws');
  });

  test.each([
    [
      'a failed sign-in',
      'sign_in_failed',
      { code: 'login_expired' },
      'SignInFailed',
      'Code',
      'login_expired',
    ],
    ['a refused request', 'request_refused', { guard: 'origin' }, 'Refused', 'Rule', 'origin'],
    ['a refused logout token', 'logout_token_refused', { check: 'exp' }, 'Refused', 'Rule', 'logout_token'],
  ] as const)('of %s is counted, alone and by its reason', (_, event, fields, metric, dimension, value) => {
    const { log, lines } = collect();
    (log as (event: string, fields: object) => void)(event, fields);
    // The refusal of the whole request says less than what refused it.
    if (metric === 'Refused') log.measure('Refused', 1, 'invalid_request');
    log('request');
    const line = lines().at(-1);
    expect(line).toMatchObject({ [metric]: 1, [dimension]: value });
    expect(line?._aws?.CloudWatchMetrics).toEqual([
      {
        Namespace: 'cis2-bff/ward',
        Dimensions: [[], [dimension]],
        Metrics: [{ Name: metric, Unit: 'Count' }],
      },
    ]);
  });

  test('that is no number is left out', () => {
    const { log, lines } = collect();
    for (const value of [NaN, Infinity, -Infinity]) log.measure('ClockDifference', value);
    log('request');
    expect(lines()[0]).not.toHaveProperty('_aws');
  });

  test('is measured when the log has no line for it: then it is all that is written', () => {
    const { log, lines } = collect('error');
    log('request', { route: 'GET /auth/session' });
    log.measure('SessionHit');
    log('request', { route: 'GET /auth/session' });
    const [line, ...others] = lines();
    expect(others).toEqual([]);
    expect(Object.keys(line ?? {})).toEqual(['_aws', 'SessionHit']);
  });

  test('has the start of an instance once', () => {
    const lines: string[] = [];
    const log = createLogger({ functionName: 'unit', level: 'info', write: (line) => lines.push(line) });
    log('request');
    log('request');
    expect(lines.map((line) => (JSON.parse(line) as Line)['ColdStart'])).toEqual([1, undefined]);
  });
});
