/** A call of the function's that goes wrong: one of them, in one of these ways. */
import { operationOf, type Command } from '../races/embedded-table.ts';
import type { Call } from './world.ts';

/**
 * What becomes of the call: the function is killed before it, or after it and before its response; it fails and nothing is
 * done; it is done and its response is lost; or its response is lost and the SDK sends it again.
 */
export const fates = ['killed before', 'killed after', 'failed', 'lost', 'again'] as const;
type Fate = (typeof fates)[number];

/** A read leaves nothing behind: lost, it has failed, and killed after it is killed before it. */
export const fatesOf = (command: Command): readonly Fate[] =>
  /^(?:Get|Describe|Sign)/.test(operationOf(command)) ? ['killed before', 'failed'] : fates;

export interface Accident {
  /** The call that goes wrong, counted from 0; or the first one that is so. */
  readonly at: number | ((command: Command) => boolean);
  readonly fate: Fate;
}

/** What is left of a function that was killed. */
export const killed = Symbol('killed');

/**
 * Runs something whose calls pass here.
 *
 * @param run - is given where its calls go
 * @returns how many calls it made, and what came of it; `killed` when the accident ended it
 */
export async function runWith(
  perform: Call,
  { at, fate }: Accident,
  run: (call: Call) => Promise<unknown>,
): Promise<{ calls: number; result: PromiseSettledResult<unknown> | typeof killed }> {
  let calls = 0;
  let kill: (value: typeof killed) => void = () => undefined;
  const whenKilled = new Promise<typeof killed>((resolve) => (kill = resolve));
  const never = new Promise<never>(() => undefined);
  let isDead = false;
  let hasHappened = false;
  const die = (): Promise<never> => {
    isDead = true;
    kill(killed);
    return never;
  };
  const call: Call = async (command) => {
    calls += 1;
    if (isDead) return never;
    const isIt = typeof at === 'number' ? calls - 1 === at : !hasHappened && at(command);
    if (!isIt) return perform(command);
    hasHappened = true;
    switch (fate) {
      case 'killed before':
        return die();
      case 'killed after':
        await perform(command).catch(() => undefined);
        return die();
      case 'failed':
        throw new Error('made to fail');
      case 'lost':
        await perform(command).catch(() => undefined);
        throw new Error('made to lose its response');
      case 'again':
        await perform(command).catch(() => undefined);
        return perform(command);
    }
  };
  const [result] = await Promise.race([
    Promise.allSettled([run(call)]),
    whenKilled.then((dead) => [dead] as const),
  ]);
  return { calls, result };
}

/** The moment of every change: AWSCURRENT moves. */
export const movesCurrent = (command: Command): boolean =>
  operationOf(command) === 'UpdateSecretVersionStage' && command.input['VersionStage'] === 'AWSCURRENT';
