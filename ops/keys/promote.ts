import type { Command } from '../command.ts';
import { instantWithAge } from '../wording.ts';
import { changeKeys } from './change.ts';

export const promoteKey: Command = {
  name: 'keys promote',
  operands: [],
  options: ['purpose', 'dry-run', 'yes'],
  summary: 'emergency: next signs at once, the keys that have signed are withdrawn',
  help: [
    'For a signing key that somebody else may have. The next key signs at once, the current and the previous one are withdrawn from',
    'the published set and deleted from the ring, a new next is made. Shows first how long the next key has been published and who may',
    'not have read it yet: until they do, they refuse what it signs.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction'],
  run: (args, context) =>
    changeKeys(args, context, {
      change: () => Promise.resolve({ operation: 'promote' }),
      question: 'Withdraw the keys that have signed, and sign with the next one now?',
      make: (keys, change) => keys.make(change),
      heading: 'Promoted. The withdrawn keys are no longer in the ring or the published set.',
      more: ({ gapEndsAt }, now) => (gapEndsAt === undefined ? [] : [gapLine(gapEndsAt, now)]),
    }),
};

const gapLine = (endsAt: string, now: number): string =>
  Date.parse(endsAt) <= now
    ? 'Whoever caches our public keys for an hour has already read the key that signs now.'
    : `By ${instantWithAge(endsAt, now)} whoever caches our public keys for an hour has read the key that signs now.`;
