/**
 * Synthesises every environment, to look at, or with `-c env=NAME` that one, which alone can be deployed. With `-c env=pr-NUMBER` that of
 * a pull request.
 */
import { bundleFunctions } from './bundle.ts';
import { chosenEnvironments, refuseUnknownContext } from './chosen-environments.ts';
import { refuseSharedHosts } from './environment-checks.ts';
import { environments } from './environments.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { addEnvironment } from './stacks.ts';
import { contextOfCdkJson, createApp } from './synthesis.ts';

const app = createApp();
const context = (name: string): unknown => app.node.tryGetContext(name);

try {
  refuseUnknownContext(
    Object.keys(app.node.getAllContext() as object).filter((name) => !contextOfCdkJson.has(name)),
  );
  refuseSharedHosts(environments);
  const chosen = chosenEnvironments(context);
  const bundles = bundleFunctions();
  const refusal = context('env') === undefined ? 'choose-one-environment-with--c-env=NAME' : undefined;
  // The local run's template has all that there can be: an app's configuration says what of it is there.
  const complete = String(context('complete')) === 'true' ? { sessionEvents: true } : {};
  for (const [name, environment] of chosen) {
    addEnvironment(app, name, { ...environment, ...complete }, bundles, refusal);
  }
  app.synth();
} catch (error) {
  if (!(error instanceof DeploymentRefused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
