import type { Arguments, Context } from '../command.ts';
import { requireSomebodyToAsk } from '../confirmation.ts';
import { CommandFailed } from '../errors.ts';
import type { Result } from '../io.ts';
import type { KeysChange, KeyView } from './responses.ts';
import { openKeys, type Change, type KeyService } from './service.ts';
import { doneLines, plannedLines } from './view.ts';

interface Plan {
  /** What is to be changed; what can be refused without the function is refused here. */
  readonly change: () => Promise<Change | { readonly operation: 'rotate' }>;
  readonly question: string;
  readonly make: (keys: KeyService, change: Change) => Promise<Partial<KeysChange>>;
  readonly heading: string;
  /** Lines about what was done, before the next rotation and after it. */
  readonly more?: (done: KeysChange, now: number) => string[];
  readonly last?: string[];
}

const places = (keys: readonly KeyView[]): string =>
  JSON.stringify(keys.map(({ place, kid }) => `${place} ${kid}`).sort());

/**
 * What every command that changes keys does: shows what the change would be, asks, makes it, and shows what was done.
 *
 * @throws CommandFailed when nobody can be asked, the answer is no, the keys have moved meanwhile, or the change is refused
 */
export async function changeKeys(args: Arguments, context: Context, plan: Plan): Promise<Result> {
  const { io, clock } = context;
  const { purpose, dryRun, yes } = args;
  requireSomebodyToAsk(args, io);
  const change = await plan.change();
  const keys = await openKeys(args, context);
  const planned = await keys.dryRun(change);
  const lines = plannedLines(keys.title, planned, clock.now());
  if (dryRun) {
    return {
      document: { purpose, dryRun, ...planned },
      lines: [...lines, '', 'This is what would happen. Nothing was changed.'],
    };
  }

  io.show(lines);
  if (!yes) await confirm(plan.question, keys, planned, context);
  const done = { ...planned, ...(await plan.make(keys, change as Change)) };
  const now = clock.now();
  const more = plan.more?.(done, now) ?? [];
  return {
    document: { purpose, dryRun, ...done },
    lines: [...doneLines(plan.heading, done, now, more), ...(plan.last ?? [])],
  };
}

/**
 * Asks. A person takes time to read, so the keys are read again after the answer: a promotion that somebody else has just
 * made must not be followed by another, of a key that nobody has seen.
 */
async function confirm(
  question: string,
  keys: KeyService,
  planned: KeysChange,
  { io }: Context,
): Promise<void> {
  io.show(['']);
  if (!(await io.confirm(question))) throw new CommandFailed('declined', 'nothing was changed');
  if (places(planned.before) !== places((await keys.status()).keys)) {
    throw new CommandFailed(
      'keys_moved',
      'the keys have moved since they were shown, so nothing was changed: see keys status',
    );
  }
}
