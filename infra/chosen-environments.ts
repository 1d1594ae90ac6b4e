import { didYouMean } from '../manifest/nearest.ts';
import { environments, type Environment } from './environments.ts';
import { isPullRequest, pullRequestContext, pullRequestEnvironment } from './ephemeral.ts';
import { DeploymentRefused } from './parts/settings.ts';

/**
 * The environments to synthesise: all, or the one that is asked for.
 *
 * @param contextOf - the value of `-c NAME=VALUE`
 * @throws DeploymentRefused for an environment that does not exist, and for context that only a pull request's takes or lacks
 */
export function chosenEnvironments(
  contextOf: (name: string) => unknown,
): readonly (readonly [name: string, environment: Environment])[] {
  const wanted = contextOf('env');
  const given = Object.fromEntries(
    pullRequestContext.flatMap((name) => {
      const value = contextOf(name);
      return typeof value === 'string' && value !== '' ? [[name, value]] : [];
    }),
  );
  if (isPullRequest(wanted)) return [[wanted, pullRequestEnvironment(wanted, given)]];
  const [unexpected] = Object.keys(given);
  if (unexpected !== undefined) {
    throw new DeploymentRefused([
      `-c ${unexpected}=… is for the environment of a pull request, -c env=pr-NUMBER`,
    ]);
  }
  const chosen = Object.entries(environments).filter(([name]) => wanted === undefined || name === wanted);
  if (chosen.length > 0) return chosen;
  throw new DeploymentRefused([
    `no environment named ${JSON.stringify(wanted)}, only ${Object.keys(environments).join(', ')} and pr-NUMBER`,
  ]);
}

/** What `-c` may say. The CDK's own names have a colon. */
const ownContext = ['env', 'complete', ...pullRequestContext];

/**
 * @param names - of the whole context but for that of `cdk.json`
 * @throws DeploymentRefused for a name that nothing reads
 */
export function refuseUnknownContext(names: readonly string[]): void {
  const unknown = names.filter((name) => !name.includes(':') && !ownContext.includes(name));
  if (unknown.length === 0) return;
  throw new DeploymentRefused(
    unknown.map((name) => `there is no -c ${name}=…${didYouMean(name, ownContext)}`),
  );
}
