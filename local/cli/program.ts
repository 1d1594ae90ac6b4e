import { reasonOf, StartError } from '../errors.ts';
import { whenStarterIsGone } from './starter.ts';

/** What must be over by then is over, whether it has finished or not, in milliseconds. */
const maxStop = 800;

/** One Ctrl+C comes twice, from the terminal and from npm: so near the first, a signal is not a second wish. */
const repeatedSignalMs = 250;

/**
 * Runs a program of the command line until it has finished or is stopped, then ends the process: 0 when it finished
 * or was stopped, 1 with one line when it failed.
 *
 * @param name - stands before that line
 * @param main - gets a signal that says to stop
 */
export async function runProgram(name: string, main: (stop: AbortSignal) => Promise<void>): Promise<never> {
  // Somebody who reads only the first lines of the output closes the pipe; that is no reason to end.
  process.stdout.on('error', () => undefined);

  const stopping = new AbortController();
  const fail = (error: unknown): never => {
    process.stderr.write(
      error instanceof StartError
        ? `${name}: ${error.message}\n`
        : `${name}: internal error: ${reasonOf(error)}\n`,
    );
    process.exit(1);
  };

  let stoppedAt = Infinity;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (performance.now() > stoppedAt + repeatedSignalMs) process.exit(1);
      if (stopping.signal.aborted) return;
      stoppedAt = performance.now();
      stopping.abort();
      setTimeout(() => process.exit(0), maxStop).unref();
    });
  }
  process.on('uncaughtException', fail);
  whenStarterIsGone(() => {
    stopping.abort();
    setTimeout(() => process.exit(0), maxStop).unref();
  });

  try {
    await main(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) fail(error);
  }
  process.exit(0);
}
