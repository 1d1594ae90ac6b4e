import type { Arguments } from './command.ts';
import { CommandFailed } from './errors.ts';
import type { Io } from './io.ts';

/** @throws CommandFailed where the command must ask, and there is no terminal to ask on */
export function requireSomebodyToAsk({ yes, dryRun }: Pick<Arguments, 'yes' | 'dryRun'>, io: Io): void {
  if (yes || dryRun || io.interactive) return;
  throw new CommandFailed(
    'confirmation_needed',
    'there is no terminal to ask on, so nothing was changed: add --yes to go ahead without being asked',
  );
}

/** @throws CommandFailed when the reply is no */
export async function requireYes(question: string, io: Io): Promise<void> {
  io.show(['']);
  if (!(await io.confirm(question))) throw new CommandFailed('declined', 'nothing was changed');
}
