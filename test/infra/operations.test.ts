/** What is watched, what is shown, and what brings a bad release back. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { Stack } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { functionNames } from '../../infra/bundle.ts';
import { Cis2Bff } from '../../infra/cis2-bff.ts';
import { environments } from '../../infra/environments.ts';
import { isBehindTheApi } from '../../infra/parts/functions.ts';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { createApp } from '../../infra/synthesis.ts';
import { events } from '../../lambdas/telemetry/events.ts';
import { defaults } from '../../tools/cost/model.ts';
import {
  changedEnvironment,
  emptyBundles,
  shipped,
  imported,
  mentions,
  ofFunction,
  only,
  resourcesOfType,
  toJson,
} from './support.ts';
import type { Json, Resource, TemplateJson } from './support.ts';

const environmentNames = Object.keys(environments);

const alarmsOf = (template: TemplateJson): [string, Resource][] =>
  resourcesOfType(template, 'AWS::CloudWatch::Alarm');

const descriptionOf = ({ Properties }: Resource): string => Properties['AlarmDescription'] as string;

const severityOf = (resource: Resource): string =>
  /^(critical|warning)(?=: [A-Z][^.]{10,}[.!])/.exec(descriptionOf(resource))?.[0] ?? '';

/** The topic that alarms of a severity are sent to. */
const topicOf = (template: TemplateJson, severity: string): [string, Resource] => {
  const found = resourcesOfType(template, 'AWS::SNS::Topic').filter(([, { Properties }]) =>
    (Properties['DisplayName'] as string).startsWith(`CIS2 BFF ${severity} `),
  );
  if (found.length !== 1) throw new Error(`${String(found.length)} topics of ${severity}`);
  return (found as [[string, Resource]])[0];
};

/** Every alarm of an environment, with the template that it is in. */
const everyAlarm = (name: string): [TemplateJson, string, Resource][] =>
  [shipped(name).stateless, shipped(name).edgeAlarms].flatMap((template) =>
    alarmsOf(template).map(([id, resource]): [TemplateJson, string, Resource] => [template, id, resource]),
  );

/** The alarms of which the name ends so. */
const alarm = (template: TemplateJson, name: string): Resource => {
  const found = alarmsOf(template).filter(([, { Properties }]) =>
    (Properties['AlarmName'] as string).endsWith(` ${name}`),
  );
  if (found.length !== 1) throw new Error(`${String(found.length)} alarms ${name}`);
  return (found[0] as [string, Resource])[1];
};

const runbooks = readFileSync(join(import.meta.dirname, '../../docs/operations/runbooks.md'), 'utf8');
/** Anchor → text, of each section of the runbooks. */
const sections = new Map(
  runbooks
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      const anchor = title
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-');
      return [anchor, lines.join('\n')];
    }),
);
const runbookOf = (resource: Resource): string =>
  / What to do: https:\/\/\S+\/docs\/operations\/runbooks\.md#([a-z0-9-]+)$/.exec(
    descriptionOf(resource),
  )?.[1] ?? 'none';

describe.each(environmentNames)('every alarm of %s', (name) => {
  test('tells the topic of its severity when it goes on and when it goes off', () => {
    expect(alarmsOf(shipped(name).stateless).length).toBeGreaterThan(30);
    for (const [template, id, resource] of everyAlarm(name)) {
      const { Properties } = resource;
      const [topic] = topicOf(template, severityOf(resource));
      expect([id, Properties['AlarmActions']]).toEqual([id, [{ Ref: topic }]]);
      expect([id, Properties['OKActions']]).toEqual([id, [{ Ref: topic }]]);
      expect(Properties).not.toHaveProperty('ActionsEnabled', false);
    }
  });

  test('says how urgent it is, what people notice, and which runbook to open', () => {
    for (const [, , resource] of everyAlarm(name)) {
      const severity = severityOf(resource);
      expect([descriptionOf(resource), severity]).not.toEqual([descriptionOf(resource), '']);
      expect(resource.Properties['AlarmName'] as string).toMatch(
        new RegExp(
          `^cis2-bff-${name}-(?:stateless-Bff|edge-alarms-EdgeAlarms) ${severity} [A-Z][A-Za-z0-9]+$`,
        ),
      );
      expect(resource.Properties['Tags']).toContainEqual({ Key: 'Severity', Value: severity });
    }
  });

  test('has a section of the runbooks, and every section an alarm', () => {
    const named = new Set(everyAlarm(name).map(([, , resource]) => runbookOf(resource)));
    expect([...named].sort()).toEqual([...sections.keys()].sort());
  });

  test('says what silence means', () => {
    const breaching = alarmsOf(shipped(name).stateless).flatMap(([, { Properties }]) =>
      Properties['TreatMissingData'] === 'breaching'
        ? [(Properties['AlarmName'] as string).split(' ').at(-1)]
        : [],
    );
    expect(breaching.sort()).toEqual(['CanaryFails', 'Cis2KeyTooOld', 'Cis2RotationOverdue']);
  });
});

