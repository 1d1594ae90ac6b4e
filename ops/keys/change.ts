import type { Arguments, Context } from '../command.ts';
import { CouldNot } from '../errors.ts';
import type { Result } from '../io.ts';
import type { KeysChange, KeyView } from './answers.ts';
import type { KeyService } from './service.ts';
import { foresight } from './view.ts';

/** @throws CouldNot when a change would have to ask first and nobody is there: nothing has been tried yet */
export function mustBeAbleToAsk({ yes, dryRun }: Arguments, { io }: Context): void {
  if (!yes && !dryRun && !io.interactive) {
    throw new CouldNot(
      'confirmation_needed',
      'there is no terminal to ask on, so nothing was changed: add --yes to go ahead without being asked',
    );
  }
}

const sameRing = (one: readonly KeyView[], other: readonly KeyView[]): boolean => {
  const shape = (keys: readonly KeyView[]): string =>
    JSON.stringify(keys.map(({ place, kid }) => `${place} ${kid}`).sort());
  return shape(one) === shape(other);
};

/**
 * Shows what a change is going to do and asks whether to do it. A person takes time to read, so the keys are looked at
 * once more after the answer: a promotion that somebody else has just made must not be followed by another, of a key
 * that nobody has seen.
 *
 * @throws CouldNot when the answer is no, or the keys have moved meanwhile
 */
export async function confirmChange(
  change: KeysChange,
  {
    question,
    keys,
    args,
    context,
  }: { question: string; keys: KeyService; args: Arguments; context: Context },
): Promise<void> {
  const { io, clock } = context;
  io.show(foresight(keys.title, change, clock.now()));
  if (args.yes) return;
  io.show(['']);
  if (!(await io.confirm(question))) throw new CouldNot('declined', 'nothing was changed');
  const { keys: today } = await keys.status();
  if (!sameRing(change.before, today)) {
    throw new CouldNot(
      'keys_moved',
      'the keys have moved since they were shown, so nothing was changed: look again with keys status',
    );
  }
}

/** A change, or what it would be, as a document. */
export const changeDocument = (change: KeysChange, { dryRun, purpose }: Arguments) => ({
  purpose,
  dryRun,
  before: change.before,
  after: change.after,
  nextRotationAt: change.nextRotationAt,
  notices: change.notices,
  ...(change.gapEndsAt === undefined ? {} : { gapEndsAt: change.gapEndsAt }),
});

/** The result of a dry run. */
export const foreseen = (
  change: KeysChange,
  keys: KeyService,
  args: Arguments,
  context: Context,
): Result => ({
  document: changeDocument(change, args),
  lines: [
    ...foresight(keys.title, change, context.clock.now()),
    '',
    'This is what would happen. Nothing was changed.',
  ],
});
