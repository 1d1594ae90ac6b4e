import { calledAs } from '../local/cli/called-as.ts';
import type { Target } from './command.ts';

/**
 * A command line that can be run as it stands.
 *
 * @param words - the command with its operands
 */
export const invocation = (words: string, target: Target): string =>
  `${calledAs('ops')} ${words} ${optionsOf(target)}`;

function optionsOf(target: Target): string {
  if (target.kind === 'local') return `--local ${String(target.port)}`;
  const region = target.region === defaultRegion ? '' : ` --region ${target.region}`;
  if (target.kind === 'environment') return `--env ${target.name}${region}`;
  const construct = target.construct === undefined ? '' : ` --construct ${target.construct}`;
  return `--stack ${target.name}${construct}${region}`;
}

export const defaultRegion = 'eu-west-2';