test('an alarm links to its runbook where the deployment says where they are', () => {
  const deploy = (runbookUrl: string): TemplateJson =>
    toJson(changedEnvironment('dev', { runbookUrl }).stateless);
  const address = 'https://git.example.nhs.uk/ward/runbooks.md';
  for (const [, resource] of alarmsOf(deploy(address))) {
    expect(descriptionOf(resource)).toMatch(
      / What to do: https:\/\/git\.example\.nhs\.uk\/ward\/runbooks\.md#[a-z0-9-]+$/,
    );
  }
  for (const wrong of ['runbooks.md', 'https://a b', `${address}#top`]) {
    expect(() => deploy(wrong)).toThrow(/dev: runbookUrl must be a web address without #/);
  }
});

describe.each(environmentNames)('the edge of %s', (name) => {
  test('sets alarms off where its metrics are, by the names that they have there', () => {
    const { stateless, edge, edgeAlarms } = shipped(name);
    const [, acl] = only(edge, 'AWS::WAFv2::WebACL');
    const { MetricName: aclName } = acl.Properties['VisibilityConfig'] as { readonly MetricName: string };
    expect(aclName).toBe(`cis2-bff-${name}-edge-Firewall`);
    const rules = acl.Properties['Rules'] as unknown as readonly {
      readonly Statement: object;
      readonly VisibilityConfig: { readonly MetricName: string };
    }[];
    const rates = rules.filter(({ Statement }) => 'RateBasedStatement' in Statement);
    expect(rates).toHaveLength(5);
    for (const { VisibilityConfig } of rates) {
      expect(alarm(edgeAlarms, `${VisibilityConfig.MetricName}Refused`).Properties).toMatchObject({
        Namespace: 'AWS/WAFV2',
        MetricName: 'BlockedRequests',
        Dimensions: [
          { Name: 'Rule', Value: VisibilityConfig.MetricName },
          { Name: 'WebACL', Value: aclName },
        ],
      });
    }
    const metrics = JSON.stringify(alarm(edgeAlarms, 'EdgeFails').Properties['Metrics']);
    expect(metrics).toMatch(/"5xxErrorRate"/);
    expect(metrics).toContain('{"Name":"Region","Value":"Global"}');
    expect(metrics).toContain('"Fn::GetStackOutput"');
    const [distribution] = only(stateless, 'AWS::CloudFront::Distribution');
    expect(stateless.Outputs?.['DistributionId']?.Value).toEqual({ Ref: distribution });
  });
});

test('metrics of ours are those of the installation’s own functions', () => {
  for (const name of environmentNames) {
    const namespace = `cis2-bff/cis2-bff-${name}`;
    const { stateless } = shipped(name);
    for (const called of functionNames.filter((candidate) => candidate !== 'audit-trail')) {
      const [, { Properties }] = ofFunction(stateless, called, 'AWS::Lambda::Function');
      expect(Properties['Environment']).toMatchObject({ Variables: { METRICS_NAMESPACE: namespace } });
    }
    const shown = JSON.stringify(
      ['AWS::CloudWatch::Alarm', 'AWS::CloudWatch::Dashboard'].map((type) =>
        resourcesOfType(stateless, type),
      ),
    );
    const named = [...shown.matchAll(/cis2-bff\/[\w-]+/g)].map(([found]) => found);
    expect([...new Set(named)]).toEqual([namespace]);
    expect(named.length).toBeGreaterThan(50);
  }
});

test.each([...sections])(
  'the runbook %s says what users notice, why, what to run and whom to call',
  (_, text) => {
    for (const part of ['Users', 'Likely causes', 'ommands', 'Whom to call'])
      expect(text).toMatch(new RegExp(part));
    expect(text).toMatch(/Alarms? `[A-Za-z0-9…]+/);
  },
);

describe('the objectives', () => {
  const rates = (name: string): { threshold: unknown; seconds: unknown; text: string } => {
    const { Properties } = alarm(shipped('prod').stateless, name);
    const metrics = Properties['Metrics'] as readonly { readonly MetricStat?: { readonly Period: number } }[];
    return {
      threshold: Properties['Threshold'],
      seconds: metrics.find(({ MetricStat }) => MetricStat !== undefined)?.MetricStat?.Period,
      text: JSON.stringify(metrics),
    };
  };

  test('are watched on the ratio of failed sign-ins, fast and slow, without what people chose', () => {
    const [fast, slow] = [rates('SignInsFailFast'), rates('SignInsFailSlowly')];
    // CIS2 may fail 0.1 %, we may add a tenth: 14.4 and 6 times that.
    expect([fast.threshold, slow.threshold]).toEqual([0.01584, 0.0066]);
    expect([fast.seconds, slow.seconds]).toEqual([300, 3_600]);
    for (const { text } of [fast, slow]) {
      for (const part of ['SignInCompleted', 'SignInFailed', 'provider_unavailable', 'internal_error']) {
        expect(text).toContain(part);
      }
      expect(text).not.toMatch(/access_denied|login_expired|role_required/);
    }
  });

  test('are watched on 5xx by the name that an HTTP API has for it, fast and slow', () => {
    const [fast, slow] = [rates('RequestsFailFast'), rates('RequestsFailSlowly')];
    expect([fast.threshold, slow.threshold]).toEqual([0.00144, 0.0006]);
    for (const { text } of [fast, slow]) {
      expect(text).toContain('"MetricName":"5xx"');
      expect(text).not.toContain('5XXError');
      expect(text).toContain('ApiId');
      // What others failed is theirs.
      expect(text).toMatch(/FILL\(errors, 0\) - FILL\(platform, 0\) - FILL\(upstreams, 0\)/);
      for (const theirs of ['ApiPlatformFailed', 'UpstreamFailed']) expect(text).toContain(theirs);
    }
  });

  test('are watched for our own part of the sign-ins', () => {
    const { threshold, text } = rates('SignInsFailByUs');
    expect(threshold).toBe(0.0006);
    expect(text).toContain('internal_error');
    expect(text).not.toMatch(/provider_|response_invalid/);
  });

  test('stand in the document with the thresholds of their alarms', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/operations/objectives.md'), 'utf8');
    const rows = [...document.matchAll(/^\| `(\w+)` +\| ([\d.]+) % /gm)];
    expect(rows.length).toBe(7);
    for (const [, name = '', percent] of rows) {
      expect([name, Number(percent)]).toEqual([
        name,
        Number(((rates(name).threshold as number) * 100).toPrecision(4)),
      ]);
    }
  });

  test('are watched on latency by its 99th percentile', () => {
    expect(alarm(shipped('prod').stateless, 'RequestsSlow').Properties).toMatchObject({
      MetricName: 'Latency',
      ExtendedStatistic: 'p99',
    });
  });
});

test('everybody failing is seen whatever the code, at a site with few sign-ins too, without the canary’s', () => {
  const { Properties } = alarm(shipped('prod').stateless, 'NobodySignsIn');
  const metrics = Properties['Metrics'] as readonly {
    readonly Expression?: string;
    readonly MetricStat?: { readonly Metric: { readonly MetricName: string }; readonly Period: number };
  }[];
  const measured = metrics.flatMap(({ MetricStat }) => MetricStat ?? []);
  expect(measured.map(({ Metric }) => Metric.MetricName)).toEqual([
    ...['SignInStarted', 'SignInCompleted', 'Invocations'],
  ]);
  expect(new Set(measured.map(({ Period }) => Period))).toEqual(new Set([900]));
  expect(Properties['EvaluationPeriods']).toBe(2);
  const expression = metrics.find(({ Expression }) => Expression !== undefined)?.Expression ?? '';
  // As CloudWatch reads it, for which what is not there is 0.
  const breaches = (started: number, canary: number, completed: number): unknown =>
    runInNewContext(expression.replaceAll('AND', '&&'), {
      FILL: (value: number) => value,
      IF: (condition: boolean, yes: number, no: number) => (condition ? yes : no),
      ...{ started, canary, completed },
    });
  expect([breaches(6, 3, 0), breaches(5, 3, 0), breaches(3, 3, 0), breaches(6, 3, 1)]).toEqual([1, 0, 0, 0]);
});

describe.each(environmentNames)('operators of %s', (name) => {
  test('may look at the topics of the edge, in the roles that they have, and at nothing else there', () => {
    const { stateless, edgeAlarms } = shipped(name);
    const [, { Properties }] = only(edgeAlarms, 'AWS::IAM::Policy');
    const topics = ['critical', 'warning'].map((severity) => ({ Ref: topicOf(edgeAlarms, severity)[0] }));
    expect(['AlarmTopicArn', 'WarningTopicArn'].map((output) => edgeAlarms.Outputs?.[output]?.Value)).toEqual(
      topics,
    );
    const { Statement } = Properties['PolicyDocument'] as { readonly Statement: readonly Json[] };
    expect(Statement).toEqual([
      {
        Sid: 'EdgeInstallation',
        Effect: 'Allow',
        Action: 'cloudformation:DescribeStacks',
        Resource: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              `:cloudformation:us-east-1:${String(environments[name]?.account)}:stack/cis2-bff-${name}-edge-alarms/*`,
            ],
          ],
        },
      },
      {
        Sid: 'EdgeAlarmSubscriptions',
        Effect: 'Allow',
        Action: 'sns:ListSubscriptionsByTopic',
        Resource: topics,
      },
    ]);
    const roles = Properties['Roles'] as readonly Json[];
    for (const [index, output] of ['OperatorReadOnlyRoleArn', 'OperatorRoleArn'].entries()) {
      expect(stateless.Outputs).toHaveProperty(output);
      expect(JSON.stringify(roles[index])).toContain(
        `{"StackName":"cis2-bff-${name}-stateless","Region":"eu-west-2","OutputName":"${output}"}`,
      );
    }
    expect(roles).toHaveLength(2);
  });
});

describe.each(environmentNames)('in %s there is an alarm', (name) => {
  test.each(functionNames)('on errors and on throttles of %s', (called) => {
    const [id] = ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Function');
    const watched = alarmsOf(shipped(name).stateless)
      .filter(
        ([, { Properties }]) =>
          JSON.stringify((Properties['Dimensions'] as readonly Json[] | undefined)?.[0]) ===
          JSON.stringify({ Name: 'FunctionName', Value: { Ref: id } }),
      )
      .map(([, { Properties }]) => Properties['MetricName']);
    expect(watched.sort()).toEqual(['Errors', 'Throttles']);
  });

  test('on throttles and on system errors of every table', () => {
    for (const [table] of resourcesOfType(shipped(name).stateful, 'AWS::DynamoDB::Table')) {
      const about = alarmsOf(shipped(name).stateless)
        .map(([, { Properties }]) => Properties['Metrics'])
        .filter((metrics) => mentions(metrics, table))
        .map((metrics) => JSON.stringify(metrics));
      expect(about.filter((text) => /ReadThrottleEvents[^]*WriteThrottleEvents/.test(text))).toHaveLength(1);
      expect(about.filter((text) => text.includes('SystemErrors'))).toHaveLength(1);
    }
  });

  test('on system errors of every operation that functions ask of a table', () => {
    const sources = globSync('lambdas/**/*.ts', { cwd: join(import.meta.dirname, '../..') });
    const used = sources.flatMap((file) => {
      const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
      const imports = [...text.matchAll(/import (?:type )?\{([^}]*)\} from '@aws-sdk\/client-dynamodb'/g)];
      return imports.flatMap(([, names = '']) =>
        [...names.matchAll(/(\w+)Command\b/g)].map(([, called]) => called),
      );
    });
    expect(used).toContain('TransactWriteItems');
    const watched = JSON.stringify(
      alarm(shipped(name).stateless, 'SessionsTableErrors').Properties['Metrics'],
    ).matchAll(/"Operation","Value":"(\w+)"/g);
    expect([...watched].map(([, operation]) => operation).sort()).toEqual([...new Set(used)].sort());
  });

  test.each(['RotationSucceeded', 'SigningKeyAgeSeconds', 'SecondsToNextRotation', 'PublishedSetEqualsRing'])(
    'on %s of the ring',
    (metric) => {
      const found = alarmsOf(shipped(name).stateless).filter(
        ([, { Properties }]) => Properties['MetricName'] === metric,
      );
      expect(found.map(([, { Properties }]) => Properties['Dimensions'])).toEqual([
        [{ Name: 'Ring', Value: `cis2-bff-${name}/cis2` }],
      ]);
    },
  );

  test.each([
    'ProviderUnavailable',
    'BackchannelLogoutFailed',
    'TokenRefreshFailed',
    'ApiPlatformFailed',
    'ClockDifference',
  ])('on %s', (metric) => {
    const about = alarmsOf(shipped(name).stateless).filter(([, resource]) =>
      mentions(resource.Properties as Json, metric),
    );
    expect(about.length).toBeGreaterThan(0);
  });
});

