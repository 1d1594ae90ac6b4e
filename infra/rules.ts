/** Rules of our own for what is synthesised, over a stack's template. AWS's own rules (`AwsSolutions`) come beside them. */
import { cookieNames } from '../lambdas/cookie-names.ts';
import { edgeHeader } from '../lambdas/routes.ts';
import { uncachedErrors } from './parts/uncached-errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly UpdatePolicy?: Json;
}
export interface StackTemplate {
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
}

export interface Rule {
  readonly id: string;
  /** What is wrong with a resource that breaks it. */
  readonly fault: string;
  readonly why: string;
  readonly isBroken: (resource: TemplateResource, logicalId: string, template: StackTemplate) => boolean;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const at = (value: Json | undefined, ...keys: readonly string[]): Json | undefined =>
  keys.reduce((found: Json | undefined, key) => (isObject(found) ? found[key] : undefined), value);
/** The items of a list; a single value is a list of one. */
export const list = (value: Json | undefined): readonly Json[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly Json[]) : [value];
const property = (resource: TemplateResource, ...keys: readonly string[]): Json | undefined =>
  at(resource.Properties, ...keys);
const resourcesOf = ({ Resources = {} }: StackTemplate): readonly TemplateResource[] =>
  Object.values(Resources);

/** The function that a role or a log group belongs to, by its place among the constructs: `ApiProxy`. */
const functionOf = (logicalId: string, part: 'Logs' | 'Role'): string | undefined =>
  new RegExp(`Functions([A-Za-z]+)${part}[0-9A-F]{8}$`).exec(logicalId)?.[1];

/** Secret, as resources name it → the functions that may read it, each from `Functions/…`. */
const readers: Readonly<Record<string, readonly string[]>> = {
  SigningKeys: ['Callback', 'ApiProxy', 'RotateSigningKeys'],
  ApiPlatformKeys: ['ApiProxy', 'RotateSigningKeys'],
  ApiPlatformCredentials: ['ApiProxy'],
  IdentifierKey: ['Callback', 'BackchannelLogout', 'OperatorSessions'],
  EdgeSecret: ['Login', 'Callback', 'Session', 'ApiProxy', 'BackchannelLogout', 'SessionEvents'],
};
/** The only one that reads versions which were in force or are to come: it moves them. */
const rotator = 'RotateSigningKeys';

const isLike = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  ).test(text);

const mayRead = (statement: JsonObject, who: string | undefined): boolean => {
  if ('NotAction' in statement || 'NotResource' in statement) return false;
  return list(statement['Resource']).every((resource) => {
    const text = JSON.stringify(resource);
    const named = Object.keys(readers).filter((secret) => text.includes(secret));
    const [secret = ''] = named;
    if (named.length !== 1 || who === undefined || readers[secret]?.includes(who) !== true) return false;
    const stages = list(
      at(statement['Condition'], 'ForAnyValue:StringEquals', 'secretsmanager:VersionStage'),
    );
    const allowed: readonly Json[] = secret === 'EdgeSecret' ? ['AWSCURRENT', 'AWSPREVIOUS'] : ['AWSCURRENT'];
    return who === rotator || (stages.length > 0 && stages.every((stage) => allowed.includes(stage)));
  });
};

/** The statements of a role or a policy; none of anything else. */
const statementsOf = (resource: TemplateResource): readonly JsonObject[] => {
  const documents = {
    'AWS::IAM::Role': list(property(resource, 'Policies')).map((policy) => at(policy, 'PolicyDocument')),
    'AWS::IAM::Policy': [property(resource, 'PolicyDocument')],
    'AWS::IAM::ManagedPolicy': [property(resource, 'PolicyDocument')],
  }[resource.Type];
  return (documents ?? []).flatMap((document) => list(at(document, 'Statement'))).filter(isObject);
};

const allows = (statement: JsonObject, wanted: string): boolean =>
  list(statement['Action']).some((action) => typeof action === 'string' && isLike(action, wanted));

const readsSecrets = (statement: JsonObject): boolean =>
  statement['Effect'] === 'Allow' &&
  ('NotAction' in statement ||
    allows(statement, 'secretsmanager:GetSecretValue') ||
    allows(statement, 'secretsmanager:BatchGetSecretValue'));

