import { randomUUID } from 'node:crypto';
import type { Command, Context } from '../command.ts';
import { CouldNot } from '../errors.ts';
import type { KeysStatus, KeyView } from './answers.ts';
import { changeDocument, confirmChange, foreseen, mustBeAbleToAsk } from './change.ts';
import { openKeys, type KeyService } from './service.ts';
import { nextRotationLine, outcome } from './view.ts';

export const rotateKeys: Command = {
  name: 'keys rotate',
  operands: [],
  options: ['purpose', 'dry-run', 'yes'],
  summary: 'one ordinary step, now: next signs, current becomes previous, a new next is made',
  help: [
    'Takes the step that the schedule takes by itself: the next key signs, the current one stays published as previous,',
    'the previous one goes, a new next is made. Refused while the next key has not been published long enough. Waits for',
    'the end, five minutes at most. A rotation that was left unfinished is gone on with.',
  ],
  actions: ['cloudformation:DescribeStacks', 'lambda:InvokeFunction', 'secretsmanager:RotateSecret'],
  run: async (args, context) => {
    mustBeAbleToAsk(args, context);
    const keys = await openKeys(args, context);
    const change = await keys.foresee({ operation: 'rotate' });
    if (args.dryRun) return foreseen(change, keys, args, context);
    await confirmChange(change, { question: 'Rotate now?', keys, args, context });

    const status = await rotate(keys, context);
    const now = context.clock.now();
    return {
      document: changeDocument(
        { ...change, after: status.keys, nextRotationAt: status.nextRotationAt },
        args,
      ),
      lines: [...outcome('Rotated.', status.keys, now), '', nextRotationLine(status.nextRotationAt, now)],
    };
  },
};

/** Between two looks, in milliseconds. */
const interval = 2_000;
const patience = 300_000;

/**
 * Starts a rotation and waits for its end.
 *
 * @returns the keys after it
 * @throws CouldNot when it failed, or was not seen to end within five minutes
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
    io.note('An earlier rotation was not finished: Secrets Manager goes on with that one.');
  }

  let unanswered: unknown;
  while (clock.now() - startedAt < patience) {
    await clock.sleep(interval);
    const seconds = String(Math.round((clock.now() - startedAt) / 1000));
    const status = await keys.status().catch((error: unknown) => {
      // Nobody is there any more who could end it.
      if (error instanceof CouldNot && error.code === 'not_running') throw error;
      // The function has few places, and the rotation itself needs one.
      unanswered = error;
      return undefined;
    });
    const end = status && endOf(status, { before, token, followed: started === 'unfinished' });
    if (status !== undefined && end === 'done') return status;
    if (status !== undefined && end === 'failed') throw failed(status, before, keys.functionName);
    io.note(`rotating, ${seconds} s …`);
  }
  throw new CouldNot(
    'rotation_not_seen',
    `the rotation has not been seen to end within five minutes: look in the log of ${keys.functionName}, and with keys status`,
    { cause: unanswered },
  );
}

/** What has become of the rotation, as far as one look can tell. */
function endOf(
  status: KeysStatus,
  { before, token, followed }: { before: KeysStatus; token: string; followed: boolean },
): 'done' | 'failed' | undefined {
  const last = status.lastRotation;
  if (last === null || JSON.stringify(last) === JSON.stringify(before.lastRotation)) return undefined;
  if (last.token === token || followed) return last.result;
  // Another rotation has ended since, and its result stands where ours stood: the ring tells whether a step was made.
  return hasStepped(status.keys, before.keys) ? 'done' : undefined;
}

const kidAt = (keys: readonly KeyView[], place: string): string | undefined =>
  keys.find((key) => key.place === place)?.kid;

/** The key that was next has begun to sign. */
const hasStepped = (today: readonly KeyView[], before: readonly KeyView[]): boolean =>
  kidAt(today, 'current') !== kidAt(before, 'current') && kidAt(today, 'next') !== kidAt(before, 'next');

function failed(status: KeysStatus, before: KeysStatus, functionName: string): CouldNot {
  const code = status.lastRotation?.code ?? 'rotation_failed';
  const moved = hasStepped(status.keys, before.keys)
    ? 'the keys have moved all the same, see keys status'
    : 'the keys are as they were';
  return new CouldNot(code, `the rotation failed (${code}), ${moved}; the log of ${functionName} says why`);
}