describe('the alarms that wake somebody', () => {
  const wakes = (name: string): boolean => severityOf(alarm(shipped('prod').stateless, name)) === 'critical';

  test('say nothing of bursts of audit events, which are copied when they are over', () => {
    const { Properties } = alarm(shipped('prod').stateless, 'AuditTrailThrottled');
    expect(Properties).toMatchObject({ Threshold: 10, DatapointsToAlarm: 2, EvaluationPeriods: 3 });
    const [, copier] = ofFunction(shipped('prod').stateless, 'audit-trail', 'AWS::Lambda::Function');
    expect(copier.Properties['ReservedConcurrentExecutions']).toBe(10);
  });

  test('are not those about addresses that do not exist', () => {
    expect(['UnknownRouteErrors', 'UnknownRouteThrottled'].filter(wakes)).toEqual([]);
  });

  test('want more of throttles than one burst, which anybody can send', () => {
    const throttled = alarmsOf(shipped('prod').stateless).filter(
      ([, resource]) =>
        resource.Properties['MetricName'] === 'Throttles' && severityOf(resource) === 'critical',
    );
    expect(throttled.length).toBeGreaterThanOrEqual(6);
    for (const [, { Properties }] of throttled) {
      expect(Properties).toMatchObject({ Threshold: 10, DatapointsToAlarm: 2, EvaluationPeriods: 3 });
    }
  });
});

