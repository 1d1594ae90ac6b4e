/** `npm start`: the whole product on this machine, until it is told to stop. */
import { helpText, parseOptions } from './cli/options.ts';
import { runProgram } from './cli/program.ts';
import { run } from './run.ts';

await runProgram('cis2-bff', async (stop) => {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help') process.stdout.write(`${helpText}\n`);
  else await run(options, stop);
});
