import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AppStack } from '../infra/stack.ts';

test('deploys one distribution in front of the functions', () => {
  const template = Template.fromStack(new AppStack(new App(), 'Test'));
  template.resourceCountIs('AWS::CloudFront::Distribution', 1);
  assert.ok(Object.keys(template.findResources('AWS::Lambda::Function')).length > 0);
});