describe.each(['critical', 'warning'])('the topic of %s alarms', (severity) => {
  test('is encrypted under a key of ours, which lets CloudWatch of this account alone write', () => {
    const [topicId, topic] = topicOf(shipped('prod').stateless, severity);
    const [keyId] =
      resourcesOfType(shipped('prod').stateless, 'AWS::KMS::Key').find(([id]) =>
        mentions(topic.Properties['KmsMasterKeyId'], id),
      ) ?? [];
    expect(keyId).toBeDefined();
    const policy = resourcesOfType(shipped('prod').stateless, 'AWS::SNS::TopicPolicy').find(
      ([, { Properties }]) => mentions(Properties['Topics'], topicId),
    );
    const { Statement } = policy?.[1].Properties['PolicyDocument'] as {
      readonly Statement: readonly Json[];
    };
    expect(Statement).toContainEqual(
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': environments['prod']?.account } },
      }),
    );
    expect(Statement).toContainEqual(expect.objectContaining({ Effect: 'Deny', Action: 'sns:Publish' }));
  });

  test('sends to an address of its own, or to that of all alarms', () => {
    const addressOf = (template: TemplateJson): Json | undefined => {
      const [topic] = topicOf(template, severity);
      return resourcesOfType(template, 'AWS::SNS::Subscription').find(([, { Properties }]) =>
        mentions(Properties['TopicArn'], topic),
      )?.[1].Properties['Endpoint'];
    };
    for (const name of environmentNames) {
      const { alarmEmail, warningEmail = alarmEmail } = environments[name] ?? {};
      expect(alarmEmail).toBeDefined();
      const address = severity === 'critical' ? alarmEmail : warningEmail;
      expect([shipped(name).stateless, shipped(name).edgeAlarms].map(addressOf)).toEqual([address, address]);
    }
    const emails = { alarmEmail: 'night@example.org', warningEmail: 'day@example.org' };
    const { stateless } = changedEnvironment('dev', emails);
    expect(addressOf(toJson(stateless))).toBe(
      severity === 'critical' ? 'night@example.org' : 'day@example.org',
    );
  });
});

