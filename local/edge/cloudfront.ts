import vm from 'node:vm';
import type { OutgoingHttpHeaders } from 'node:http';
import { headerPairs, type GatewayRequest, type GatewayResponse } from './http-api-event.ts';
import { isWebSocketApi } from '../aws/apis.ts';
import { isObject, listAt, objectAt, textOf } from '../aws/template.ts';
import type { Assembly, Json, JsonObject, Resource } from '../aws/template.ts';
import { StartError } from '../errors.ts';

/** A header that a response headers policy adds; with `override` also in place of the origin's own. */
interface PolicyHeader {
  readonly name: string;
  readonly value: string;
  readonly override: boolean;
}

/** What a viewer-request function says: another path, or a response. */
export type ViewerRequestFunction = (
  request: GatewayRequest,
) => Promise<{ readonly uri: string } | GatewayResponse>;

/** Whether a cookie, or a whole query, reaches the origin. */
interface OriginRequests {
  readonly takesCookie: (name: string) => boolean;
  readonly takesQuery: boolean;
}

export interface Behaviour {
  readonly pattern: RegExp;
  readonly origin: 'spa' | 'api' | 'events';
  readonly originRequests: OriginRequests;
  readonly headers: readonly PolicyHeader[];
  readonly viewerRequest: ViewerRequestFunction | undefined;
}

/** The one origin's front door: which paths lead where, and what is added on the way out. */
export interface Distribution {
  /** By the most specific rule that fits the path; the default comes last and fits all. */
  readonly behaviours: readonly Behaviour[];
}

/**
 * Reads the CloudFront distribution of the template.
 *
 * @throws StartError when there is none, or when it uses what the local run cannot imitate
 */
export function readDistribution(assembly: Assembly): Distribution {
  const [distribution, another] = assembly.resources('AWS::CloudFront::Distribution');
  if (distribution === undefined || another !== undefined) {
    throw new StartError('the template must have one CloudFront distribution');
  }
  const config = objectAt(distribution.properties, 'DistributionConfig');
  const origins = new Map(
    listAt(config, 'Origins').map((origin) => {
      const { Id, DomainName, S3OriginConfig } = objectAt(origin);
      const isEvents = isWebSocketApi(assembly.target(distribution.stack, DomainName));
      return [Id, isObject(S3OriginConfig) ? 'spa' : isEvents ? 'events' : 'api'] as const;
    }),
  );
  const read = (behaviour: JsonObject, pattern: string): Behaviour => ({
    pattern: patternOf(pattern),
    origin: origins.get(behaviour['TargetOriginId']) ?? 'api',
    headers: policyHeaders(
      assembly.target(distribution.stack, behaviour['ResponseHeadersPolicyId'])?.properties,
    ),
    originRequests: originRequests(assembly, distribution.stack, behaviour['OriginRequestPolicyId']),
    viewerRequest: viewerRequestFunction(assembly, distribution, behaviour),
  });
  return {
    behaviours: [
      ...listAt(config, 'CacheBehaviors').map((behaviour) =>
        read(objectAt(behaviour), textOf(objectAt(behaviour)['PathPattern'])),
      ),
      read(objectAt(config, 'DefaultCacheBehavior'), '*'),
    ],
  };
}

/**
 * The same, with an app's own policies on its documents: the template that ships is for any app.
 *
 * @param values - by header
 */
export const withPagePolicies = (
  { behaviours }: Distribution,
  values: Readonly<Record<string, string>>,
): Distribution => ({
  behaviours: behaviours.map((behaviour) =>
    behaviour.origin === 'spa'
      ? {
          ...behaviour,
          headers: behaviour.headers.map((header) => ({
            ...header,
            value: values[header.name] ?? header.value,
          })),
        }
      : behaviour,
  ),
});

/** The same, for an app whose pages do not listen for the end of their session. */
export const withoutEvents = ({ behaviours }: Distribution): Distribution => ({
  behaviours: behaviours.filter(({ origin }) => origin !== 'events'),
});

