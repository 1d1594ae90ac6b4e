import type { Arguments, Context } from '../command.ts';
import { requireSomebodyToAsk, requireYes } from '../confirmation.ts';
import { CommandFailed } from '../errors.ts';
import type { Result } from '../io.ts';
import type { KeysChange, KeyView } from './responses.ts';
import { openKeys, type Change, type KeyService } from './service.ts';
import { doneLines, plannedLines } from './view.ts';

interface Plan {
  /** The change. Throws what can be refused without calling the function. */
  readonly change: () => Promise<Change | { readonly operation: 'rotate' }>;
  readonly question: string;
  readonly make: (keys: KeyService, change: Change) => Promise<Partial<KeysChange>>;
  readonly heading: string;
  /** Lines about what was done, before the line of the next rotation. */
  readonly more?: (done: KeysChange, now: number) => string[];
  /** Lines at the end. */
  readonly last?: string[];
}

/** The times in a notice move on between the question and the change. */
const withoutNumbers = (notice: string): string => notice.replaceAll(/\d+/g, '');

const places = (keys: readonly KeyView[]): string =>
  JSON.stringify(keys.map(({ place, kid }) => `${place} ${kid}`).sort());

/**
 * Shows what a change of keys would do, asks, makes it, and shows what was done.
 *
 * @throws CommandFailed when nobody can be asked, the answer is no, the keys have moved meanwhile, or the change is refused
 */
export async function changeKeys(args: Arguments, context: Context, plan: Plan): Promise<Result> {
  const { io, clock } = context;
  const { purpose, dryRun, yes } = args;
  const change = await plan.change();
  requireSomebodyToAsk(args, io);
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
  const shown = new Set(planned.notices.map(withoutNumbers));
  const notices = done.notices.filter((notice) => !shown.has(withoutNumbers(notice)));
  const more = plan.more?.(done, now) ?? [];
  return {
    document: { purpose, dryRun, ...done },
    lines: [...doneLines(plan.heading, done, now, [...notices, ...more]), ...(plan.last ?? [])],
  };
}

/**
 * Asks, and reads the keys again after the reply: if somebody else has promoted a key meanwhile, a second promotion would use a key
 * that was not shown.
 */
async function confirm(
  question: string,
  keys: KeyService,
  planned: KeysChange,
  { io }: Context,
): Promise<void> {
  await requireYes(question, io);
  if (places(planned.before) !== places((await keys.status()).keys)) {
    throw new CommandFailed(
      'keys_moved',
      'the keys have moved since they were shown, so nothing was changed: see keys status',
    );
  }
}
