/** `cis2-bff simulator`: the CIS2 simulator alone, for apps that have nothing else of this project. */
import { startCis2Simulator, type Cis2Simulator } from '../local/cis2-simulator/index.ts';
import { codeOf, StartError } from '../local/errors.ts';
import { runProgram } from '../local/cli/program.ts';
import {
  parseSimulatorOptions,
  simulatorHelp,
  type SimulatorOptions,
} from '../local/cli/simulator-options.ts';

async function startOn(options: SimulatorOptions): Promise<Cis2Simulator> {
  const { port, clients, issuerPortInName, quiet } = options;
  const log = (line: string): void => {
    if (!quiet) process.stdout.write(`${line}\n`);
  };
  try {
    return await startCis2Simulator({ port, clients, issuerPortInName, log });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EADDRINUSE') {
      throw new StartError(`port ${String(port)} is in use: end what uses it, or choose another with --port`);
    }
    if (code === 'EACCES') throw new StartError(`port ${String(port)} is not open to you: choose another`);
    throw error;
  }
}

const summary = ({ issuer, panel }: Cis2Simulator, { clients }: SimulatorOptions): string =>
  [
    '',
    '  A simulator of NHS CIS2, for development: it is not the NHS, and everybody in it is invented.',
    '',
    `  Issuer      ${issuer}`,
    `  Discovery   ${issuer}/.well-known/openid-configuration`,
    `  Panel       ${panel}`,
    `  Apps        ${clients.map(({ clientId }) => clientId).join(', ')}`,
    '  Stop        Ctrl+C',
    '',
    '',
  ].join('\n');

export const simulator = (args: readonly string[]): Promise<void> =>
  runProgram('cis2-simulator', async (stop) => {
    const options = parseSimulatorOptions(args);
    if (options === 'help') {
      process.stdout.write(simulatorHelp());
      return;
    }
    const running = await startOn(options);
    if (!options.quiet) process.stdout.write(summary(running, options));
    process.stdout.write(`ready ${new URL(running.panel).origin}\n`);
    await new Promise<void>((resolve) => {
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    await running.close();
  });
