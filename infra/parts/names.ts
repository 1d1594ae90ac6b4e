import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export const pascalCase = (name: string): string =>
  name.replaceAll(/(?:^|[- ])([a-z])/g, (_match, letter: string) => letter.toUpperCase());

/** The stack's name and the construct's path in it: unique in an account and region, and the same at every synthesis. */
export const nameInStack = (construct: Construct): string => {
  const stack = Stack.of(construct);
  const path = construct.node.path.slice(stack.node.path.length).replaceAll('/', '-');
  return `${stack.stackName}${path}`;
};
