import { RemovalPolicy } from 'aws-cdk-lib';

/**
 * For what holds data: it stays when its stack is deleted or replaces it. What a deployment made that then failed goes again, so
 * that the next one finds nothing in its way.
 */
export const retainOnUpdateOrDelete = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
