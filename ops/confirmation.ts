import type { Arguments } from './command.ts';
import { CouldNot } from './errors.ts';
import type { Io } from './io.ts';

/** @throws CouldNot where the command must ask, and nobody is there to be asked */
export function requireSomebodyToAsk({ yes, dryRun }: Pick<Arguments, 'yes' | 'dryRun'>, io: Io): void {
  if (yes || dryRun || io.interactive) return;
  throw new CouldNot(
    'confirmation_needed',
    'there is no terminal to ask on, so nothing was changed: add --yes to go ahead without being asked',
  );
}