/** `*` stands for any characters and `?` for one; the leading slash may be left out. */
const patternOf = (pattern: string): RegExp =>
  new RegExp(
    `^/${pattern
      .replace(/^\//, '')
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  );

/** AWS's own policies AllViewer and AllViewerExceptHostHeader. */
const passEverything = ['216adef6-5c7f-47e4-b989-5492eafa07d3', 'b689b0a8-53d0-40ab-baf2-68738e2966ac'];

/**
 * What an `AWS::CloudFront::OriginRequestPolicy` lets through; without one, no cookie and no query.
 *
 * @throws StartError for a policy or a kind of rule that the local run does not know
 */
function originRequests(assembly: Assembly, stack: string, policy: Json | undefined): OriginRequests {
  if (policy === undefined) return { takesCookie: () => false, takesQuery: false };
  if (typeof policy === 'string' && passEverything.includes(policy)) {
    return { takesCookie: () => true, takesQuery: true };
  }
  const config = objectAt(assembly.target(stack, policy)?.properties, 'OriginRequestPolicyConfig');
  const names = listAt(config, 'CookiesConfig', 'Cookies').map(textOf);
  const cookies = textOf(objectAt(config, 'CookiesConfig')['CookieBehavior']);
  const query = textOf(objectAt(config, 'QueryStringsConfig')['QueryStringBehavior']);
  const takesCookie = {
    none: () => false,
    whitelist: (name: string) => names.includes(name),
    allExcept: (name: string) => !names.includes(name),
    all: () => true,
  }[cookies];
  const takesQuery = { none: false, all: true }[query];
  if (takesCookie === undefined || takesQuery === undefined) {
    throw new StartError('the local run cannot imitate an origin request policy of the template');
  }
  return { takesCookie, takesQuery };
}

/**
 * Headers that the distribution adds to requests to the APIs, the same for each, with their values as the template has them: a value
 * may be a reference to a secret.
 */
export function originHeaders(assembly: Assembly): readonly (readonly [name: string, value: string])[] {
  const [distribution] = assembly.resources('AWS::CloudFront::Distribution');
  const headers = listAt(distribution?.properties, 'DistributionConfig', 'Origins').flatMap((origin) =>
    listAt(origin, 'OriginCustomHeaders').map((header) => {
      const { HeaderName: name, HeaderValue: value } = objectAt(header);
      return [textOf(name), assembly.text(distribution?.stack ?? '', value ?? '')] as const;
    }),
  );
  return [...new Map(headers)];
}

/** A request with headers of the edge's own in the place of what the caller sent under their names. */
export const withHeaders = (
  request: GatewayRequest,
  headers: readonly (readonly [name: string, value: string])[],
): GatewayRequest => {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const others = headerPairs(request.rawHeaders).filter(([name]) => !names.has(name.toLowerCase()));
  return { ...request, rawHeaders: [...others, ...headers].flat() };
};

/** The maximum size of request line and headers together that CloudFront takes, in bytes. */
export const maxRequestBytes = 32_768;

/** A request as it reaches the origin. A cookie that was sent twice arrives twice. */
export function originRequest(request: GatewayRequest, { originRequests }: Behaviour): GatewayRequest {
  const cookies: string[] = [];
  const others: string[] = [];
  for (const [name, value] of headerPairs(request.rawHeaders)) {
    if (name.toLowerCase() !== 'cookie') others.push(name, value);
    else cookies.push(...value.split(';').map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, '')));
  }
  const passed = cookies.filter(
    (pair) => pair.includes('=') && originRequests.takesCookie(pair.slice(0, pair.indexOf('='))),
  );
  const [path = '/'] = request.target.split('?', 1);
  return {
    ...request,
    target: originRequests.takesQuery ? request.target : path,
    rawHeaders: passed.length === 0 ? others : [...others, 'Cookie', passed.join('; ')],
  };
}

/** Headers of an `AWS::CloudFront::ResponseHeadersPolicy`. */
function policyHeaders(properties: JsonObject | undefined): PolicyHeader[] {
  const config = objectAt(properties, 'ResponseHeadersPolicyConfig');
  const security = objectAt(config, 'SecurityHeadersConfig');
  const found: PolicyHeader[] = [];
  const add = (part: string, name: string, value: (config: JsonObject) => string): void => {
    const entry = security[part];
    if (isObject(entry)) found.push({ name, value: value(entry), override: entry['Override'] === true });
  };
  add('ContentSecurityPolicy', 'content-security-policy', (entry) => textOf(entry['ContentSecurityPolicy']));
  add('ContentTypeOptions', 'x-content-type-options', () => 'nosniff');
  add('FrameOptions', 'x-frame-options', (entry) => textOf(entry['FrameOption']));
  add('ReferrerPolicy', 'referrer-policy', (entry) => textOf(entry['ReferrerPolicy']));
  add('StrictTransportSecurity', 'strict-transport-security', (entry) =>
    [
      `max-age=${textOf(entry['AccessControlMaxAgeSec'])}`,
      ...(entry['IncludeSubdomains'] === true ? ['includeSubDomains'] : []),
      ...(entry['Preload'] === true ? ['preload'] : []),
    ].join('; '),
  );
  for (const item of listAt(config, 'CustomHeadersConfig', 'Items')) {
    const { Header: name, Value: value, Override: override } = objectAt(item);
    found.push({ name: textOf(name).toLowerCase(), value: textOf(value), override: override === true });
  }
  return found;
}

/** Adds a policy's headers to a response's. */
export function withPolicy(
  headers: OutgoingHttpHeaders,
  policy: readonly PolicyHeader[],
): OutgoingHttpHeaders {
  const result = { ...headers };
  for (const { name, value, override } of policy) {
    if (override || result[name] === undefined) result[name] = value;
  }
  return result;
}

/**
 * The path that decides which behaviour a request meets: dot segments are removed and unreserved characters decoded
 * (RFC 3986 section 6.2.2). The origin gets the path as it came all the same.
 */
export function normalisedPath(target: string): string {
  const decoded = (target.split(/[?#]/, 1)[0] ?? '').replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(parseInt(escape.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
  });
  const kept: string[] = [];
  const segments = decoded.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const dots = segment === '.' || segment === '..';
    if (segment === '..') kept.pop();
    if (!dots) kept.push(segment);
    else if (index === segments.length - 1) kept.push('');
  }
  return `/${kept.join('/')}`;
}

/** The behaviour that a request meets. */
export function behaviourFor(distribution: Distribution, target: string): Behaviour {
  const path = normalisedPath(target);
  const found = distribution.behaviours.find(({ pattern }) => pattern.test(path));
  if (found === undefined) throw new StartError('the distribution has no default behaviour');
  return found;
}

function viewerRequestFunction(
  assembly: Assembly,
  distribution: Resource,
  behaviour: JsonObject,
): ViewerRequestFunction | undefined {
  if (listAt(behaviour, 'LambdaFunctionAssociations').length > 0) {
    throw new StartError('the local run cannot imitate Lambda@Edge');
  }
  const [association, another] = listAt(behaviour, 'FunctionAssociations').map((entry) => objectAt(entry));
  if (association === undefined) return undefined;
  if (another !== undefined || association['EventType'] !== 'viewer-request') {
    throw new StartError('the local run imitates one CloudFront function a behaviour, at viewer-request');
  }
  const resource = assembly.target(distribution.stack, association['FunctionARN']);
  const code = resource && assembly.text(resource.stack, resource.properties['FunctionCode'] ?? '');
  if (code === undefined || code === '')
    throw new StartError('a CloudFront function has no code in the template');
  return cloudFrontFunction(code);
}

/**
 * Runs a CloudFront Function's code on requests. The code has nothing but the language, as at the edge.
 *
 * @param code - it must define `handler(event)`
 */
export function cloudFrontFunction(code: string): ViewerRequestFunction {
  const context = vm.createContext({});
  const handler: unknown = new vm.Script(`${code}\n;handler`, {
    filename: 'cloudfront-function.js',
  }).runInContext(context);
  if (typeof handler !== 'function') throw new StartError('a CloudFront function must define handler');
  return async (request) => {
    const [uri = '/'] = request.target.split('?', 1);
    const event = {
      version: '1.0',
      context: { eventType: 'viewer-request' },
      viewer: { ip: request.sourceIp },
      request: {
        method: request.method,
        uri,
        querystring: multiValues(new URLSearchParams(request.target.slice(uri.length + 1))),
        headers: multiValues(
          headerPairs(request.rawHeaders).map(([name, value]) => [name.toLowerCase(), value]),
        ),
        cookies: {},
      },
    };
    const result = (await (handler as (event: unknown) => unknown)(event)) as Record<string, unknown>;
    if (typeof result['uri'] === 'string') return { uri: result['uri'] };
    const headers = Object.entries((result['headers'] ?? {}) as Record<string, { value: string }>);
    const body = result['body'];
    return {
      status: Number(result['statusCode']),
      headers: Object.fromEntries(headers.map(([name, { value }]) => [name, value])),
      body: Buffer.from(typeof body === 'string' ? body : ''),
    };
  };
}

/** Name → its value and, when there are several, all of them. */
function multiValues(pairs: Iterable<[string, string]>): Record<string, unknown> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries(
    [...values].map(([name, all]) => [
      name,
      all.length === 1 ? { value: all[0] } : { value: all[0], multiValue: all.map((value) => ({ value })) },
    ]),
  );
}
