import type { Command } from '../command.ts';
import { instantWithAge } from '../wording.ts';
import { changeKeys } from './change.ts';

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
  run: (args, context) =>
    changeKeys(args, context, {
      change: () => Promise.resolve({ operation: 'promote' }),
      question: 'Withdraw the keys that have signed and promote the next one now?',
      make: (keys, change) => keys.make(change),
      heading: 'Promoted. The withdrawn keys are in no ring and no published set.',
      more: ({ notices, gapEndsAt }, now) => [
        ...notices,
        ...(gapEndsAt === undefined ? [] : [gapLine(gapEndsAt, now)]),
      ],
    }),
};

const gapLine = (endsAt: string, now: number): string =>
  Date.parse(endsAt) <= now
    ? 'Whoever caches our public keys for an hour has already seen the key that signs now.'
    : `Whoever caches our public keys for an hour has certainly seen the key that signs now by ${instantWithAge(endsAt, now)}.`;