/** What a role may call. */
const invoked = (resource: TemplateResource): readonly Json[] =>
  statementsOf(resource)
    .filter((statement) => statement['Effect'] === 'Allow' && allows(statement, 'lambda:InvokeFunction'))
    .flatMap((statement) => list(statement['Resource']));

/** A WebSocket API calls a function by an address that is made of its ARN. */
const inAddress = (uri: Json | undefined): Json =>
  list(list(at(uri, 'Fn::Join'))[1]).find(
    (part) =>
      at(part, 'Fn::GetAtt') !== undefined ||
      (at(part, 'Ref') !== undefined && !JSON.stringify(part).includes('AWS::')),
  ) ??
  uri ??
  null;

/** Resource type → where it names functions. */
const callers: Readonly<Record<string, (resource: TemplateResource) => readonly Json[]>> = {
  'AWS::ApiGatewayV2::Integration': (resource) => [inAddress(property(resource, 'IntegrationUri'))],
  'AWS::IAM::ManagedPolicy': invoked,
  'AWS::IAM::Policy': invoked,
  'AWS::IAM::Role': invoked,
  'AWS::Lambda::EventSourceMapping': (resource) => [property(resource, 'FunctionName') ?? null],
  'AWS::Lambda::Permission': (resource) => [property(resource, 'FunctionName') ?? null],
  'AWS::Events::Rule': (resource) =>
    list(property(resource, 'Targets')).map((target) => at(target, 'Arn') ?? null),
  'AWS::Logs::SubscriptionFilter': (resource) => [property(resource, 'DestinationArn') ?? null],
  'AWS::SecretsManager::RotationSchedule': (resource) => [property(resource, 'RotationLambdaARN') ?? null],
};

/** Types of resources that hold data, or the key of data. */
export const statefulTypes = [
  'AWS::DynamoDB::Table',
  'AWS::KMS::Key',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
];
const isRetained = ({ DeletionPolicy = '', UpdateReplacePolicy }: TemplateResource): boolean =>
  ['Retain', 'RetainExceptOnCreate'].includes(DeletionPolicy) && UpdateReplacePolicy === 'Retain';

const isAudited = (logicalId: string, template: StackTemplate): boolean =>
  resourcesOf(template).some(
    (filter) =>
      filter.Type === 'AWS::Logs::SubscriptionFilter' &&
      at(filter.Properties, 'LogGroupName', 'Ref') === logicalId &&
      property(filter, 'FilterPattern') === '{ $.audit IS TRUE }',
  );
const daysOfAudit = 365;

/** The actions of a role on a table's items, each of which must be bound to keys. A scan is bound to attributes instead. */
const isBound = (statement: JsonObject): boolean => {
  const onItems = list(at(statement, 'Action')).filter(
    (action) =>
      typeof action === 'string' &&
      isLike(action.replace(/:.*/, ''), 'dynamodb') &&
      !/:(?:DescribeStream|GetRecords|GetShardIterator|ListStreams)$/.test(action),
  );
  if (at(statement, 'Effect') !== 'Allow' || onItems.length === 0) return true;
  const [condition, operator, key] = onItems.every((action) => action === 'dynamodb:Scan')
    ? (['ForAllValues:StringEquals', 'StringEquals', 'dynamodb:Attributes'] as const)
    : (['ForAllValues:StringLike', undefined, 'dynamodb:LeadingKeys'] as const);
  const values = list(at(statement, 'Condition', condition, key));
  return (
    values.length > 0 &&
    values.every((value) => typeof value === 'string' && !/^\W*$/.test(value)) &&
    at(statement, 'Condition', 'Null', key) === 'false' &&
    (operator === undefined ||
      at(statement, 'Condition', operator, 'dynamodb:Select') === 'SPECIFIC_ATTRIBUTES')
  );
};

