/** Synthesises every environment, to look at, or with `-c env=NAME` that one, which alone can be deployed. */
import { bundleFunctions } from './bundle.ts';
import { environments } from './environments.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { addEnvironment } from './stacks.ts';
import { createApp } from './synthesis.ts';

const app = createApp();
const wanted: unknown = app.node.tryGetContext('env');
const chosen = Object.entries(environments).filter(([name]) => wanted === undefined || name === wanted);

try {
  if (chosen.length === 0) {
    throw new DeploymentRefused([
      `no environment named ${JSON.stringify(wanted)}, only ${Object.keys(environments).join(', ')}`,
    ]);
  }
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
