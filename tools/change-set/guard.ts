/** Whether a change set of CloudFormation would replace or remove what holds data, or what DNS leads to. */
import { statefulTypes } from '../../infra/rules.ts';
import { isObject, type JsonObject } from '../../lambdas/common/json.ts';

export interface Loss {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  /** E.g. `would be replaced`. */
  readonly what: string;
}

/** What cannot be judged, and so is not let through. */
export class ChangeSetUnreadable extends Error {
  override readonly name = 'ChangeSetUnreadable';
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Names that DNS leads to, which somebody has to change by hand when they are others. */
const addressed = ['AWS::ApiGatewayV2::DomainName', 'AWS::CloudFront::Distribution'];
const guarded: readonly string[] = [
  ...statefulTypes,
  ...addressed,
  ...['AWS::DynamoDB::GlobalTable', 'AWS::KMS::ReplicaKey'],
];
/** What these do to a resource takes nothing away. */
const harmless: readonly string[] = ['Add', 'Import', 'SyncWithActual'];
const noChanges = /didn't contain changes|no updates are to be performed/i;

function lossOf(change: JsonObject): string | undefined {
  const action = text(change['Action']);
  if (change['ResourceType'] === 'AWS::CloudFormation::Stack') {
    return 'is a stack of its own, whose changes are not in this change set';
  }
  if (!guarded.includes(text(change['ResourceType'])) || harmless.includes(action)) return undefined;
  if (action === 'Remove') return 'would leave the stack';
  if (action !== 'Modify') return `would be changed in an unknown way (${action})`;
  if (change['Replacement'] === 'False') return undefined;
  return change['Replacement'] === 'True' ? 'would be replaced' : 'may be replaced';
}

/**
 * @param changeSet - what `aws cloudformation describe-change-set` prints, parsed
 * @returns what would be replaced or removed, or may be
 * @throws ChangeSetUnreadable for what is no whole change set that could be executed
 */
export function lossesIn(changeSet: unknown): readonly Loss[] {
  if (!isObject(changeSet) || !Array.isArray(changeSet['Changes'])) {
    throw new ChangeSetUnreadable('this is not what describe-change-set prints: it has no list of changes');
  }
  const stack = text(changeSet['StackName']);
  if (stack === '') throw new ChangeSetUnreadable('the change set names no stack');
  if (changeSet['NextToken'] !== undefined && changeSet['NextToken'] !== null) {
    throw new ChangeSetUnreadable(`the change set of ${stack} goes on on another page: ask for all of it`);
  }
  const changes = changeSet['Changes'] as unknown[];
  const status = text(changeSet['Status']);
  const isEmpty =
    status === 'FAILED' && changes.length === 0 && noChanges.test(text(changeSet['StatusReason']));
  if (status !== 'CREATE_COMPLETE' && !isEmpty) {
    throw new ChangeSetUnreadable(
      `the change set of ${stack} is not complete: ${status || 'it has no status'}`,
    );
  }
  return changes.flatMap((change) => {
    const resource = isObject(change) ? change['ResourceChange'] : undefined;
    if (!isObject(resource)) {
      // Hooks are the other type; anything else is not known.
      if (isObject(change) && change['Type'] === 'Hook') return [];
      throw new ChangeSetUnreadable(`the change set of ${stack} has a change of no resource`);
    }
    const what = lossOf(resource);
    return what === undefined
      ? []
      : [
          {
            stack,
            logicalId: text(resource['LogicalResourceId']),
            type: text(resource['ResourceType']),
            what,
          },
        ];
  });
}
