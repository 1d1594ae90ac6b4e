import type { Command } from '../command.ts';
import { instantWithAge } from '../wording.ts';
import type { KeysStatus } from './responses.ts';
import { openKeys } from './service.ts';
import { keyTable, nextRotationLine } from './view.ts';

export const keysStatus: Command = {
  name: 'keys status',
  operands: [],
  options: ['purpose'],
  summary: 'the signing keys, and the next rotation',
  help: [
    'Shows the ring of signing keys: the current, the next and the previous one. Warns when the published set is not the ring,',
    'and when the last rotation failed.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  readOnly: true,
  run: async (args, context) => {
    const keys = await openKeys(args, context);
    const status = await keys.status();
    return {
      document: { ...status, purpose: args.purpose },
      lines: [keys.title, '', ...statusLines(status, keys.functionName, context.clock.now())],
    };
  },
};

function statusLines(status: KeysStatus, functionName: string, now: number): string[] {
  const { keys, nextRotationAt, lastRotation, publishedEqualsRing, custody } = status;
  const last = lastRotation && `${lastRotation.result}, ${instantWithAge(lastRotation.at, now)}`;
  const lines = [
    ...keyTable(keys, now),
    '',
    nextRotationLine(nextRotationAt, now),
    `Last rotation  ${last ?? 'none yet'}`,
    `New keys       ${custody === 'kms' ? 'are made in KMS' : 'are made in the secret'}`,
  ];
  if (!publishedEqualsRing) {
    lines.push(
      '',
      `Warning: the published set is not the ring. ${functionName} corrects it within the hour, and keys check does now; if this stays, see its log.`,
    );
  }
  if (lastRotation?.result === 'failed') {
    lines.push(
      '',
      `Warning: the last rotation failed (${lastRotation.code ?? 'no code'}). See the log of ${functionName}, then run keys rotate.`,
    );
  }
  return lines;
}
