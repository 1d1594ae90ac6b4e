/**
 * Synthesises every environment, to look at, or with `-c env=NAME` that one, which alone can be deployed. With `-c env=pr-NUMBER` that of
 * a pull request.
 */
import { suggestion } from '../manifest/nearest.ts';
import { bundleFunctions } from './bundle.ts';
import { refuseSharedHosts } from './environment-checks.ts';
import { environments, type Environment } from './environments.ts';
import { isPullRequest, pullRequestContext, pullRequestEnvironment } from './ephemeral.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { addEnvironment } from './stacks.ts';
import { contextOfCdkJson, createApp } from './synthesis.ts';

const app = createApp();
const wanted: unknown = app.node.tryGetContext('env');
const given = Object.fromEntries(
  pullRequestContext.flatMap((name) => {
    const value: unknown = app.node.tryGetContext(name);
    return typeof value === 'string' && value !== '' ? [[name, value]] : [];
  }),
);

/** What `-c` may say. The names of the CDK itself have a colon or stand in `cdk.json`. */
const ownContext = ['env', 'complete', ...pullRequestContext];

const refuseUnknownContext = (): void => {
  const unknown = Object.keys(app.node.getAllContext() as object).filter(
    (name) => !name.includes(':') && !ownContext.includes(name) && !contextOfCdkJson.has(name),
  );
  if (unknown.length === 0) return;
  throw new DeploymentRefused(
    unknown.map((name) => `there is no -c ${name}=…${suggestion(name, ownContext)}`),
  );
};

const choose = (): readonly (readonly [name: string, environment: Environment])[] => {
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
};

try {
  refuseUnknownContext();
  refuseSharedHosts(environments);
  const chosen = choose();
  const bundles = bundleFunctions();
  const refusal = wanted === undefined ? 'choose-one-environment-with--c-env=NAME' : undefined;
  // The local run's template has all that there can be: an app's configuration says what of it is there.
  const complete = app.node.tryGetContext('complete') === true ? { sessionEvents: true } : {};
  for (const [name, environment] of chosen) {
    addEnvironment(app, name, { ...environment, ...complete }, bundles, refusal);
  }
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentRefused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
