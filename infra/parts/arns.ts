import { Arn, ArnFormat, Token } from 'aws-cdk-lib';

/** The stack that a resource is used in. Either may be known only when it is deployed. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

const certificateExample = (region: string): string =>
  `arn:aws:acm:${region}:123456789012:certificate/00000000-0000-0000-0000-000000000000`;
const webAclExample =
  'arn:aws:wafv2:us-east-1:123456789012:global/webacl/name/00000000-0000-0000-0000-000000000000';

/** What is wrong with an ARN that must be of a certain shape, region and account; nothing for one that is known only when it is deployed. */
const arnProblems = (
  property: string,
  arn: string,
  { shape, example, place }: { readonly shape: RegExp; readonly example: string; readonly place: Place },
): readonly string[] => {
  if (Token.isUnresolved(arn)) return [];
  if (!shape.test(arn)) return [`${property} must be an ARN such as ${example}, got ${arn}`];
  const { region = '', account = '' } = Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME);
  const problems: string[] = [];
  if (!Token.isUnresolved(place.region) && region !== place.region) {
    problems.push(`${property} must be in ${place.region}, got ${arn}`);
  }
  if (!Token.isUnresolved(place.account) && account !== place.account) {
    problems.push(`${property} must be in the account ${place.account}, got ${arn}`);
  }
  return problems;
};

export const certificateProblems = (property: string, arn: string, place: Place): readonly string[] =>
  arnProblems(property, arn, {
    shape: /^arn:aws:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
    example: certificateExample(Token.isUnresolved(place.region) ? 'eu-west-2' : place.region),
    place,
  });

export const webAclProblems = (property: string, arn: string, place: Place): readonly string[] =>
  arnProblems(property, arn, {
    shape: /^arn:aws:wafv2:[a-z0-9-]+:\d{12}:global\/webacl\/[\w-]+\/[\w-]+$/,
    example: webAclExample,
    place,
  });
