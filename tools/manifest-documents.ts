/** What is made of the route manifest for those who cannot import it: an OpenAPI document, a table, types for clients. */
import { routesOf, type ApiRoute } from '../lambdas/api/api-routes.ts';
import { cookieNames } from '../lambdas/cookie-names.ts';
import type { QueryRule, UpstreamDefinitions, ValueRule } from '../manifest/index.ts';

type Json = Readonly<Record<string, unknown>>;

/** What is made of a manifest: the text of each document. */
export interface ManifestDocuments {
  /** OpenAPI 3.1, as JSON. */
  readonly openApi: string;
  /** A table, as Markdown. */
  readonly routes: string;
  /** Declarations for a client in another repository, as TypeScript. */
  readonly types: string;
}

/** @param upstreams - checked */
export function manifestDocuments(upstreams: UpstreamDefinitions): ManifestDocuments {
  const routes = routesOf(upstreams);
  return {
    openApi: `${JSON.stringify(openApi(upstreams, routes), undefined, 2)}\n`,
    routes: table(upstreams, routes),
    types: clientTypes(upstreams, routes),
  };
}

const tokens = {
  none: 'none',
  cis2: 'CIS2’s access token',
  'api-platform': 'the NHS API platform’s access token',
} as const satisfies Record<ApiRoute['token'], string>;

const roleText = ({ role }: ApiRoute): string =>
  role === 'none'
    ? 'no role needed'
    : role === 'chosen'
      ? 'a role chosen'
      : `a role with ${role.map((rule) => JSON.stringify(rule)).join(' or ')}`;

const conditions = (route: ApiRoute): string =>
  [
    roleText(route),
    ...(route.minimumAal === undefined ? [] : [`authentication level ${String(route.minimumAal)}`]),
    ...(route.maximumSignInAge === undefined
      ? []
      : [`authenticated within the last ${String(route.maximumSignInAge)} s`]),
    ...(route.countsAsActivity ? [] : ['no activity']),
  ].join('; ');

const schemaOf = (rule: ValueRule): Json =>
  rule.values === undefined
    ? { type: 'string', pattern: `^(?:${rule.pattern})$`, maxLength: rule.maxLength }
    : { type: 'string', enum: rule.values };

const querySchema = (rule: QueryRule): Json =>
  rule.maxCount === undefined
    ? schemaOf(rule)
    : { type: 'array', items: schemaOf(rule), maxItems: rule.maxCount };

const shared = (name: string): Json => ({ $ref: `#/components/parameters/${name}` });
const problem = (description: string): Json => ({
  description,
  headers: { 'X-BFF-Problem': { $ref: '#/components/headers/Problem' } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

function operation(route: ApiRoute): Json {
  const response = { description: 'The upstream’s own answer', content: mediaTypes(route.accept) };
  return {
    tags: [route.upstream],
    summary: route.summary,
    description: `Token: ${tokens[route.token]}. Rule: ${conditions(route)}.`,
    parameters: [
      ...Object.entries(route.parameters).map(([name, rule]) => ({
        name,
        in: 'path',
        required: true,
        schema: schemaOf(rule),
        example: rule.example,
      })),
      ...Object.entries(route.query).map(([name, rule]) => ({
        name,
        in: 'query',
        schema: querySchema(rule),
      })),
      ...route.requestHeaders.map((name) => ({ name, in: 'header', schema: { type: 'string' } })),
      ...['csrf', 'session', 'background'].map(shared),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            description: `At most ${String(route.body.maxBytes)} bytes`,
            content: mediaTypes(route.body.types),
          },
        }),
    responses: {
      '2XX': response,
      '4XX': {
        description: 'The upstream’s own refusal, or a problem of the BFF’s',
        content: { ...mediaTypes(route.accept), ...(problem('').content as Json) },
      },
      502: problem('The upstream’s answer is of no use'),
      503: problem('The store, the keys or the token endpoint is not available; `Retry-After` says when'),
      504: problem('The upstream took too long'),
    },
  };
}

const mediaTypes = (types: readonly string[]): Json => Object.fromEntries(types.map((type) => [type, {}]));

function openApi(upstreams: UpstreamDefinitions, routes: readonly ApiRoute[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'cis2-bff: the APIs behind it',
      version: '1',
      description:
        'What a page on the BFF’s origin can call, made from the route manifest. Anything else under /api is 404. Another ' +
        'method is 405, an unlisted query parameter 400.',
    },
    tags: Object.entries(upstreams).map(([name, { title }]) => ({ name, description: title })),
    security: [{ session: [] }],
    paths,
    components: {
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: cookieNames.session } },
      parameters: {
        csrf: { name: 'X-CSRF', in: 'header', required: true, schema: { const: '1' } },
        session: {
          name: 'X-Session',
          in: 'header',
          description:
            'The handle of the session that the page believes it acts in; another one is refused with 409',
          schema: { type: 'string' },
        },
        background: {
          name: 'X-Background',
          in: 'header',
          description: '1: nobody is at the keyboard, so the call does not keep the session alive',
          schema: { const: '1' },
        },
      },
      headers: {
        Problem: {
          description: 'The code of a problem of the BFF’s own. No answer of an upstream has it',
          schema: { type: 'string' },
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          description: 'Problem details (RFC 9457)',
          required: ['type', 'title', 'status', 'code', 'reference'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string' },
            reference: { type: 'string' },
            loginUrl: { type: 'string', description: 'With 401: where to sign in' },
            reason: { type: 'string', description: 'With session_ended: why' },
            acr: { type: 'string', description: 'With step_up_required: the level that is needed' },
            reauth: { type: 'boolean', description: 'With step_up_required: the sign-in is too old' },
          },
        },
      },
    },
  };
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;
const listed = (names: readonly string[]): string => names.map(code).join(', ') || '';

