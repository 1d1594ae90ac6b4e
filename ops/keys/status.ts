import type { Command } from '../command.ts';
import { instantWithAge } from '../wording.ts';
import type { KeysStatus } from './answers.ts';
import { openKeys } from './service.ts';
import { keyTable, nextRotationLine } from './view.ts';

export const keysStatus: Command = {
  name: 'keys status',
  operands: [],
  options: ['purpose'],
  summary: 'the signing keys, and when they move',
  help: [
    'Shows the ring of signing keys: the one that signs, the next, and the previous. Warns when the published set is not',
    'the ring, and when the last rotation failed.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
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
  const { lastRotation, publishedEqualsRing, custody } = status;
  const failed = lastRotation?.result === 'failed';
  return [
    ...keyTable(status.keys, now),
    '',
    nextRotationLine(status.nextRotationAt, now),
    `Last rotation  ${lastRotation === null ? 'none yet' : `${lastRotation.result}, ${instantWithAge(lastRotation.at, now)}`}`,
    `New keys       ${custody === 'kms' ? 'are made in KMS' : 'are made in the secret'}`,
    ...(publishedEqualsRing
      ? []
      : [
          '',
          `Warning: the published set is not the ring. ${functionName} puts it right within the hour; if this stays, look in its log.`,
        ]),
    ...(failed
      ? [
          '',
          `Warning: the last rotation failed (${lastRotation.code ?? 'no code'}). Look in the log of ${functionName}, then try keys rotate.`,
        ]
      : []),
  ];
}