describe('topics of the app’s own', () => {
  const actions = (topics: Readonly<Record<string, string>>, refused?: RegExp): string[] => {
    const stack = new Stack(createApp(), 'ward', { env: { account: '111122223333', region: 'eu-west-2' } });
    const topic = (name: string): sns.ITopic =>
      sns.Topic.fromTopicArn(stack, name, `arn:aws:sns:eu-west-2:111122223333:${name}`);
    const make = (): Cis2Bff =>
      new Cis2Bff(stack, 'Bff', {
        baseUrl: 'https://ward.example.nhs.uk',
        issuer: cis2Issuers.integration,
        clientId: 'ward',
        production: false,
        bundles: emptyBundles(),
        ...Object.fromEntries(
          Object.entries(topics).map(([name, value]) => [
            name,
            name.endsWith('Topic') ? topic(value) : value,
          ]),
        ),
      });
    if (refused !== undefined) {
      expect(make).toThrow(refused);
      return [];
    }
    make();
    const template = toJson(stack);
    return ['NobodySignsIn', 'ClockDiffers'].map((name) =>
      JSON.stringify(alarm(template, name).Properties['AlarmActions']).replaceAll(/[^a-z]*.*:|["\]]/g, ''),
    );
  };

  test('one takes all alarms, two take each their own', () => {
    expect(actions({ alarmTopic: 'night' })).toEqual(['night', 'night']);
    expect(actions({ alarmTopic: 'night', warningTopic: 'day' })).toEqual(['night', 'day']);
    expect(actions({ warningTopic: 'day' })[1]).toBe('day');
  });

  test('take no address: who gets their messages is theirs to say', () => {
    actions({ alarmTopic: 'night', alarmEmail: 'a@example.org' }, /alarmEmail is for the topic/);
    actions({ alarmTopic: 'night', warningEmail: 'a@example.org' }, /warningEmail is for the topic/);
    actions({ warningTopic: 'day', warningEmail: 'a@example.org' }, /warningEmail is for the topic/);
  });
});

describe.each(environmentNames)('the dashboard of %s', (name) => {
  interface Widget {
    readonly type: string;
    readonly properties: {
      readonly title?: string;
      readonly markdown?: string;
      readonly metrics?: readonly Json[];
    };
  }
  /** The dashboard with a word in the place of each name that AWS makes up. */
  const widgets = (): readonly Widget[] => {
    const [, { Properties }] = only(shipped(name).stateless, 'AWS::CloudWatch::Dashboard');
    const { 'Fn::Join': parts } = Properties['DashboardBody'] as {
      readonly 'Fn::Join': readonly [string, readonly Json[]];
    };
    const body = parts[1].map((part) => (typeof part === 'string' ? part : 'name')).join('');
    return (JSON.parse(body) as { readonly widgets: readonly Widget[] }).widgets;
  };

  test('asks whether people are getting in, and whose fault it is if not', () => {
    const headings = widgets().flatMap(({ properties }) => properties.markdown ?? []);
    expect(headings.slice(0, 2)).toEqual(['# Are people getting in?', '# If not, whose fault is it?']);
  });

  test('shows sign-ins first, then CIS2, our functions and tables, and the APIs', () => {
    const text = JSON.stringify(widgets());
    for (const part of [
      'SignInStarted',
      'SignInCompleted',
      'ProviderUnavailable',
      'UpstreamFailed',
      'SystemErrors',
    ]) {
      expect(text).toContain(part);
    }
    expect(widgets().some(({ type }) => type === 'alarm')).toBe(true);
  });

  test('shows what CloudFront and the firewall measure, from their own region', () => {
    const edge = widgets().filter(({ properties }) => properties.title?.startsWith('The edge') === true);
    const text = JSON.stringify(edge.map(({ properties }) => properties.metrics));
    expect(text).toMatch(/"AWS\/CloudFront","5xxErrorRate"[^\]]*"region":"us-east-1"/);
    expect(text).toMatch(/BlockedRequests[^\]]*"region":"us-east-1"/);
  });

  test('comes with queries of the logs, which name log groups that are there', () => {
    const queries = resourcesOfType(shipped(name).stateless, 'AWS::Logs::QueryDefinition');
    expect(queries.length).toBeGreaterThanOrEqual(6);
    const { stateful, stateless } = shipped(name);
    const groups = [stateful, stateless].flatMap((template) =>
      resourcesOfType(template, 'AWS::Logs::LogGroup').map(([Ref]) => ({ Ref })),
    );
    for (const [, { Properties }] of queries) {
      expect(Properties['Name'] as string).toMatch(new RegExp(`^cis2-bff-${name}-stateless-Bff/`));
      for (const group of Properties['LogGroupNames'] as readonly Json[]) {
        expect(groups).toContainEqual(imported(stateful, group) ?? group);
      }
    }
  });
});

