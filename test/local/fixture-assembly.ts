import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const securityHeaders = (override: boolean) => ({
  ContentSecurityPolicy: { ContentSecurityPolicy: "default-src 'self'", Override: override },
  ContentTypeOptions: { Override: override },
  ReferrerPolicy: { ReferrerPolicy: 'no-referrer', Override: override },
  StrictTransportSecurity: {
    AccessControlMaxAgeSec: 63_072_000,
    IncludeSubdomains: true,
    Override: override,
  },
});

const headersPolicy = (security: object, items: object[] = []) => ({
  Type: 'AWS::CloudFront::ResponseHeadersPolicy',
  Properties: {
    ResponseHeadersPolicyConfig: { SecurityHeadersConfig: security, CustomHeadersConfig: { Items: items } },
  },
});

const lambda = (name: string, variables: object = {}, properties: object = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: { S3Bucket: 'assets', S3Key: `${name}hash.zip` },
    Handler: 'index.handler',
    Timeout: 5,
    MemorySize: 128,
    Environment: { Variables: variables },
    ...properties,
  },
});

const integration = (name: string) => ({
  Type: 'AWS::ApiGatewayV2::Integration',
  Properties: {
    IntegrationUri: { 'Fn::GetAtt': [name, 'Arn'] },
    PayloadFormatVersion: '2.0',
    TimeoutInMillis: 2_500,
  },
});

const route = (routeKey: string, target: string) => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: { RouteKey: routeKey, Target: { 'Fn::Join': ['', ['integrations/', { Ref: target }]] } },
});

/** The stacks of a small deployment, as a synthesis writes them. A test may change them before they are written. */
export const fixtureStacks = () => ({
  stateful: {
    Resources: {
      Table: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
        },
      },
      Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Description: 'empty' } },
    } as Record<string, { Type: string; Properties: object }>,
    Outputs: {
      TableName: { Value: { Ref: 'Table' }, Export: { Name: 'table-name' } },
      SecretArn: { Value: { Ref: 'Secret' } },
    },
  },
  stateless: {
    Parameters: { Level: { Type: 'String', Default: 'info' } },
    Resources: {
      Echo: lambda('echo', {
        BASE_URL: 'https://app.example.nhs.uk',
        SESSION_TABLE: { 'Fn::ImportValue': 'table-name' },
        SECRET: { 'Fn::GetStackOutput': { StackName: 'stateful', OutputName: 'SecretArn' } },
        JOINED: { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }, { Ref: 'Level' }]] },
        SUBBED: { 'Fn::Sub': '${AWS::AccountId}/${Echo.Arn}' },
        SELECTED: { 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] },
      }),
      Unknown: lambda('unknown'),
      Create: lambda('create', {
        SECRET: { 'Fn::GetStackOutput': { StackName: 'stateful', OutputName: 'SecretArn' } },
      }),
      Keys: {
        Type: 'Custom::SigningKeys',
        Properties: { ServiceToken: { 'Fn::GetAtt': ['Create', 'Arn'] } },
      },
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: {} },
      EchoIntegration: integration('Echo'),
      UnknownIntegration: integration('Unknown'),
      EchoRoute: route('ANY /auth/echo', 'EchoIntegration'),
      AuthRoute: route('ANY /auth/{proxy+}', 'UnknownIntegration'),
      DefaultRoute: route('$default', 'UnknownIntegration'),
      DocumentHeaders: headersPolicy(securityHeaders(true), [
        { Header: 'Cache-Control', Value: 'no-cache', Override: true },
        { Header: 'Cross-Origin-Opener-Policy', Value: 'same-origin', Override: true },
      ]),
      AssetHeaders: headersPolicy(securityHeaders(true), [
        { Header: 'Cache-Control', Value: 'no-cache', Override: false },
      ]),
      BffHeaders: headersPolicy(securityHeaders(false), [
        { Header: 'Cache-Control', Value: 'no-store', Override: false },
      ]),
      BffRequests: {
        Type: 'AWS::CloudFront::OriginRequestPolicy',
        Properties: {
          OriginRequestPolicyConfig: {
            CookiesConfig: { CookieBehavior: 'whitelist', Cookies: ['one', 'two'] },
            HeadersConfig: { HeaderBehavior: 'allExcept', Headers: ['Host'] },
            QueryStringsConfig: { QueryStringBehavior: 'all' },
          },
        },
      },
      Rewrite: {
        Type: 'AWS::CloudFront::Function',
        Properties: {
          FunctionCode: `function handler(event) {
            var request = event.request;
            var last = request.uri.slice(request.uri.lastIndexOf('/') + 1);
            if (last.indexOf('.') < 0) request.uri = '/index.html';
            return request;
          }`,
        },
      },
      Distribution: {
        Type: 'AWS::CloudFront::Distribution',
        Properties: {
          DistributionConfig: {
            Origins: [
              { Id: 'bucket', S3OriginConfig: { OriginAccessIdentity: '' } },
              { Id: 'api', CustomOriginConfig: {} },
            ],
            DefaultCacheBehavior: {
              TargetOriginId: 'bucket',
              ResponseHeadersPolicyId: { Ref: 'DocumentHeaders' },
              FunctionAssociations: [
                { EventType: 'viewer-request', FunctionARN: { 'Fn::GetAtt': ['Rewrite', 'FunctionARN'] } },
              ],
            },
            CacheBehaviors: [
              {
                PathPattern: '/assets/*',
                TargetOriginId: 'bucket',
                ResponseHeadersPolicyId: { Ref: 'AssetHeaders' },
              },
              ...['/auth/*', '/api/*'].map((PathPattern) => ({
                PathPattern,
                TargetOriginId: 'api',
                OriginRequestPolicyId: { Ref: 'BffRequests' },
                ResponseHeadersPolicyId: { Ref: 'BffHeaders' },
              })),
            ],
          },
        },
      },
    } as Record<string, { Type: string; Properties: object }>,
  },
});

