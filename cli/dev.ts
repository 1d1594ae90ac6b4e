/** `cis2-bff dev`: the whole product on this machine with an app's own configuration, until it is stopped. */
import { loadApp } from '../local/app.ts';
import { helpText, parseOptions } from '../local/cli/options.ts';
import { runProgram } from '../local/cli/program.ts';
import { run } from '../local/run.ts';

export const dev = (args: readonly string[]): Promise<void> =>
  runProgram('cis2-bff', async (stop) => {
    const options = parseOptions(args, process.env);
    if (options === 'help') process.stdout.write(`${helpText()}\n`);
    else await run(options, stop, await loadApp(process.cwd()));
  });