test('saved queries ask for events and fields that the functions log', () => {
  const logged = new Set(
    ['time', 'level', 'event', 'function', 'reference', 'audit', 'errorType'].concat(
      Object.values(events).flatMap(({ fields }) => fields.split(' ')),
    ),
  );
  const queries = resourcesOfType(shipped('prod').stateless, 'AWS::Logs::QueryDefinition')
    .filter(([, { Properties }]) => !mentions(Properties['LogGroupNames'], 'AccessLogs'))
    .map(([, { Properties }]) => Properties['QueryString'] as string);
  const found = (pattern: RegExp): string[] =>
    queries.flatMap((text) => [...text.matchAll(pattern)].flatMap(([, list = '']) => list.split(/,\s*/)));
  const names = found(/event (?:=|in) (\[[^\]]*\]|'\w+')/g).map((text) => text.replaceAll(/['[\]]/g, ''));
  expect(names.length).toBeGreaterThanOrEqual(6);
  expect(names.filter((name) => !Object.hasOwn(events, name))).toEqual([]);
  const fields = [...found(/ by ([^|\n]+)/g), ...found(/ispresent\((\w+)\)/g), ...found(/pct\((\w+)/g)];
  expect(fields.length).toBeGreaterThan(10);
  expect(fields.filter((name) => !logged.has(name) && !/^bin\(/.test(name))).toEqual([]);
});

test('the cost model counts the alarms, keys, secrets and firewall rules that prod has', () => {
  const { stateful, stateless, edge, edgeAlarms } = shipped('prod');
  const templates = [stateful, stateless, edgeAlarms, edge];
  const all = (type: string): [string, Resource][] =>
    templates.flatMap((template) => resourcesOfType(template, type));
  const rules = all('AWS::WAFv2::WebACL').flatMap(([, { Properties }]) => Properties['Rules'] as Json[]);
  // An alarm costs for each metric that it watches.
  const watched = all('AWS::CloudWatch::Alarm').map(
    ([, { Properties }]) =>
      (Properties['Metrics'] as readonly object[] | undefined)?.filter((part) => 'MetricStat' in part)
        .length ?? 1,
  );
  const counted = {
    alarms: watched.reduce((sum, metrics) => sum + metrics, 0),
    keys: all('AWS::KMS::Key').length,
    secrets: all('AWS::SecretsManager::Secret').length,
    'firewall-rules': rules.length,
  };
  expect(defaults).toMatchObject(counted);
});

describe.each(environmentNames)('the canary of %s', (name) => {
  test('runs every five minutes, by its live version, and a run that failed is not repeated', () => {
    const [alias] = ofFunction(shipped(name).stateless, 'canary', 'AWS::Lambda::Alias');
    const rules = resourcesOfType(shipped(name).stateless, 'AWS::Events::Rule').filter(([, { Properties }]) =>
      mentions(Properties['Targets'], alias),
    );
    expect(
      rules.map(([, { Properties }]) => [Properties['ScheduleExpression'], Properties['State']]),
    ).toEqual([['rate(5 minutes)', 'ENABLED']]);
    const retries = resourcesOfType(shipped(name).stateless, 'AWS::Lambda::EventInvokeConfig').find(
      ([, { Properties }]) => mentions(Properties['FunctionName'], 'BffFunctionsCanary'),
    );
    expect(retries?.[1].Properties).toMatchObject({ MaximumRetryAttempts: 0, Qualifier: expect.anything() });
  });

  test('sets an alarm off when it fails, and when it is silent', () => {
    const { Properties } = alarm(shipped(name).stateless, 'CanaryFails');
    expect(Properties).toMatchObject({
      TreatMissingData: 'breaching',
      ComparisonOperator: 'LessThanThreshold',
    });
    expect(JSON.stringify(Properties['Metrics'])).toMatch(/Invocations[^]*Errors/);
  });
});

describe.each(environmentNames)('a release in %s', (name) => {
  const serving = functionNames.filter(isBehindTheApi);

  test.each(functionNames)('is a version of %s, which stays, and the alias live of it', (called) => {
    const [version, { DeletionPolicy }] = ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Version');
    expect(DeletionPolicy).toBe('RetainExceptOnCreate');
    const [, { Properties }] = ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Alias');
    expect(Properties).toMatchObject({ Name: 'live' });
    expect(mentions(Properties['FunctionVersion'], version)).toBe(true);
  });

  test('is what every route calls, and what the gateway is allowed to call', () => {
    const aliases = serving.map(
      (called) => ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Alias')[0],
    );
    const integrations = resourcesOfType(shipped(name).stateless, 'AWS::ApiGatewayV2::Integration');
    expect(integrations.map(([, { Properties }]) => Properties['IntegrationUri'])).toEqual(
      expect.arrayContaining(aliases.map((Ref) => ({ Ref }))),
    );
    expect(integrations).toHaveLength(aliases.length);
    const permissions = resourcesOfType(shipped(name).stateless, 'AWS::Lambda::Permission').filter(
      ([, { Properties }]) => Properties['Principal'] === 'apigateway.amazonaws.com',
    );
    expect(permissions.length).toBeGreaterThan(0);
    for (const [, { Properties }] of permissions) {
      expect(aliases.map((Ref) => ({ Ref }))).toContainEqual(Properties['FunctionName']);
    }
  });

  test.each(serving)(
    'of %s takes a tenth of the requests first, and goes back when an alarm says so',
    (called) => {
      const template = shipped(name).stateless;
      const [, alias] = ofFunction(template, called, 'AWS::Lambda::Alias');
      const [id, group] =
        resourcesOfType(template, 'AWS::CodeDeploy::DeploymentGroup').find(([candidate]) =>
          mentions(alias.UpdatePolicy, candidate),
        ) ?? [];
      expect(id).toBeDefined();
      expect(group?.Properties).toMatchObject({
        DeploymentConfigName: 'CodeDeployDefault.LambdaCanary10Percent15Minutes',
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: expect.arrayContaining(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM']),
        },
        AlarmConfiguration: { Enabled: true },
      });
      const { Alarms } = group?.Properties['AlarmConfiguration'] as unknown as {
        readonly Alarms: readonly { readonly Name: { readonly Ref: string } }[];
      };
      const watched = Alarms.map(({ Name }) => template.Resources[Name.Ref]?.Properties['AlarmName']);
      const signsIn = called === 'login' || called === 'callback';
      expect(watched).toEqual([
        expect.stringMatching(/Errors$/),
        `cis2-bff-${name}-stateless-Bff warning ReleaseFailsRequests`,
        ...(signsIn ? [`cis2-bff-${name}-stateless-Bff warning ReleaseFailsSignIns`] : []),
      ]);
      const [functionId] = ofFunction(template, called, 'AWS::Lambda::Function');
      expect(template.Resources[Alarms[0]?.Name.Ref ?? '']?.Properties['Dimensions']).toEqual([
        { Name: 'FunctionName', Value: { Ref: functionId } },
        { Name: 'Resource', Value: { 'Fn::Join': ['', [{ Ref: functionId }, ':live']] } },
      ]);
    },
  );
});

test.each([
  ['ReleaseFailsSignIns', 'SignInFailed', 10],
  ['ReleaseFailsRequests', '5xx', 3],
] as const)('%s goes on within a release’s quarter of an hour', (name, metric, minutes) => {
  const { Properties } = alarm(shipped('prod').stateless, name);
  const metrics = Properties['Metrics'] as readonly {
    readonly MetricStat?: { readonly Metric: { readonly MetricName: string }; readonly Period: number };
  }[];
  const measured = metrics.flatMap(({ MetricStat }) => MetricStat ?? []);
  expect(measured.map(({ Metric }) => Metric.MetricName)).toContain(metric);
  expect(measured.every(({ Period }) => Period === 60)).toBe(true);
  expect(Properties['EvaluationPeriods']).toBe(minutes);
  expect(Properties['DatapointsToAlarm']).toBeLessThanOrEqual(3);
});

test('a correction can be released at once while an alarm is on', () => {
  const { stateless } = changedEnvironment('dev', { rollout: 'all-at-once' });
  for (const [, { Properties }] of resourcesOfType(toJson(stateless), 'AWS::CodeDeploy::DeploymentGroup')) {
    expect(Properties['DeploymentConfigName']).toBe('CodeDeployDefault.LambdaAllAtOnce');
    expect(Properties['AlarmConfiguration']).not.toMatchObject({ Enabled: true });
  }
});

describe.each(environmentNames)('the functions of %s', (name) => {
  test.each(functionNames)('%s logs JSON, without a line of the platform for every call', (called) => {
    const [, { Properties }] = ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Function');
    expect(Properties['LoggingConfig']).toMatchObject({ LogFormat: 'JSON', SystemLogLevel: 'WARN' });
  });

  test('are traced where they call others, and nowhere else', () => {
    const traced = functionNames.filter((called) => {
      const [, { Properties }] = ofFunction(shipped(name).stateless, called, 'AWS::Lambda::Function');
      return JSON.stringify(Properties['TracingConfig']) === JSON.stringify({ Mode: 'Active' });
    });
    expect(traced).toEqual(['callback', 'api-proxy']);
  });
});
