import { describe, expect, test } from '@jest/globals';
import { createMetrics } from '../../lambdas/telemetry/index.ts';

const measured = (values: Record<string, unknown>): Record<string, unknown>[] => {
  const lines: string[] = [];
  createMetrics({ functionName: 'unit', write: (line) => lines.push(line) })('cis2', values);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
};

describe('a metric', () => {
  test('is one line of CloudWatch’s embedded metric format, by ring and nothing else', () => {
    const before = Date.now();
    const [line, ...others] = measured({ SigningKeyAgeSeconds: 7, RotationSucceeded: 0 });
    expect(others).toEqual([]);
    expect(line).toEqual({
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'cis2-bff',
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