export type FixtureStacks = ReturnType<typeof fixtureStacks>;

/** The code of the fixture's functions. */
export const fixtureCode = {
  echo: `export const handler = async (event) => {
    const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
    if (body === 'sleep') await new Promise((go) => setTimeout(go, 4_500));
    if (body === 'fail') throw new Error('failed');
    if (body === 'environment') return process.env;
    return { statusCode: 200, headers: { 'cache-control': 'public' }, body: JSON.stringify(event) };
  };`,
  unknown: `export const handler = async (event) => ({
    statusCode: 404, headers: { 'content-type': 'application/problem+json' }, body: JSON.stringify({ path: event.rawPath }) });`,
  create: `import http from 'node:http';
  export const handler = (event) => new Promise((done, fail) => {
    const request = http.request(event.ResponseURL, { method: 'PUT' }, (response) => { response.resume(); response.on('end', done); });
    request.on('error', fail);
    request.end(JSON.stringify({ Status: 'SUCCESS', PhysicalResourceId: 'ring', LogicalResourceId: event.LogicalResourceId,
      StackId: event.StackId, RequestId: event.RequestId, Data: { Seen: JSON.stringify(event) } }));
  });`,
};

/**
 * Writes a cloud assembly and a built app to a new folder.
 *
 * @returns the folder; the app is in `spa`
 */
export function writeFixture(
  options: { stacks?: FixtureStacks; code?: Partial<typeof fixtureCode> } = {},
): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'local-run-'));
  const write = (name: string, content: unknown): void => {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(
      path.join(directory, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  };
  const code = { ...fixtureCode, ...options.code };
  const files: Record<string, object> = {};
  for (const [name, source] of Object.entries(code)) {
    write(`asset.${name}/index.mjs`, source);
    files[`${name}hash`] = { source: { path: `asset.${name}`, packaging: 'zip' } };
  }
  const artifacts: Record<string, object> = {};
  for (const [name, template] of Object.entries(options.stacks ?? fixtureStacks())) {
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      environment: 'aws://unknown-account/eu-west-2',
      properties: { templateFile: `${name}.template.json` },
    };
    write(`${name}.template.json`, template);
    write(`${name}.assets.json`, { files });
  }
  write('manifest.json', { artifacts });
  write('spa/index.html', '<!doctype html><html><body>app</body></html>');
  write('spa/about.html', '<html>about</html>');
  write('spa/assets/app-1a2b3c.js', 'export {};');
  write('spa/assets/style-1a2b3c.css', 'body{}');
  write('spa/assets/font.woff2', 'font');
  write('secret.txt', 'outside the app');
  return directory;
}
