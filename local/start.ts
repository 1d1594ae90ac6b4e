/** `npm start`: the whole product on this machine, until it is told to stop. */
import { reasonOf, StartError } from './errors.ts';
import { helpText, parseOptions } from './options.ts';
import { run } from './run.ts';

/** Somebody who reads only the first lines of the output closes the pipe; that is no reason to end. */
process.stdout.on('error', () => undefined);

const stopping = new AbortController();

function fail(error: unknown): never {
  process.stderr.write(
    error instanceof StartError
      ? `cis2-bff: ${error.message}\n`
      : `cis2-bff: internal error: ${reasonOf(error)}\n`,
  );
  process.exit(1);
}

/** What must be over by then is over, whether it has finished or not, in milliseconds. */
const longestStop = 800;

/** One Ctrl+C comes twice, from the terminal and from npm: so near the first, a signal is not a second wish. */
const sameWish = 250;

let stoppedAt = Infinity;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (performance.now() > stoppedAt + sameWish) process.exit(1);
    if (stopping.signal.aborted) return;
    stoppedAt = performance.now();
    stopping.abort();
    setTimeout(() => process.exit(0), longestStop).unref();
  });
}
process.on('uncaughtException', fail);

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') process.stdout.write(`${helpText}\n`);
  else await run(options, stopping.signal);
} catch (error) {
  if (!stopping.signal.aborted) fail(error);
}
process.exit(0);
