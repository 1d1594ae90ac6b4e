import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { App, Validations } from 'aws-cdk-lib';
import { CDK_APP_MODE_CONTEXT, STRICT_CFN_VALIDATE_ERRORS } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import { chosenEnvironments, refuseUnknownContext } from './chosen-environments.ts';
import { refuseSharedHosts } from './environment-checks.ts';
import { environments } from './environments.ts';
import { DeploymentRefused } from './parts/settings.ts';
import { Cis2BffChecks } from './rule-pack.ts';
import { addEnvironment } from './stacks.ts';

interface CdkSettings {
  readonly context: Readonly<Record<string, unknown>>;
}

const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8')) as CdkSettings;

/**
 * An app with the context of `cdk.json`, whether the CDK's command line started it or not, and with every check on.
 * What its `synth()` finds, a warning too, is printed and makes the process exit 1, unless it was acknowledged with a
 * reason. `CDK_VALIDATION=false` leaves the slow checks out.
 */
export function createApp(): App {
  const app = new App({
    context: { ...context, [STRICT_CFN_VALIDATE_ERRORS]: true, [CDK_APP_MODE_CONTEXT]: 'process' },
    analyticsReporting: false,
    autoSynth: false,
  });
  if (process.env['CDK_VALIDATION'] !== 'false') {
    // The CDK's own checks are WebAssembly, whose memory makes V8 mark the heap again and again: half of their processor time.
    setFlagsFromString('--no-concurrent-marking');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new Cis2BffChecks(app));
  }
  return app;
}

/**
 * Synthesises the environments that the context names. A refusal is printed and makes the process exit 1.
 *
 * @param bundle - makes the bundles of the functions, and returns their directory
 */
export function synthesise(bundle: () => string): void {
  const app = createApp();
  const contextOf = (name: string): unknown => app.node.tryGetContext(name);
  try {
    refuseUnknownContext(
      Object.keys(app.node.getAllContext() as object).filter((name) => !Object.hasOwn(context, name)),
    );
    refuseSharedHosts(environments);
    const chosen = chosenEnvironments(contextOf);
    const bundles = bundle();
    const refusal = contextOf('env') === undefined ? 'choose-one-environment-with--c-env=NAME' : undefined;
    // The local run's template has all that there can be: an app's configuration says what of it is there.
    const complete = String(contextOf('complete')) === 'true' ? { sessionEvents: true } : {};
    for (const [name, environment] of chosen) {
      addEnvironment(app, name, { ...environment, ...complete }, bundles, refusal);
    }
    app.synth();
  } catch (error) {
    if (!(error instanceof DeploymentRefused)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
