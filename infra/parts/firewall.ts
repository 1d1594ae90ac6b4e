import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as wafv2 from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { bffPrefixes, type HttpFunctionName } from '../../lambdas/routes.ts';
import { nameInStack } from './names.ts';
import { BffLogs, type BffLogsProps } from './logs.ts';
import { pathsOf } from './paths.ts';
import { firewallChecks, refuseProblems } from './prop-checks.ts';
import { DeploymentRefused } from './settings.ts';
import {
  defaultLogoutsPerAddress,
  defaultRequestsPerAddress,
  defaultSignInsPerAddress,
  firewallWindowSeconds,
} from './rate-limits.ts';

export interface FirewallProps extends BffLogsProps {
  /**
   * What AWS's managed rules do on `/auth` and `/api`. They begin by counting: what they would have refused shows in the log and in
   * the metrics, and once that is nobody's ordinary request, they can block.
   * @default count
   */
  readonly managedRules?: 'count' | 'block';
  /**
   * Requests to `/auth/login`, and as many to `/auth/callback`, that one address may send in five minutes. A hospital has one
   * address: three thousand are ten sign-ins a second.
   * @default 3000
   */
  readonly signInsPerAddress?: number;
  /**
   * Requests to `/auth/backchannel-logout`, and as many to the public keys, that one address may send in five minutes. CIS2 may send
   * every logout from one address. Stay below the gateway's rates for these routes, a tenth and a twentieth of `requestsPerSecond`.
   * @default 6000
   */
  readonly logoutsPerAddress?: number;
  /**
   * Requests that one address may send in five minutes altogether: by default enough for 1,200 people with the page in view at the
   * same time. Stay below the gateway's rate, which is 300 times `requestsPerSecond`.
   * @default 120000
   */
  readonly requestsPerAddress?: number;
}

type Statement = wafv2.CfnWebACL.StatementProperty;
type Rule = wafv2.CfnWebACL.RuleProperty;

/** As the gateway reads a path, so that `/auth/%63allback` is no way around a rule. */
const asTheGatewayReads = [
  { priority: 0, type: 'URL_DECODE' },
  { priority: 1, type: 'NORMALIZE_PATH' },
];
const asItCame = [{ priority: 0, type: 'NONE' }];

const pathIs = (path: string, textTransformations = asTheGatewayReads): Statement => ({
  byteMatchStatement: {
    fieldToMatch: { uriPath: {} },
    positionalConstraint: 'EXACTLY',
    searchString: path,
    textTransformations,
  },
});
const pathBegins = (prefix: string): Statement => ({
  byteMatchStatement: {
    fieldToMatch: { uriPath: {} },
    positionalConstraint: 'STARTS_WITH',
    searchString: prefix,
    textTransformations: asTheGatewayReads,
  },
});
const not = (statement: Statement): Statement => ({ notStatement: { statement } });
/** WAF takes an `or` of two statements or more. */
const any = (statements: readonly Statement[]): Statement => {
  const [only, another] = statements;
  return only !== undefined && another === undefined
    ? only
    : { orStatement: { statements: [...statements] } };
};

const pathIsOf = (name: HttpFunctionName): Statement => any(pathsOf(name).map((path) => pathIs(path)));

const ours = any(bffPrefixes.map((prefix) => pathBegins(`${prefix}/`)));

/**
 * Called by CIS2 and the NHS API platform, which may name no user agent and come from addresses of a hosting provider; by the
 * rotation of keys too, which reads its own set from Lambda.
 */
const byMachines = any(
  [...pathsOf('backchannel-logout'), ...pathsOf('jwks')].map((path) => pathIs(path, asItCame)),
);

/** Our PATCH takes 64 KiB, and a `state` may be longer than these rules let a query be. Calls of machines may name no agent. */
const onlyCounted = [
  'NoUserAgent_HEADER',
  'SizeRestrictions_BODY',
  'SizeRestrictions_COOKIE_HEADER',
  'SizeRestrictions_QUERYSTRING',
  'SizeRestrictions_URIPATH',
];

/** No samples: they would keep whole requests, with cookies and patients' names. */
const visibility = (metricName: string): wafv2.CfnWebACL.VisibilityConfigProperty => ({
  cloudWatchMetricsEnabled: true,
  sampledRequestsEnabled: false,
  metricName,
});

/** The rules that refuse an address which sends too much. */
export const rateRules = [
  'CallbacksByAddress',
  'LoginsByAddress',
  'LogoutsByAddress',
  'KeySetsByAddress',
  'RequestsByAddress',
] as const;
export type RateRule = (typeof rateRules)[number];

/** A person who is refused can try again when the five minutes have moved on. */
const tooMany: wafv2.CfnWebACL.RuleActionProperty = {
  block: {
    customResponse: { responseCode: 429, responseHeaders: [{ name: 'Retry-After', value: '60' }] },
  },
};

/** CloudFront takes its firewall from there alone. No health data goes there. */
export const edgeRegion = 'us-east-1';

