import type { Command } from '../command.ts';
import { invocation } from '../invocation.ts';
import { plural, table } from '../wording.ts';
import type { Finding } from './check.ts';
import { examine } from './examine.ts';

export const doctor: Command = {
  name: 'doctor',
  operands: [],
  options: [],
  summary: 'checks the whole set-up from outside and inside, and says what to do about each fault',
  help: [
    'Calls the site as a browser and as CIS2 do, reads CIS2’s metadata, starts a sign-in and completes it with an invalid code:',
    'CIS2 must accept our client assertion and refuse the code. Checks the app, upstreams, keys, clocks, cookies, headers and alarms,',
    'and what failed for users in the last hour. It changes nothing; it leaves a started sign-in and a few refused requests in the',
    'log and the metrics. Exits 1 with any fault; a warning, of what may be over by now, does not count.',
  ],
  actions: [
    'cloudformation:DescribeStacks',
    'lambda:InvokeFunction',
    'logs:StartQuery',
    'logs:GetQueryResults',
    'cloudwatch:DescribeAlarms',
    'sns:ListSubscriptionsByTopic',
  ],
  readOnly: true,
  run: async ({ target }, context) => {
    const installation = await context.open(target);
    const findings = await examine(installation, target, context);
    const faults = count(findings, 'fault');
    const warnings = count(findings, 'warning');
    return {
      failed: faults > 0,
      document: { ok: faults === 0, checks: findings },
      lines: [
        `Set-up of ${installation.label}`,
        '',
        ...table(findings.map(({ check, result, detail }) => [shown[result], check, detail])),
        ...findings.flatMap((finding) =>
          'advice' in finding ? ['', `${finding.check}: ${finding.detail}`, `  ${finding.advice}`] : [],
        ),
        '',
        `${faults === 0 ? 'No fault found.' : `${plural(faults, 'fault')} found.`}${warnings === 0 ? '' : ` ${plural(warnings, 'warning')}.`}`,
        ...(faults === 0
          ? [
              `A fault that only one user sees: take the reference from their error page and run ${invocation('trace REFERENCE', target)}.`,
            ]
          : []),
      ],
    };
  },
};

const shown: Readonly<Record<Finding['result'], string>> = {
  ok: 'ok',
  'not checked': 'not checked',
  warning: 'WARNING',
  fault: 'FAULT',
};

const count = (findings: readonly Finding[], wanted: Finding['result']): number =>
  findings.filter(({ result }) => result === wanted).length;
