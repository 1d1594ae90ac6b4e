/** How upstreams and their routes are written down, and what is refused before anything runs. */
import { BffError } from '../common/index.ts';
import type { RoleRule } from '../settings.ts';
import { accepts, type QueryRule, type ValueRule } from './values.ts';

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Whose access token a call carries: none, CIS2's own, or the NHS API platform's. */
export type TokenKind = 'none' | 'cis2' | 'api-platform';

export interface RouteDefinition {
  /** One line for documents. */
  readonly summary: string;
  /** What each `{name}` of the path may be. Never a slash, a step to another path or a percent sign, whatever it says. */
  readonly parameters?: Readonly<Record<string, ValueRule>>;
  /** The query parameters there are. Any other is refused. @default none */
  readonly query?: Readonly<Record<string, QueryRule>>;
  /** Headers of the browser's that are passed on, in lower case. @default none */
  readonly requestHeaders?: readonly string[];
  /** Headers of the upstream's that are passed back beside the usual ones, in lower case. @default none */
  readonly responseHeaders?: readonly string[];
  /** The body that is taken. @default none */
  readonly body?: {
    /** Media types, in lower case and without parameters. */
    readonly types: readonly string[];
    readonly maxBytes: number;
  };
  readonly token: TokenKind;
  /** The least authentication assurance level; with less, the user has to sign in again. @default the application's own */
  readonly minimumAal?: 2 | 3;
  /** Seconds since the user proved who they are at CIS2 after which they have to sign in again. @default any age */
  readonly maximumSignInAge?: number;
  /** What the user must work as: nothing in particular, any role, or one that a rule accepts. */
  readonly role: 'none' | 'chosen' | readonly RoleRule[];
  /** The longest that the upstream may take, all tries together. @default 20 */
  readonly timeoutSeconds?: number;
  /** Whether a call shows that the user is there. @default true */
  readonly countsAsActivity?: boolean;
}

export interface UpstreamDefinition {
  /** One line for documents. */
  readonly title: string;
  /** Media types that a client may ask for; the first is asked for when it names none of them. */
  readonly accept: readonly string[];
  /** `METHOD /path` → what the route takes. `{name}` stands for one segment. */
  readonly routes: Readonly<Record<`${Method} /${string}`, RouteDefinition>>;
}

/** The names of the parameters in a path. */
type ParameterIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterIn<Rest>
  : never;

/** A route whose parameters are those of its path. */
type RouteOf<Key extends string> = RouteDefinition &
  ([ParameterIn<Key>] extends [never]
    ? { readonly parameters?: undefined }
    : { readonly parameters: Readonly<Record<ParameterIn<Key>, ValueRule>> });

type RoutesChecked<Upstreams> = {
  readonly [Name in keyof Upstreams]: Upstreams[Name] extends { readonly routes: infer Routes }
    ? {
        readonly routes: {
          readonly [Key in keyof Routes]: Key extends `${Method} /${string}` ? RouteOf<Key> : never;
        };
      }
    : never;
};

/** A route as it is used: checked, with nothing left open. */
export interface ApiRoute {
  readonly upstream: string;
  readonly method: Method;
  /** As a client calls it: `/api/UPSTREAM/…`. */
  readonly path: string;
  /** What follows the upstream's base URL. */
  readonly upstreamPath: string;
  readonly summary: string;
  readonly accept: readonly string[];
  readonly parameters: Readonly<Record<string, ValueRule>>;
  readonly query: Readonly<Record<string, QueryRule>>;
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly body: RouteDefinition['body'];
  readonly token: TokenKind;
  readonly minimumAal: 2 | 3 | undefined;
  readonly maximumSignInAge: number | undefined;
  readonly role: RouteDefinition['role'];
  readonly timeoutSeconds: number;
  readonly countsAsActivity: boolean;
}

