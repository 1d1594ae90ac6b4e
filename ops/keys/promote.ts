import type { Command } from '../command.ts';
import { instantWithAge } from '../wording.ts';
import { changeDocument, confirmChange, foreseen, mustBeAbleToAsk } from './change.ts';
import { openKeys } from './service.ts';
import { nextRotationLine, outcome } from './view.ts';

export const promoteKey: Command = {
  name: 'keys promote',
  operands: [],
  options: ['purpose', 'dry-run', 'yes'],
  summary: 'emergency: next signs at once, the keys that have signed are withdrawn',
  help: [
    'For a signing key that has fallen into the wrong hands. The next key signs at once, the current and the previous one are',
    'withdrawn from the published set and nowhere afterwards, a new next is made. Says first how long the next key has been published',
    'and who may not have seen it: until they have, they refuse what it signs.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  run: async (args, context) => {
    mustBeAbleToAsk(args, context);
    const keys = await openKeys(args, context);
    const foresight = await keys.foresee({ operation: 'promote' });
    if (args.dryRun) return foreseen(foresight, keys, args, context);
    await confirmChange(foresight, {
      question: 'Withdraw the keys that have signed and promote the next one now?',
      keys,
      args,
      context,
    });

    const change = await keys.carryOut({ operation: 'promote' });
    const now = context.clock.now();
    return {
      document: changeDocument(change, args),
      lines: [
        ...outcome('Promoted. The withdrawn keys are in no ring and no published set.', change.after, now),
        '',
        ...change.notices,
        ...(change.gapEndsAt === undefined ? [] : [gapLine(change.gapEndsAt, now)]),
        nextRotationLine(change.nextRotationAt, now),
      ],
    };
  },
};

const gapLine = (endsAt: string, now: number): string =>
  Date.parse(endsAt) <= now
    ? 'Whoever keeps our public keys for an hour has already seen the key that signs now.'
    : `Whoever keeps our public keys for an hour has certainly seen the key that signs now by ${instantWithAge(endsAt, now)}.`;
