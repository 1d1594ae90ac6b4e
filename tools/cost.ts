/** `npm run cost`: what a month costs on AWS for several numbers of sign-ins. `npm run cost -- --help` lists the assumptions. */
import { parseArgs } from 'node:util';
import { assumptions, defaults, monthlyBill, priceList, waysToLearn, type Assumed } from './cost/model.ts';

const usage = [
  'Usage: npm run cost [-- --sign-ins N ...] [--ASSUMPTION N] [--json]',
  '',
  ...Object.entries(assumptions).map(
    ([name, [value, what]]) => `  --${name} N`.padEnd(28) + `${what} (${String(value)})`,
  ),
].join('\n');

class BadUsage extends Error {}

const number = (name: string, value: string): number => {
  if (!/^\d{1,10}(?:\.\d{1,4})?$/.test(value)) throw new BadUsage(`--${name} must be a number, got ${value}`);
  return Number(value);
};

function readArguments(
  args: readonly string[],
): { signIns: number[]; assumed: Assumed; json: boolean } | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(Object.keys(assumptions).map((name) => [name, text])),
      'sign-ins': { type: 'string', multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const given = Object.entries(values as Record<string, unknown>).flatMap(([name, value]) =>
    name in assumptions ? [[name, number(name, String(value))] as const] : [],
  );
  return {
    signIns: (values['sign-ins'] ?? ['10000', '100000', '1000000']).map((value) => number('sign-ins', value)),
    assumed: { ...defaults, ...Object.fromEntries(given) },
    json: values.json === true,
  };
}

function write({ signIns, assumed, json }: NonNullable<ReturnType<typeof readArguments>>): void {
  const bills = signIns.map((count) => monthlyBill(count, assumed));
  const ways = Object.entries(waysToLearn).map(([way, change]) => ({
    way,
    reads: { ...assumed, ...change }['session-reads'],
    totals: signIns.map((count) => monthlyBill(count, { ...assumed, ...change })['Total'] ?? NaN),
  }));
  const { date, region, source } = priceList;
  if (json) {
    const months = signIns.map((count, index) => ({ signIns: count, dollars: bills[index] }));
    console.log(
      JSON.stringify({ prices: { date, region, source }, assumptions: assumed, months, ways }, null, 2),
    );
    return;
  }
  const lines = Object.keys(bills[0] ?? {});
  const rows = [
    ['Sign-ins a month', ...signIns.map((count) => count.toLocaleString('en-GB'))],
    ...lines.map((line) => [line, ...bills.map((bill) => `$${(bill[line] ?? 0).toFixed(2)}`)]),
  ];
  const print = (table: readonly (readonly string[])[]): void => {
    for (const [name = '', ...cells] of table) {
      console.log(name.padEnd(40) + cells.map((cell) => cell.padStart(12)).join(''));
    }
  };
  print(rows);
  console.log('\nThe total, by how a page learns that its session is over (session reads a sign-in):');
  print(
    ways.map(({ way, reads, totals }) => [
      `${way} (${String(reads)})`,
      ...totals.map((total) => `$${total.toFixed(2)}`),
    ]),
  );
  console.log(`\nPrices of ${date}, ${region}. ${source}`);
}

try {
  const read = readArguments(process.argv.slice(2));
  if (read === undefined) console.log(usage);
  else write(read);
} catch (error) {
  if (
    !(error instanceof BadUsage) &&
    (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true
  ) {
    throw error;
  }
  process.stderr.write(
    `cis2-bff cost: ${(error as Error).message.split('\n', 1)[0] ?? ''} (--help lists the options)\n`,
  );
  process.exitCode = 2;
}