/** What the firewall must do with groups of AWS's rules: block somewhere, or count at least. */
const managedGroups: Readonly<Record<string, 'blocks' | 'counts'>> = {
  AWSManagedRulesAmazonIpReputationList: 'blocks',
  AWSManagedRulesKnownBadInputsRuleSet: 'blocks',
  AWSManagedRulesCommonRuleSet: 'counts',
};

const firewallLacks = (acl: TemplateResource): boolean => {
  const found = list(property(acl, 'Rules'));
  const rates = found.filter(
    (rule) =>
      at(rule, 'Action', 'Block') !== undefined &&
      Number(at(rule, 'Statement', 'RateBasedStatement', 'Limit')) > 0 &&
      at(rule, 'Statement', 'RateBasedStatement', 'AggregateKeyType') === 'IP',
  );
  const scopes = rates.map((rule) => at(rule, 'Statement', 'RateBasedStatement', 'ScopeDownStatement'));
  return (
    !scopes.includes(undefined) ||
    !['/auth/callback', '/auth/login'].every((path) =>
      scopes.some((scope) => at(scope, 'ByteMatchStatement', 'SearchString') === path),
    ) ||
    !Object.entries(managedGroups).every(([group, does]) =>
      found.some(
        (rule) =>
          at(rule, 'Statement', 'ManagedRuleGroupStatement', 'Name') === group &&
          (does === 'counts' || at(rule, 'OverrideAction', 'None') !== undefined),
      ),
    )
  );
};

const distributionLacks = (distribution: TemplateResource): boolean => {
  const config = property(distribution, 'DistributionConfig');
  const errors = list(at(config, 'CustomErrorResponses'));
  const api = list(at(config, 'Origins')).filter((origin) => at(origin, 'S3OriginConfig') === undefined);
  const called = api.map((origin) => at(origin, 'Id'));
  const behaviours = list(at(config, 'CacheBehaviors')).filter((behaviour) =>
    called.includes(at(behaviour, 'TargetOriginId')),
  );
  return (
    !errors.every(
      (error) => at(error, 'ErrorCachingMinTTL') === 0 && at(error, 'ResponsePagePath') === undefined,
    ) ||
    !uncachedErrors.every((code) => errors.some((error) => at(error, 'ErrorCode') === code)) ||
    !api.every((origin) => at(origin, 'CustomOriginConfig', 'OriginProtocolPolicy') === 'https-only') ||
    behaviours.length === 0 ||
    !behaviours.every((behaviour) => at(behaviour, 'ViewerProtocolPolicy') === 'https-only')
  );
};

/** Whether requests come to an alias, through a gateway. */
const isServing = (logicalId: string, template: StackTemplate): boolean =>
  resourcesOf(template).some(
    (integration) =>
      integration.Type === 'AWS::ApiGatewayV2::Integration' &&
      at(inAddress(property(integration, 'IntegrationUri')), 'Ref') === logicalId,
  );

const rollsBack = (group: TemplateResource): boolean =>
  property(group, 'AutoRollbackConfiguration', 'Enabled') === true &&
  list(property(group, 'AutoRollbackConfiguration', 'Events')).includes('DEPLOYMENT_FAILURE') &&
  // What is released at once, for a correction while an alarm is on, has no time in which alarms could take it back.
  (property(group, 'DeploymentConfigName') === 'CodeDeployDefault.LambdaAllAtOnce' ||
    (property(group, 'AlarmConfiguration', 'Enabled') === true &&
      list(property(group, 'AlarmConfiguration', 'Alarms')).length > 0 &&
      list(property(group, 'AutoRollbackConfiguration', 'Events')).includes('DEPLOYMENT_STOP_ON_ALARM')));

/** What anybody can call without being signed in. */
const isPublicRoute = (key: string): boolean =>
  key === '$default' ||
  /^ANY \/(?:auth|api)\/\{proxy\+\}$|^ANY \/auth\/(?:login|callback|backchannel-logout|jwks)/.test(key);

