import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * Adds an output for each value that is there, under its name. The operator commands find them by their descriptions: the key of an
 * output is made by the CDK, so that several installations can stand in one stack.
 *
 * @param values - name → value
 */
export const addOutputs = (
  scope: Construct,
  values: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, CfnOutput>> => {
  const path = scope.node.path.slice(Stack.of(scope).node.path.length).replace(/^\//, '');
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [[name, new CfnOutput(scope, name, { value, description: `CIS2 BFF ${path}: ${name}` })]],
    ),
  );
};
