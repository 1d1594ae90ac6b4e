import type { Clock, Context } from './command.ts';
import { readCommandLine, type CommandLine } from './command-line.ts';
import { isCommandError } from './errors.ts';
import { openInstallation, type Installation } from './installation.ts';
import { createIo, type Streams } from './io.ts';

const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/**
 * Runs one command.
 *
 * @param args - the command line, without the program's own name
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage
 */
export async function runOps(args: readonly string[], streams: Streams = process): Promise<number> {
  let line: CommandLine;
  try {
    line = readCommandLine(args);
  } catch (error) {
    return reported(error, createIo({ json: args.includes('--json'), asks: false }, streams));
  }
  if (line.kind === 'help') {
    streams.stdout.write(`${line.text}\n`);
    return 0;
  }

  const io = createIo({ json: line.args.json, asks: !line.args.yes && !line.args.dryRun }, streams);
  const opened: Installation[] = [];
  const context: Context = {
    io,
    clock: systemClock,
    open: async (target) => {
      const installation = await openInstallation(target);
      opened.push(installation);
      return installation;
    },
  };
  try {
    const result = await line.command.run(line.args, context);
    io.finish(result);
    return result.failed === true ? 1 : 0;
  } catch (error) {
    return reported(error, io);
  } finally {
    for (const installation of opened) installation.close();
  }
}

function reported(error: unknown, io: { fail(error: { code: string; message: string }): void }): number {
  if (!isCommandError(error)) {
    // Its name alone: the message of an unknown error may quote anything.
    const name = error instanceof Error ? error.name : typeof error;
    io.fail({ code: 'internal_error', message: `internal error ${name}: a fault of the command itself` });
    return 1;
  }
  io.fail(error);
  return error.exitCode;
}
