import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  assumptions,
  defaults,
  monthlyBill,
  priceList,
  waysToLearn,
  type Assumption,
} from '../../tools/cost/model.ts';

const lines = (signIns: number, change: Partial<Record<Assumption, number>> = {}) =>
  monthlyBill(signIns, { ...defaults, ...change });

describe('the cost of a month', () => {
  test('is the sum of its lines, and grows with the sign-ins but for what is fixed', () => {
    const { Total: total, ...each } = lines(1_000_000);
    expect(Object.values(each).reduce((sum, dollars) => sum + dollars, 0)).toBeCloseTo(total ?? 0, 6);
    const twice = lines(2_000_000);
    for (const [name, dollars] of Object.entries(each)) {
      const isFixed = ['Metrics and alarms', 'Canary', 'Secrets and keys'].includes(name);
      if (name !== 'Firewall') expect(twice[name]).toBeCloseTo(isFixed ? dollars : 2 * dollars, 6);
    }
  });

  test('follows every assumption', () => {
    // What a connection costs is seen where there are some.
    const pushed = { connections: 1 };
    const before = lines(1_000_000, pushed)['Total'] ?? 0;
    for (const name of Object.keys(assumptions) as Assumption[]) {
      const more = { ...pushed, [name]: { ...defaults, ...pushed }[name] + 1 };
      expect(lines(1_000_000, more)['Total']).toBeGreaterThan(before);
    }
  });

  test('is by hand what it is by the model, for the requests', () => {
    const requests = 83;
    expect(lines(1_000_000)['HTTP API']).toBeCloseTo(
      requests * (priceList.prices['httpApiPerMillionRequests'] ?? NaN),
      6,
    );
  });

  test('stands in the document as it is worked out', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/cost.md'), 'utf8');
    const months = [10_000, 100_000, 1_000_000].map((signIns) => lines(signIns));
    for (const name of Object.keys(months[0] ?? {})) {
      const row = document.split('\n').find((line) => line.replaceAll('*', '').startsWith(`| ${name} `));
      expect(row?.match(/\$[\d.]+/g)).toEqual(months.map((month) => `$${(month[name] ?? 0).toFixed(2)}`));
    }
    for (const [way, change] of Object.entries(waysToLearn)) {
      const row = document.split('\n').find((line) => line.startsWith(`| ${way} `));
      expect(row).toContain(` ${String(change['session-reads'])} |`);
      expect(row?.match(/\$[\d.]+/g)).toEqual(
        [10_000, 100_000, 1_000_000].map(
          (signIns) => `$${(lines(signIns, change)['Total'] ?? 0).toFixed(2)}`,
        ),
      );
    }
    expect(priceList.date).toMatch(/^\d{4}-\d\d-\d\d$/);
  });
});
