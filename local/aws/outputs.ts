/** What the stacks of the template show once they are deployed: their outputs and alarms. */
import type { TemplateAlarm } from '../state-file.ts';
import { settingInTemplate } from './functions.ts';
import { listAt, textOf } from './template.ts';
import type { Assembly } from './template.ts';

/**
 * The outputs of the stacks as a local run has them.
 *
 * @param baseUrl - stands in every address on the origin that the template is for
 */
export function readOutputs(assembly: Assembly, baseUrl: string): Record<string, string> {
  const deployedAt = settingInTemplate(assembly, 'BASE_URL');
  return Object.fromEntries(
    Object.entries(assembly.outputs()).map(([name, value]) => [
      name,
      deployedAt !== undefined && (value === deployedAt || value.startsWith(`${deployedAt}/`))
        ? baseUrl + value.slice(deployedAt.length)
        : value,
    ]),
  );
}

/** The alarms of the stacks, as a deployment would have them. */
export const readAlarms = (assembly: Assembly): readonly TemplateAlarm[] =>
  assembly
    .resources('AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm')
    .map(({ logicalId, properties }) => ({
      name: textOf(properties['AlarmName']) || logicalId,
      description: textOf(properties['AlarmDescription']),
      actions: listAt(properties, 'AlarmActions').length,
      enabled: properties['ActionsEnabled'] !== false,
    }));