const queryText = ({ query }: ApiRoute): string =>
  Object.entries(query)
    .map(
      ([name, { maxCount }]) =>
        code(name) + (maxCount === undefined ? '' : ` (up to ${String(maxCount)} times)`),
    )
    .join(', ');

const bodyText = ({ body }: ApiRoute): string =>
  body === undefined ? '' : `${listed(body.types)}, at most ${String(body.maxBytes)} bytes`;

function table(upstreams: UpstreamDefinitions, routes: readonly ApiRoute[]): string {
  const sections = Object.entries(upstreams).map(([name, { title }]) => {
    const rows = routes
      .filter(({ upstream }) => upstream === name)
      .map((route) => [
        code(`${route.method} ${route.path}`),
        cell(route.summary),
        queryText(route),
        listed(route.requestHeaders),
        bodyText(route),
        code(route.token),
        conditions(route),
        `${String(route.timeoutSeconds)} s`,
      ]);
    const head = ['Route', '', 'Query', 'Headers passed on', 'Body', 'Token', 'Rule', 'Time'];
    return [
      `## ${code(name)}: ${title}`,
      '',
      ...[head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`),
      '',
    ].join('\n');
  });
  return [
    '<!-- Made from the route manifest: `cis2-bff manifest`. -->',
    '',
    '# Routes of the API proxy',
    '',
    'Everything else under `/api` is 404, another method on a listed path 405, an unlisted query parameter 400.',
    '',
    ...sections,
  ].join('\n');
}

const valueType = (rule: ValueRule): string =>
  rule.values === undefined ? 'string' : rule.values.map((value) => JSON.stringify(value)).join(' | ');

const queryType = (rule: QueryRule): string =>
  rule.maxCount === undefined ? valueType(rule) : `${valueType(rule)} | readonly (${valueType(rule)})[]`;

const members = (entries: readonly (readonly [name: string, type: string, optional: boolean])[]): string =>
  entries.length === 0
    ? 'Readonly<Record<string, never>>'
    : `{ ${entries.map(([name, type, optional]) => `readonly ${JSON.stringify(name)}${optional ? '?' : ''}: ${type}`).join('; ')} }`;

/** Text that cannot end the comment that it stands in. */
const comment = (text: string): string => `/** ${text.replaceAll('*/', '* /')} */`;

const routeType = (route: ApiRoute): string => `
  ${comment(`${route.summary}. Rule: ${conditions(route)}.`)}
  ${JSON.stringify(`${route.method} ${route.path}`)}: {
    readonly parameters: ${members(Object.entries(route.parameters).map(([name, rule]) => [name, valueType(rule), false]))};
    readonly query: ${members(Object.entries(route.query).map(([name, rule]) => [name, queryType(rule), true]))};
    readonly headers: ${members(route.requestHeaders.map((name) => [name, 'string', true]))};
    readonly contentType: ${route.body === undefined ? 'undefined' : route.body.types.map((type) => JSON.stringify(type)).join(' | ')};
  };`;

/** The type of exactly this JSON value. */
function literalType(value: unknown, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) return `readonly [${value.map((entry) => literalType(entry, inner)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const lines = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${inner}readonly ${JSON.stringify(name)}: ${literalType(member, inner)};`);
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

const clientTypes = (upstreams: UpstreamDefinitions, routes: readonly ApiRoute[]): string =>
  `// Made from the route manifest: \`cis2-bff manifest\`.

/** Every call that the BFF forwards: \`METHOD /path\` → what it takes. */
export interface ApiRoutes {${routes.map(routeType).join('\n')}
}

export type ApiRouteKey = keyof ApiRoutes;

/** The manifest's own type, for \`typeof upstreams\`. There is no value behind it. */
export declare const upstreams: ${literalType(upstreams)};
`;
