import type { Command } from './command.ts';
import { CommandFailed } from './errors.ts';
import type { LogEntry } from './logs.ts';
import { oneLine } from './wording.ts';

const defaultHours = 24;
const referencePattern = /^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}$/;

/** As a person may have written it down. */
const referenceOf = (operand: string | undefined): string =>
  (operand ?? '')
    .toUpperCase()
    .replaceAll(/[^0-9A-Z]/g, '')
    .replaceAll(/(.{4})(?=.)/g, '$1-');

export const trace: Command = {
  name: 'trace',
  operands: ['REFERENCE'],
  options: ['hours'],
  summary: 'the log entries behind a reference that a user was shown',
  help: [
    'Shows what was logged for the request of that reference, the oldest entry first. Case, spaces and hyphens do not matter.',
    'In AWS it asks CloudWatch Logs Insights, which costs by the gigabyte that it reads; entries arrive there some',
    'seconds after the request. A local start has its last five thousand lines.',
  ],
  actions: ['cloudformation:DescribeStacks', 'logs:StartQuery', 'logs:GetQueryResults'],
  readOnly: true,
  misuse: ({ operands }) =>
    referencePattern.test(referenceOf(operands[0])) ? undefined : 'needs a reference such as 7K3M-9QX2-HABW',
  run: async (args, context) => {
    const reference = referenceOf(args.operands[0]);
    const hours = args.hours ?? defaultHours;
    const installation = await context.open(args.target);
    const entries = await installation.logs.entriesOf(reference, hours);
    if (entries.length === 0) {
      throw new CommandFailed(
        'not_found',
        `no log entry of ${installation.label} has the reference ${reference} in the last ${String(hours)} hours: check it, look further back with --hours, and allow a new entry a minute to arrive`,
      );
    }
    return {
      document: { reference, entries },
      lines: [`${reference}, ${installation.label}`, '', ...entries.map(lineOf)],
    };
  },
};

/** The members that every entry has. They are printed first. */
const commonMembers = ['time', 'level', 'event', 'function', 'reference'];

/** `2026-01-01 09:00:00.000 UTC  warn   callback  sign_in_failed  code=login_expired` */
function lineOf(entry: LogEntry): string {
  const text = (name: string): string => {
    const value = entry[name];
    return typeof value === 'string' ? oneLine(value) : '';
  };
  const details = Object.entries(entry)
    .filter(([name, value]) => !commonMembers.includes(name) && value !== null)
    .map(([name, value]) => `${name}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`);
  return [
    text('time').replace('T', ' ').replace('Z', ' UTC'),
    text('level').padEnd(5),
    text('function'),
    text('event'),
    ...details,
  ].join('  ');
}