/** A manifest that breaks a rule: every problem, by its route. */
export class ManifestInvalid extends BffError {
  override readonly name = 'ManifestInvalid';
  readonly code = 'manifest_invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`route manifest: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Takes upstreams as they are written down, and gives them back once they have passed every check.
 *
 * @throws ManifestInvalid naming everything that is wrong
 */
export function defineUpstreams<const Upstreams extends Record<string, UpstreamDefinition>>(
  upstreams: Upstreams & RoutesChecked<Upstreams>,
): Upstreams {
  const problems = Object.entries<UpstreamDefinition>(upstreams).flatMap(([name, upstream]) =>
    upstreamProblems(name, upstream).map((problem) => `${name}: ${problem}`),
  );
  if (problems.length > 0) throw new ManifestInvalid(problems);
  return upstreams;
}

export const maxTimeoutSeconds = 20;

/** Every route of every upstream, with defaults filled in. */
export const routesOf = (upstreams: Readonly<Record<string, UpstreamDefinition>>): readonly ApiRoute[] =>
  Object.entries(upstreams).flatMap(([upstream, { accept, routes }]) =>
    Object.entries<RouteDefinition>(routes).map(([key, route]) => {
      const { method, path } = splitKey(key);
      return {
        upstream,
        method,
        path: `/api/${upstream}${path}`,
        upstreamPath: path,
        summary: route.summary,
        accept,
        parameters: route.parameters ?? {},
        query: route.query ?? {},
        requestHeaders: route.requestHeaders ?? [],
        responseHeaders: route.responseHeaders ?? [],
        body: route.body,
        token: route.token,
        minimumAal: route.minimumAal,
        maximumSignInAge: route.maximumSignInAge,
        role: route.role,
        timeoutSeconds: route.timeoutSeconds ?? maxTimeoutSeconds,
        countsAsActivity: route.countsAsActivity ?? true,
      };
    }),
  );

const splitKey = (key: string): { method: Method; path: string } => {
  const space = key.indexOf(' ');
  return { method: key.slice(0, space) as Method, path: key.slice(space + 1) };
};

/** Larger than any body that reaches a function whole. */
const maxBodyBytes = 4 * 1024 * 1024;

const mediaType = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;
const headerName = /^[a-z0-9-]+$/;

/** A form can send these without asking first, so nothing but the guards would stand between it and an upstream. */
const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

/** Ours to set, the browser's own, or a matter between two neighbours on the way. */
const keptRequestHeaders =
  /^(?:accept|accept-encoding|authorization|connection|content-.*|cookie.*|expect|forwarded|from|host|keep-alive|nhsd-.*|origin|proxy-.*|referer|sec-.*|te|trailer|transfer-encoding|upgrade|user-agent|via|x-amz.*|x-background|x-bff-.*|x-correlation-id|x-csrf|x-forwarded-.*|x-http-method.*|x-method-override|x-original-.*|x-real-ip|x-request-id|x-rewrite-.*|x-session|x-user.*|cloudfront-.*)$/;

/** What an answer of ours says of itself, what gives a page rights, and what a browser would act upon. */
const keptResponseHeaders =
  /^(?:access-control-.*|age|alt-svc|authentication-info|authorization|cache-control|clear-site-data|connection|content-encoding|content-length|content-location|content-range|content-security-policy.*|content-type|cross-origin-.*|date|etag|expect-ct|expires|keep-alive|last-modified|link|location|nel|origin-agent-cluster|permissions-policy|pragma|proxy-.*|public-key-pins.*|referrer-policy|refresh|report-to|reporting-endpoints|retry-after|sec-.*|server.*|service-worker.*|set-cookie.*|sourcemap|speculation-rules|strict-transport-security|supports-loading-mode|te|timing-allow-origin|trailer|transfer-encoding|upgrade|vary|via|warning|www-authenticate|x-bff-.*|x-content-type-options|x-dns-prefetch-control|x-frame-options|x-powered-by|x-request-id|x-sourcemap|x-xss-protection)$/;

const upstreamFields = ['title', 'accept', 'routes'];
const routeFields = [
  ...['summary', 'parameters', 'query', 'requestHeaders', 'responseHeaders', 'body', 'token', 'minimumAal'],
  ...['maximumSignInAge', 'role', 'timeoutSeconds', 'countsAsActivity'],
];

const unknownFields = (value: object, known: readonly string[]): string[] =>
  Object.keys(value)
    .filter((field) => !known.includes(field))
    .map((field) => `unknown field ${field}`);

const isWhole = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

const isListOf = (value: unknown, pattern: RegExp, least: number): value is readonly string[] =>
  Array.isArray(value) &&
  value.length >= least &&
  value.every((entry) => typeof entry === 'string' && pattern.test(entry)) &&
  new Set(value).size === value.length;

function upstreamProblems(name: string, upstream: UpstreamDefinition): string[] {
  const problems = unknownFields(upstream, upstreamFields);
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) problems.push('a name is lower-case letters, digits and -');
  if (!isText(upstream.title)) problems.push('title is missing');
  if (!isListOf(upstream.accept, mediaType, 1)) problems.push('accept must list media types');
  const keys = Object.keys(upstream.routes);
  if (keys.length === 0) problems.push('no routes');
  for (const [key, route] of Object.entries<RouteDefinition>(upstream.routes)) {
    problems.push(...routeProblems(key, route).map((problem) => `${key}: ${problem}`));
  }
  return [...problems, ...duplicateRoutes(upstream)];
}

