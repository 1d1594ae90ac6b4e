import { randomUUID } from 'node:crypto';
import type { Command, Context } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import type { KeysStatus, KeyView } from './responses.ts';
import { changeKeys } from './change.ts';
import type { KeyService } from './service.ts';

export const rotateKeys: Command = {
  name: 'keys rotate',
  operands: [],
  options: ['purpose', 'dry-run', 'yes'],
  summary: 'rotate now: next signs, current becomes previous, a new next is made',
  help: [
    'Does what the schedule does: the next key signs, the current one stays published as previous, the previous one is removed,',
    'a new next is made. Refused while the next key has not been published for the lead time. Waits for the end, five minutes at',
    'most. An unfinished rotation is continued.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction', 'secretsmanager:RotateSecret'],
  run: (args, context) =>
    changeKeys(args, context, {
      change: () => Promise.resolve({ operation: 'rotate' }),
      question: 'Rotate now?',
      make: async (keys) => {
        const { keys: after, nextRotationAt } = await rotate(keys, context);
        return { after, nextRotationAt };
      },
      heading: 'Rotated.',
    }),
};

/** Between two reads of the status, in milliseconds. */
const interval = 2_000;
const maxWait = 300_000;

/**
 * Starts a rotation and waits for its end.
 *
 * @returns the keys after it
 * @throws CommandFailed when it failed, or was not seen to end within five minutes
 */
export async function rotate(
  keys: KeyService,
  { io, clock }: Pick<Context, 'io' | 'clock'>,
): Promise<KeysStatus> {
  const before = await keys.status();
  const token = randomUUID();
  const startedAt = clock.now();
  const started = await keys.startRotation(token);
  if (started === 'unfinished') {
    io.note('An earlier rotation was not finished: Secrets Manager continues it.');
  }

  let cause: unknown;
  while (clock.now() - startedAt < maxWait) {
    await clock.sleep(interval);
    const seconds = String(Math.round((clock.now() - startedAt) / 1000));
    const status = await keys.status().catch((error: unknown) => {
      // The local start has ended, and the rotation with it.
      if (error instanceof CommandFailed && error.code === 'not_running') throw error;
      cause = error;
      return undefined;
    });
    const end = status && endOf(status, { before, token, continued: started === 'unfinished' });
    if (status !== undefined && end === 'done') return status;
    if (status !== undefined && end === 'failed') throw failed(status, before, keys.functionName);
    io.note(`rotating, ${seconds} s …`);
  }
  throw new CommandFailed(
    'rotation_not_seen',
    `the rotation did not end within five minutes: see the log of ${keys.functionName}, and run keys status`,
    { cause },
  );
}

/** The result of the rotation, as far as one status shows it. */
function endOf(
  status: KeysStatus,
  { before, token, continued }: { before: KeysStatus; token: string; continued: boolean },
): 'done' | 'failed' | undefined {
  const last = status.lastRotation;
  if (last === null || JSON.stringify(last) === JSON.stringify(before.lastRotation)) return undefined;
  if (last.token === token || continued) return last.result;
  // Another rotation has ended since, and its result replaced ours: the ring shows whether the keys moved.
  return hasStepped(status.keys, before.keys) ? 'done' : undefined;
}

const kidAt = (keys: readonly KeyView[], place: string): string | undefined =>
  keys.find((key) => key.place === place)?.kid;

/** Whether the keys have moved: the key that was next signs. */
const hasStepped = (today: readonly KeyView[], before: readonly KeyView[]): boolean =>
  kidAt(today, 'current') !== kidAt(before, 'current') && kidAt(today, 'next') !== kidAt(before, 'next');

function failed(status: KeysStatus, before: KeysStatus, functionName: string): CommandFailed {
  const code = status.lastRotation?.code ?? 'rotation_failed';
  const moved = hasStepped(status.keys, before.keys)
    ? 'but the keys have moved: run keys status'
    : 'the keys are as they were';
  return new CommandFailed(
    code,
    `the rotation failed (${code}), ${moved}; the log of ${functionName} says why`,
  );
}
