/** `npm run rights`: writes docs/operations/rights.md, what each role may do and why, and the same of session events. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { rightsReport } from '../tools/rights/document.ts';
import { bundleFunctions } from './bundle.ts';
import { environments } from './environments.ts';
import type { StackTemplate } from './rules.ts';
import { addEnvironment } from './stacks.ts';
import { createApp } from './synthesis.ts';

process.env['CDK_VALIDATION'] = 'false';
const prod = environments['prod'];
if (prod === undefined) throw new Error('there is no environment prod');
const bundles = bundleFunctions();

const templateOf = (sessionEvents: boolean): StackTemplate => {
  const app = createApp();
  const { stateless } = addEnvironment(app, 'prod', { ...prod, sessionEvents }, bundles);
  const assembly = app.synth();
  const { template } = assembly.getStackArtifact(stateless.artifactId) as { template: StackTemplate };
  rmSync(assembly.directory, { recursive: true });
  return template;
};

const [ordinary, pushing] = [templateOf(false), templateOf(true)];
for (const [name, report] of [
  ['rights.md', rightsReport(ordinary)],
  ['rights-session-events.md', rightsReport(pushing, ordinary)],
] as const) {
  const file = join(import.meta.dirname, '../docs/operations', name);
  const { document, withoutReason, unused } = report;
  writeFileSync(file, await format(document, { ...(await resolveConfig(file)), filepath: file }));
  for (const right of withoutReason) process.stderr.write(`no reason for ${right}\n`);
  for (const reason of unused) process.stderr.write(`a reason without a right: ${reason}\n`);
  if (withoutReason.length + unused.length > 0) process.exitCode = 1;
}