const literalSegment = /^[A-Za-z0-9._~$-]+$/;
const parameterSegment = /^\{([a-zA-Z]+)\}$/;
const isStep = (segment: string): boolean => segment === '.' || segment === '..';

function routeProblems(key: string, route: RouteDefinition): string[] {
  const { method, path } = splitKey(key);
  const problems = unknownFields(route, routeFields);
  if (!methods.includes(method)) problems.push(`method must be one of ${methods.join(', ')}`);
  const segments = path.split('/');
  if (segments.shift() !== '' || segments.length === 0) problems.push('a path begins with /');
  const named = segments.flatMap((segment) => parameterSegment.exec(segment)?.[1] ?? []);
  for (const segment of segments) {
    if (parameterSegment.test(segment)) continue;
    if (!literalSegment.test(segment) || isStep(segment)) problems.push(`bad segment ${segment}`);
  }
  if (new Set(named).size !== named.length) problems.push('a parameter is named twice');
  const given = Object.keys(route.parameters ?? {});
  for (const name of named) if (!given.includes(name)) problems.push(`no rule for parameter ${name}`);
  for (const name of given) if (!named.includes(name)) problems.push(`no parameter ${name} in the path`);
  for (const [name, rule] of Object.entries(route.parameters ?? {})) {
    problems.push(...ruleProblems(rule, 256).map((problem) => `parameter ${name}: ${problem}`));
    if (isRule(rule) && !isPlainRule(rule)) {
      problems.push(`parameter ${name}: its example needs an escape in a path`);
    }
  }
  for (const [name, rule] of Object.entries(route.query ?? {})) {
    if (!/^[A-Za-z0-9_.:-]+$/.test(name)) problems.push(`bad query name ${name}`);
    problems.push(...ruleProblems(rule, 1_024).map((problem) => `query ${name}: ${problem}`));
    if (rule.most !== undefined && !isWhole(rule.most, 1, 20)) problems.push(`query ${name}: bad most`);
  }
  problems.push(...headerProblems('requestHeaders', route.requestHeaders, keptRequestHeaders));
  problems.push(...headerProblems('responseHeaders', route.responseHeaders, keptResponseHeaders));
  problems.push(...bodyProblems(method, route.body));
  if (!isText(route.summary)) problems.push('summary is missing');
  if (!['none', 'cis2', 'api-platform'].includes(route.token)) problems.push('bad token');
  if (route.minimumAal !== undefined && !isWhole(route.minimumAal, 2, 3)) problems.push('bad minimumAal');
  if (route.maximumSignInAge !== undefined && !isWhole(route.maximumSignInAge, 1, 43_200)) {
    problems.push('bad maximumSignInAge');
  }
  if (!isRole(route.role)) problems.push('bad role');
  if (route.timeoutSeconds !== undefined && !isWhole(route.timeoutSeconds, 1, maxTimeoutSeconds)) {
    problems.push(`timeoutSeconds is at most ${String(maxTimeoutSeconds)}`);
  }
  if (route.countsAsActivity !== undefined && typeof route.countsAsActivity !== 'boolean') {
    problems.push('bad countsAsActivity');
  }
  return problems;
}