/**
 * The web ACL of the distribution, for a stack in us-east-1. Rates by address first, then AWS's managed rules: counting on our own
 * prefixes, blocking on the paths of the SPA. Of the 1,500 capacity units that cost nothing it takes some 1,240.
 *
 * @example
 * const edge = new Stack(app, 'Edge', { env: { account, region: 'us-east-1' } });
 * const { webAclArn } = new Firewall(edge, 'Firewall');
 */
export class Firewall extends Construct {
  /** For `webAclArn` of `Cis2Bff`. From another region it is read as an output of the stack. */
  readonly webAclArn: string;
  /** Tells its metrics from those of others in the account. */
  readonly metricName: string;

  /** @throws DeploymentRefused in another region, or naming everything in `props` that breaks a rule */
  constructor(scope: Construct, id: string, props: FirewallProps = {}) {
    super(scope, id);
    refuseProblems(firewallChecks, props);
    const { region } = Stack.of(this);
    if (!Token.isUnresolved(region) && region !== edgeRegion) {
      throw new DeploymentRefused([`the firewall must be in a stack in ${edgeRegion}, got ${region}`]);
    }
    const { managedRules = 'count', signInsPerAddress = defaultSignInsPerAddress } = props;
    const { logoutsPerAddress = defaultLogoutsPerAddress, requestsPerAddress = defaultRequestsPerAddress } =
      props;
    this.metricName = nameInStack(this);
    const rate = (name: RateRule, limit: number, scopeDownStatement?: Statement): Omit<Rule, 'priority'> => ({
      name,
      action: tooMany,
      statement: {
        rateBasedStatement: {
          aggregateKeyType: 'IP',
          limit,
          evaluationWindowSec: firewallWindowSeconds,
          ...(scopeDownStatement === undefined ? {} : { scopeDownStatement }),
        },
      },
      visibilityConfig: visibility(name),
    });
    const managed = (
      name: string,
      group: string,
      { on, counts }: { on: Statement; counts: boolean },
    ): Omit<Rule, 'priority'> => ({
      name,
      overrideAction: counts ? { count: {} } : { none: {} },
      statement: {
        managedRuleGroupStatement: {
          vendorName: 'AWS',
          name: group,
          scopeDownStatement: on,
          ruleActionOverrides:
            group === 'AWSManagedRulesCommonRuleSet'
              ? onlyCounted.map((rule) => ({ name: rule, actionToUse: { count: {} } }))
              : [],
        },
      },
      visibilityConfig: visibility(name),
    });
    const onOurs = {
      on: { andStatement: { statements: [ours, not(byMachines)] } },
      counts: managedRules === 'count',
    };
    const elsewhere = { on: not(ours), counts: false };
    const acl = new wafv2.CfnWebACL(this, 'WebAcl', {
      description: 'CIS2 BFF: rates by address, and managed rules',
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: visibility(this.metricName),
      rules: [
        rate('CallbacksByAddress', signInsPerAddress, pathIsOf('callback')),
        rate('LoginsByAddress', signInsPerAddress, pathIsOf('login')),
        rate('LogoutsByAddress', logoutsPerAddress, pathIsOf('backchannel-logout')),
        rate('KeySetsByAddress', logoutsPerAddress, pathIsOf('jwks')),
        rate('RequestsByAddress', requestsPerAddress),
        managed('ReputationOnOurs', 'AWSManagedRulesAmazonIpReputationList', onOurs),
        managed('BadInputsOnOurs', 'AWSManagedRulesKnownBadInputsRuleSet', onOurs),
        managed('CommonOnOurs', 'AWSManagedRulesCommonRuleSet', onOurs),
        managed('ReputationElsewhere', 'AWSManagedRulesAmazonIpReputationList', elsewhere),
        managed('BadInputsElsewhere', 'AWSManagedRulesKnownBadInputsRuleSet', elsewhere),
      ].map((rule, priority) => ({ ...rule, priority })),
    });
    this.webAclArn = acl.attrArn;
    this.log(acl, props);
  }

  /** What was refused or counted, by rule and address, without what a request says. */
  private log(acl: wafv2.CfnWebACL, props: BffLogsProps): void {
    const group = new BffLogs(this, 'Logs', { logRetention: props.logRetention }).firewallGroup(
      this,
      'Requests',
    );
    const keep = (action: string): unknown => ({ ActionCondition: { Action: action } });
    new wafv2.CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: acl.attrArn,
      logDestinationConfigs: [arnOf(group)],
      redactedFields: [
        { uriPath: {} },
        { queryString: {} },
        ...['cookie', 'authorization', 'referer', 'x-session'].map((name) => ({
          singleHeader: { Name: name },
        })),
      ],
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [{ Behavior: 'KEEP', Requirement: 'MEETS_ANY', Conditions: [keep('BLOCK'), keep('COUNT')] }],
      },
    });
  }
}

/** Without the `:*` that CloudFormation puts at its end, which the firewall refuses. */
const arnOf = (group: logs.LogGroup): string =>
  Stack.of(group).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: group.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