export const rules: readonly Rule[] = [
  {
    id: 'SecretReaders',
    fault: 'It may read a secret, or a version of one, that is not meant for it.',
    why: 'A function that is taken over must give away nothing but what its own work needs.',
    isBroken: (resource, logicalId) =>
      statementsOf(resource)
        .filter(readsSecrets)
        .some((statement) => !mayRead(statement, functionOf(logicalId, 'Role'))),
  },
  {
    id: 'LogGroups',
    fault: 'The log group is not encrypted under a key of ours, or keeps its lines for ever.',
    why: 'Logs say who signed in when.',
    isBroken: (resource) =>
      resource.Type === 'AWS::Logs::LogGroup' &&
      (property(resource, 'KmsKeyId') === undefined || property(resource, 'RetentionInDays') === undefined),
  },
  {
    id: 'AuditTrail',
    fault:
      "The function's audit events are not copied to the audit trail, or that is kept for less than a year or can be deleted.",
    why: 'Who signed in, and who changed keys or ended sessions, must be found for a year.',
    isBroken: (resource, logicalId, template) => {
      if (resource.Type !== 'AWS::Logs::LogGroup') return false;
      if (!/AuditTrail[0-9A-F]{8}$/.test(logicalId)) {
        return functionOf(logicalId, 'Logs') !== undefined && !isAudited(logicalId, template);
      }
      return (
        !(Number(property(resource, 'RetentionInDays')) >= daysOfAudit) ||
        property(resource, 'DeletionProtectionEnabled') !== true
      );
    },
  },
  {
    id: 'AliasTarget',
    fault: 'It names a function, and not the alias of its version in force.',
    why: 'Only what calls the alias takes part in a gradual release, and in going back.',
    isBroken: (resource, _logicalId, { Resources = {} }) =>
      (callers[resource.Type]?.(resource) ?? []).some((called) => {
        const reference = at(called, 'Ref');
        return typeof reference !== 'string' || Resources[reference]?.Type !== 'AWS::Lambda::Alias';
      }),
  },
  {
    id: 'AlarmActions',
    fault: 'Nobody is told when the alarm goes on, or when it goes off.',
    why: 'Somebody must be told of a fault, and of its end.',
    isBroken: (resource) =>
      ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::CompositeAlarm'].includes(resource.Type) &&
      (list(property(resource, 'AlarmActions')).length === 0 ||
        list(property(resource, 'OKActions')).length === 0 ||
        property(resource, 'ActionsEnabled') === false),
  },
  {
    id: 'Retained',
    fault:
      'It holds data, or the key of data, and goes when its stack goes or replaces it, or a table can be deleted by mistake.',
    why: 'A deployment must lose nothing.',
    isBroken: (resource) =>
      statefulTypes.includes(resource.Type) &&
      (!isRetained(resource) ||
        (resource.Type === 'AWS::DynamoDB::Table' &&
          property(resource, 'DeletionProtectionEnabled') !== true)),
  },
  {
    id: 'FunctionLogs',
    fault:
      'The function does not log JSON to a group of ours, or has the platform write a line for every call.',
    why: 'Alarms, queries and the audit trail read JSON, and a platform line for every call costs as much as ours.',
    isBroken: (resource) =>
      resource.Type === 'AWS::Lambda::Function' &&
      (property(resource, 'LoggingConfig', 'LogFormat') !== 'JSON' ||
        property(resource, 'LoggingConfig', 'SystemLogLevel') !== 'WARN' ||
        at(resource.Properties, 'LoggingConfig', 'LogGroup') === undefined),
  },
  {
    id: 'OriginLock',
    fault:
      'The API can be called around the edge: by its own address, or by an origin without the value that shows the edge.',
    why: 'What comes around the edge comes around the firewall.',
    isBroken: (resource) => {
      if (resource.Type === 'AWS::ApiGatewayV2::Api') {
        return property(resource, 'DisableExecuteApiEndpoint') !== true;
      }
      return (
        resource.Type === 'AWS::CloudFront::Distribution' &&
        list(property(resource, 'DistributionConfig', 'Origins'))
          .filter((origin) => at(origin, 'S3OriginConfig') === undefined)
          .some(
            (origin) =>
              !list(at(origin, 'OriginCustomHeaders')).some(
                (header) => at(header, 'HeaderName') === edgeHeader,
              ),
          )
      );
    },
  },
  {
    id: 'Throttles',
    fault: 'The stage takes any number of requests, or a route that anybody can call has no rate of its own.',
    why: 'A flood on one route must not starve another, and callbacks cost CIS2 a call each.',
    isBroken: (resource, _logicalId, template) => {
      if (resource.Type !== 'AWS::ApiGatewayV2::Stage') return false;
      const isBounded = (settings: Json | undefined): boolean =>
        Number(at(settings, 'ThrottlingRateLimit')) > 0 && Number(at(settings, 'ThrottlingBurstLimit')) > 0;
      return (
        !isBounded(property(resource, 'DefaultRouteSettings')) ||
        resourcesOf(template)
          .filter(({ Type }) => Type === 'AWS::ApiGatewayV2::Route')
          .filter((route) => at(route.Properties, 'ApiId', 'Ref') === property(resource, 'ApiId', 'Ref'))
          .map((route) => property(route, 'RouteKey'))
          .filter((key) => typeof key === 'string')
          .filter(isPublicRoute)
          .some((key) => !isBounded(property(resource, 'RouteSettings', key)))
      );
    },
  },
  {
    id: 'RollBack',
    fault: 'A release that fails stays: nothing takes it back, or no alarm tells that it fails.',
    why: 'People must be able to sign in before somebody is awake.',
    isBroken: (resource, logicalId, template) => {
      if (resource.Type === 'AWS::CodeDeploy::DeploymentGroup') return !rollsBack(resource);
      if (resource.Type !== 'AWS::Lambda::Alias' || !isServing(logicalId, template)) return false;
      const group = at(resource.UpdatePolicy, 'CodeDeployLambdaAliasUpdate', 'DeploymentGroupName', 'Ref');
      return typeof group !== 'string' || template.Resources?.[group] === undefined;
    },
  },
  {
    id: 'FirewallRules',
    fault:
      'The firewall lacks the rate of one address (for sign-ins, for callbacks or for all), or a group of managed rules, or only counts.',
    why: 'One address must not use up what everybody shares.',
    isBroken: (resource) => resource.Type === 'AWS::WAFv2::WebACL' && firewallLacks(resource),
  },
  {
    id: 'LeadingKeys',
    fault: 'A function may use items of a table that are not meant for it.',
    why: 'A function that is taken over must reach nothing but what its own work needs.',
    isBroken: (resource) => !statementsOf(resource).every(isBound),
  },
  {
    id: 'EdgeBehaviours',
    fault:
      'The edge takes or sends requests in the clear, keeps errors, puts a page in their place, or passes on cookies that are not ours.',
    why: 'An error that is cached goes to somebody else, and a foreign cookie can lock a person out.',
    isBroken: (resource) => {
      if (resource.Type === 'AWS::CloudFront::Distribution') return distributionLacks(resource);
      if (resource.Type !== 'AWS::CloudFront::OriginRequestPolicy') return false;
      const cookies = property(resource, 'OriginRequestPolicyConfig', 'CookiesConfig');
      const ours: readonly Json[] = Object.values(cookieNames);
      return (
        at(cookies, 'CookieBehavior') !== 'whitelist' ||
        !list(at(cookies, 'Cookies')).every((name) => ours.includes(name))
      );
    },
  },
  {
    id: 'TableEncryption',
    fault: 'The table is not encrypted under a key of ours.',
    why: 'Who may read a table at rest is then decided by the key too, and is seen in CloudTrail.',
    isBroken: (resource) =>
      resource.Type === 'AWS::DynamoDB::Table' &&
      (property(resource, 'SSESpecification', 'SSEEnabled') !== true ||
        property(resource, 'SSESpecification', 'KMSMasterKeyId') === undefined),
  },
];

export interface Finding {
  readonly rule: string;
  readonly logicalId: string;
}

/** What breaks a rule in a template, acknowledged or not. */
export const findingsIn = (template: StackTemplate): readonly Finding[] =>
  Object.entries(template.Resources ?? {}).flatMap(([logicalId, resource]) =>
    rules
      .filter(({ isBroken }) => isBroken(resource, logicalId, template))
      .map(({ id }) => ({ rule: id, logicalId })),
  );
