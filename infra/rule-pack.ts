import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, Stage, type CfnResource } from 'aws-cdk-lib';
import { NagMessageLevel, NagPack, NagRuleCompliance } from 'cdk-nag';
import { rules, type StackTemplate } from './rules.ts';

/** Our own rules, as a pack whose findings are errors. A finding is acknowledged at its construct as `Cis2Bff-RULE`, with a reason. */
export class Cis2BffChecks extends NagPack {
  readonly name = 'Cis2Bff';
  protected override packName = 'Cis2Bff';
  private readonly templates = new Map<Stack, StackTemplate>();

  protected checkResource(node: CfnResource): void {
    const stack = Stack.of(node);
    const template = this.templateOf(stack);
    const logicalId = stack.getLogicalId(node);
    const resource = template.Resources?.[logicalId];
    if (resource === undefined) return;
    for (const { id, fault, why, isBroken } of rules) {
      this.applyRule({
        ruleSuffixOverride: id,
        info: fault,
        explanation: why,
        level: NagMessageLevel.ERROR,
        node,
        rule: () =>
          isBroken(resource, logicalId, template)
            ? NagRuleCompliance.NON_COMPLIANT
            : NagRuleCompliance.COMPLIANT,
      });
    }
  }

  /** As it was written: rules see what is deployed. */
  private templateOf(stack: Stack): StackTemplate {
    const found =
      this.templates.get(stack) ??
      (JSON.parse(
        readFileSync(join(Stage.of(stack)?.outdir ?? '.', stack.templateFile), 'utf8'),
      ) as StackTemplate);
    this.templates.set(stack, found);
    return found;
  }
}