const isRule = (rule: unknown): rule is ValueRule =>
  typeof rule === 'object' && rule !== null && 'pattern' in rule && typeof rule.pattern === 'string';

const isPlainRule = (rule: ValueRule): boolean =>
  [rule.example, ...(rule.values ?? [])].every((value) => /^[A-Za-z0-9._~-]+$/.test(value) && !isStep(value));

function ruleProblems(rule: unknown, longest: number): string[] {
  if (!isRule(rule)) return ['not a rule'];
  const problems = unknownFields(rule, ['pattern', 'maxLength', 'values', 'example', 'most']);
  if (!isWhole(rule.maxLength, 1, longest)) problems.push('bad maxLength');
  try {
    if (!accepts(rule, rule.example)) problems.push('does not accept its own example');
    if (accepts(rule, '')) problems.push('accepts nothing at all');
  } catch {
    problems.push('bad pattern');
  }
  return problems;
}

const headerProblems = (
  field: string,
  names: readonly string[] | undefined,
  kept: RegExp,
): readonly string[] => {
  if (names === undefined) return [];
  if (!isListOf(names, headerName, 1)) return [`${field} must list lower-case names`];
  return names.filter((name) => kept.test(name)).map((name) => `${field}: ${name} is not to be had`);
};

function bodyProblems(method: string, body: RouteDefinition['body']): string[] {
  if (body === undefined) return [];
  const problems = unknownFields(body, ['types', 'maxBytes']);
  if (method === 'GET' || method === 'DELETE') problems.push(`${method} takes no body`);
  if (!isListOf(body.types, mediaType, 1)) problems.push('body: types must list media types');
  else if (body.types.some((type) => formTypes.includes(type))) problems.push('body: a form could send that');
  if (!isWhole(body.maxBytes, 1, maxBodyBytes)) problems.push('body: bad maxBytes');
  return problems;
}

const roleLists = ['activityCodes', 'jobRoleCodes', 'organisations', 'workgroups'];

/** A rule that is misspelt must not quietly accept more: every member is known and none is empty. */
const isRole = (role: unknown): boolean =>
  role === 'none' ||
  role === 'chosen' ||
  (Array.isArray(role) &&
    role.length > 0 &&
    role.every(
      (rule: unknown) =>
        typeof rule === 'object' &&
        rule !== null &&
        Object.keys(rule).length > 0 &&
        Object.entries(rule).every(
          ([list, codes]) => roleLists.includes(list) && isListOf(codes, /^[\x21-\x7e]{1,64}$/, 1),
        ),
    ));

/**
 * Routes of one method that could both be meant by one path. There is no order of precedence to know about, so a
 * literal segment beside a parameter that would take it is refused too.
 */
function duplicateRoutes({ routes }: UpstreamDefinition): string[] {
  const entries = Object.entries<RouteDefinition>(routes).map(([key, route]) => ({
    key,
    method: splitKey(key).method,
    segments: splitKey(key).path.split('/'),
    rules: route.parameters ?? {},
  }));
  type Entry = (typeof entries)[number];
  const ruleAt = (entry: Entry, position: number): ValueRule | undefined => {
    const name = parameterSegment.exec(entry.segments[position] ?? '')?.[1];
    return name === undefined ? undefined : entry.rules[name];
  };
  const meet = (one: Entry, other: Entry): boolean =>
    one.method === other.method &&
    one.segments.length === other.segments.length &&
    one.segments.every((segment, position) => {
      const [rule, otherRule] = [ruleAt(one, position), ruleAt(other, position)];
      if (rule !== undefined && otherRule !== undefined) return true;
      if (rule !== undefined) return accepts(rule, other.segments[position] ?? '');
      if (otherRule !== undefined) return accepts(otherRule, segment);
      return segment === other.segments[position];
    });
  return entries.flatMap((entry, index) =>
    entries
      .slice(index + 1)
      .filter((other) => meet(entry, other))
      .map((other) => `duplicate routes ${entry.key} and ${other.key}`),
  );
}
