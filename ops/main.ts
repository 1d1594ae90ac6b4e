/** `npm run ops`: what an operator can do to an installation, in AWS or on this machine. */
import { runOps } from './run.ts';

// Somebody who reads only the first lines of the output closes the pipe; that is no reason to fail.
process.stdout.on('error', () => undefined);
process.exitCode = await runOps(process.argv.slice(2));
