import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { CDK_APP_MODE_CONTEXT, STRICT_CFN_VALIDATE_ERRORS } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Cis2BffChecks } from './rule-pack.ts';

interface CdkSettings {
  readonly context: Readonly<Record<string, unknown>>;
}

const { context } = JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8')) as CdkSettings;

/** The names in the context of `cdk.json`. */
export const contextOfCdkJson: ReadonlySet<string> = new Set(Object.keys(context));

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
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new Cis2BffChecks(app));
  }
  return app;
}
