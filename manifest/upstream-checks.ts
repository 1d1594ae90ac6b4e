/** The rules of the route manifest. They run when it is defined, and nowhere else. */
import { maxTimeoutSeconds, splitKey } from '../lambdas/api/api-routes.ts';
import {
  methods,
  tokenKinds,
  type RoutesChecked,
  type UpstreamDefinition,
} from '../lambdas/api/manifest-types.ts';
import { accepts, type ValueRule } from '../lambdas/api/value-rules.ts';
import { maxAbsoluteSeconds } from '../lambdas/settings/index.ts';
import { reservedRequestHeaders, reservedResponseHeaders } from './header-rules.ts';
import {
  choice,
  isPlainObject,
  isText,
  isWholeNumber,
  ManifestInvalid,
  mustBe,
  unknownMembers,
  within,
} from './problems.ts';

/**
 * Takes upstreams as they are written down, and gives them back once they have passed every check. What comes back is plain
 * data: JSON can hold it.
 *
 * @throws ManifestInvalid naming everything that is wrong, by upstream, route and member
 */
export function defineUpstreams<const Upstreams extends Record<string, UpstreamDefinition>>(
  upstreams: Upstreams & RoutesChecked<Upstreams>,
): Upstreams {
  const problems = upstreamsProblems(upstreams);
  if (problems.length > 0) throw new ManifestInvalid(problems);
  return upstreams;
}

/** Everything that is wrong with upstreams, whatever they are. */
export function upstreamsProblems(upstreams: unknown): readonly string[] {
  if (!isPlainObject(upstreams)) return [mustBe('upstreams', 'an object: name to upstream', upstreams)];
  return Object.entries(upstreams).flatMap(([name, upstream]) =>
    within(name, upstreamProblems(name, upstream)),
  );
}

type Members = Readonly<Record<string, unknown>>;

const upstreamMembers = ['title', 'accept', 'routes'];
const routeMembers = [
  ...['summary', 'parameters', 'query', 'requestHeaders', 'responseHeaders', 'body', 'token', 'minimumAal'],
  ...['maximumSignInAge', 'role', 'timeoutSeconds', 'countsAsActivity'],
];
const ruleMembers = ['pattern', 'maxLength', 'values', 'example'];
const roleLists = ['activityCodes', 'jobRoleCodes', 'organisations', 'workgroups'];

/** Larger than any body that reaches a function whole. */
const maxBodyBytes = 4 * 1024 * 1024;
const maxRepetitions = 20;
const maxParameterLength = 256;
const maxQueryLength = 1_024;

const mediaType = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;
const mediaTypes = 'a list of different media types in lower case, without parameters';

/** A form can send these without asking first, so nothing but the guards would stand between it and an upstream. */
const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];

const isLine = (value: unknown): boolean => isText(value) && !/[\p{Cc}\u2028\u2029]/u.test(value);

const isListOf = (value: unknown, pattern: RegExp): value is readonly string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((entry) => typeof entry === 'string' && pattern.test(entry)) &&
  new Set(value).size === value.length;

/** @returns a problem when the member is there and is not allowed */
const optional = (
  route: Members,
  member: string,
  isAllowed: (value: unknown) => boolean,
  allowed: string,
): string[] =>
  route[member] === undefined || isAllowed(route[member]) ? [] : [mustBe(member, allowed, route[member])];

function upstreamProblems(name: string, upstream: unknown): string[] {
  if (!isPlainObject(upstream)) return [mustBe('the upstream', 'an object', upstream)];
  const { title, accept, routes } = upstream;
  const problems = unknownMembers(upstream, upstreamMembers);
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
    problems.push(mustBe('the name', 'a lower-case letter, and up to 31 of a-z, 0-9 and -', name));
  }
  if (!isLine(title)) problems.push(mustBe('title', 'one line of text', title));
  if (!isListOf(accept, mediaType)) problems.push(mustBe('accept', mediaTypes, accept));
  if (!isPlainObject(routes) || Object.keys(routes).length === 0) {
    return [
      ...problems,
      mustBe('routes', 'an object with at least one route: METHOD /path to route', routes),
    ];
  }
  for (const [key, route] of Object.entries(routes)) problems.push(...within(key, routeProblems(key, route)));
  return [...problems, ...duplicateRoutes(routes)];
}

const literalSegment = /^[A-Za-z0-9._~$-]+$/;
const parameterSegment = /^\{([a-zA-Z]+)\}$/;
const isStep = (segment: string): boolean => segment === '.' || segment === '..';

function routeProblems(key: string, route: unknown): string[] {
  const { method, path } = splitKey(key);
  const problems: string[] = [];
  if (!methods.includes(method)) problems.push(mustBe('the method', `one of ${methods.join(', ')}`, method));
  if (!path.startsWith('/')) problems.push(mustBe('the path', 'one that begins with /', path));
  for (const segment of path.split('/').slice(1)) {
    if (!parameterSegment.test(segment) && (!literalSegment.test(segment) || isStep(segment))) {
      problems.push(mustBe('a segment of the path', '{name} or letters, digits and ._~$-', segment));
    }
  }
  if (!isPlainObject(route)) return [...problems, mustBe('the route', 'an object', route)];
  const { summary, token, role } = route;
  problems.push(...unknownMembers(route, routeMembers));
  if (!isLine(summary)) problems.push(mustBe('summary', 'one line of text', summary));
  if (!tokenKinds.some((kind) => kind === token)) {
    problems.push(mustBe('token', `one of ${choice(tokenKinds)}`, token));
  }
  return [
    ...problems,
    ...parameterProblems(path, route['parameters'] === undefined ? {} : route['parameters']),
    ...queryProblems(route['query'] === undefined ? {} : route['query']),
    ...headerProblems('requestHeaders', route['requestHeaders'], reservedRequestHeaders),
    ...headerProblems('responseHeaders', route['responseHeaders'], reservedResponseHeaders),
    ...bodyProblems(method, route['body']),
    ...roleProblems(role),
    ...optional(route, 'minimumAal', (value) => isWholeNumber(value, 2, 3), '2 or 3'),
    ...optional(
      route,
      'maximumSignInAge',
      (value) => isWholeNumber(value, 1, maxAbsoluteSeconds),
      `whole seconds from 1 to ${String(maxAbsoluteSeconds)}`,
    ),
    ...optional(
      route,
      'timeoutSeconds',
      (value) => isWholeNumber(value, 1, maxTimeoutSeconds),
      `whole seconds from 1 to ${String(maxTimeoutSeconds)}`,
    ),
    ...optional(route, 'countsAsActivity', (value) => typeof value === 'boolean', 'true or false'),
  ];
}

function parameterProblems(path: string, parameters: unknown): string[] {
  if (!isPlainObject(parameters)) return [mustBe('parameters', 'an object: name to value rule', parameters)];
  const named = path.split('/').flatMap((segment) => parameterSegment.exec(segment)?.[1] ?? []);
  const given = Object.keys(parameters);
  return [
    ...(new Set(named).size === named.length ? [] : [`parameters: one is named twice in ${path}`]),
    ...named
      .filter((name) => !given.includes(name))
      .map((name) => `parameters: no rule for parameter ${name}`),
    ...given
      .filter((name) => !named.includes(name))
      .map((name) => `parameters: no parameter ${name} in the path`),
    ...Object.entries(parameters).flatMap(([name, rule]) => {
      const problems = ruleProblems(rule, ruleMembers, maxParameterLength);
      if (problems.length === 0 && !isPlainRule(rule as ValueRule)) {
        problems.push(
          mustBe('its example and values', 'letters, digits and ._~-, which need no escape', rule),
        );
      }
      return within(`parameters: ${name}`, problems);
    }),
  ];
}

function queryProblems(query: unknown): string[] {
  if (!isPlainObject(query)) return [mustBe('query', 'an object: name to value rule', query)];
  return Object.entries(query).flatMap(([name, rule]) => {
    const problems = ruleProblems(rule, [...ruleMembers, 'maxCount'], maxQueryLength);
    if (!/^[A-Za-z0-9_.:-]+$/.test(name)) {
      problems.push(mustBe('the name', 'letters, digits and _.:-', name));
    }
    if (isPlainObject(rule)) {
      problems.push(
        ...optional(
          rule,
          'maxCount',
          (value) => isWholeNumber(value, 1, maxRepetitions),
          `a whole number from 1 to ${String(maxRepetitions)}`,
        ),
      );
    }
    return within(`query: ${name}`, problems);
  });
}

const isPlainRule = ({ example, values = [] }: ValueRule): boolean =>
  [example, ...values].every((value) => /^[A-Za-z0-9._~-]+$/.test(value) && !isStep(value));

function ruleProblems(rule: unknown, members: readonly string[], maxLength: number): string[] {
  if (!isPlainObject(rule)) return [mustBe('the rule', 'a value rule such as digits(10)', rule)];
  const { pattern, example, values } = rule;
  const problems = unknownMembers(rule, members);
  if (!isPattern(pattern)) {
    problems.push(mustBe('pattern', 'a regular expression in Unicode mode, without anchors', pattern));
  }
  if (!isWholeNumber(rule['maxLength'], 1, maxLength)) {
    problems.push(mustBe('maxLength', `a whole number from 1 to ${String(maxLength)}`, rule['maxLength']));
  }
  if (!isText(example)) problems.push(mustBe('example', 'text', example));
  if (values !== undefined && !isListOf(values, /^[^]+$/)) {
    problems.push(mustBe('values', 'a list of different texts', values));
  }
  if (problems.length > 0) return problems;
  const whole = rule as unknown as ValueRule;
  for (const value of [whole.example, ...(whole.values ?? [])]) {
    if (!accepts(whole, value))
      problems.push(mustBe('pattern', `one that accepts ${JSON.stringify(value)}`, pattern));
  }
  if (accepts(whole, ''))
    problems.push(mustBe('pattern', 'one that does not accept an empty value', pattern));
  return problems;
}

function isPattern(pattern: unknown): boolean {
  if (typeof pattern !== 'string') return false;
  try {
    new RegExp(`^(?:${pattern})$`, 'u');
    return true;
  } catch {
    return false;
  }
}

function headerProblems(member: string, names: unknown, reserved: RegExp): readonly string[] {
  if (names === undefined) return [];
  if (!isListOf(names, /^[a-z0-9-]+$/)) {
    return [mustBe(member, 'a list of different header names in lower case', names)];
  }
  return names
    .filter((name) => reserved.test(name))
    .map((name) => mustBe(member, 'headers that neither the BFF nor HTTP itself uses', name));
}

function bodyProblems(method: string, body: unknown): string[] {
  if (body === undefined) return [];
  if (!isPlainObject(body)) return [mustBe('body', 'an object with types and maxBytes', body)];
  const { types, maxBytes } = body;
  const problems = unknownMembers(body, ['types', 'maxBytes']);
  if (method === 'GET' || method === 'DELETE') problems.push(`a ${method} takes none`);
  if (!isListOf(types, mediaType)) problems.push(mustBe('types', mediaTypes, types));
  else if (types.some((type) => formTypes.includes(type))) {
    problems.push(mustBe('types', `none that a form can send (${formTypes.join(', ')})`, types));
  }
  if (!isWholeNumber(maxBytes, 1, maxBodyBytes)) {
    problems.push(mustBe('maxBytes', `a whole number from 1 to ${String(maxBodyBytes)}`, maxBytes));
  }
  return within('body', problems);
}

function roleProblems(role: unknown): readonly string[] {
  if (role === 'none' || role === 'chosen') return [];
  if (!Array.isArray(role)) return [mustBe('role', '"none", "chosen" or a list of role rules', role)];
  return roleRulesProblems('role', role);
}

/** A rule that is misspelt must not quietly accept more: every member is known and none is empty. */
export function roleRulesProblems(member: string, rules: readonly unknown[]): readonly string[] {
  if (rules.length === 0) return [mustBe(member, 'a list of at least one role rule', rules)];
  return rules.flatMap((rule, index) => {
    const where = `${member}[${String(index)}]`;
    if (!isPlainObject(rule) || Object.keys(rule).length === 0) {
      return [mustBe(where, `an object with one or more of ${roleLists.join(', ')}`, rule)];
    }
    const lists = Object.entries(rule).filter(([list]) => roleLists.includes(list));
    return within(where, [
      ...unknownMembers(rule, roleLists),
      ...lists
        .filter(([, codes]) => !isListOf(codes, /^[\x21-\x7e]{1,64}$/))
        .map(([list, codes]) => mustBe(list, 'a list of different codes', codes)),
    ]);
  });
}

/**
 * Routes of one method that could both be meant by one path. There is no order of precedence to know about, so a
 * literal segment beside a parameter that would take it is refused too.
 */
function duplicateRoutes(routes: Members): string[] {
  const entries = Object.entries(routes).map(([key, route]) => {
    const { method, path } = splitKey(key);
    const parameters = isPlainObject(route) ? route['parameters'] : undefined;
    return { key, method, segments: path.split('/'), rules: isPlainObject(parameters) ? parameters : {} };
  });
  type Entry = (typeof entries)[number];
  const nameAt = (entry: Entry, position: number): string | undefined =>
    parameterSegment.exec(entry.segments[position] ?? '')?.[1];
  /** What a rule does not say about itself was found before; then it is taken to accept nothing. */
  const takes = (entry: Entry, name: string, segment: string): boolean => {
    const rule = entry.rules[name];
    return (
      ruleProblems(rule, ruleMembers, maxParameterLength).length === 0 && accepts(rule as ValueRule, segment)
    );
  };
  const meet = (one: Entry, other: Entry): boolean =>
    one.method === other.method &&
    one.segments.length === other.segments.length &&
    one.segments.every((segment, position) => {
      const [name, otherName] = [nameAt(one, position), nameAt(other, position)];
      if (name !== undefined && otherName !== undefined) return true;
      if (name !== undefined) return takes(one, name, other.segments[position] ?? '');
      if (otherName !== undefined) return takes(other, otherName, segment);
      return segment === other.segments[position];
    });
  return entries.flatMap((entry, index) =>
    entries
      .slice(index + 1)
      .filter((other) => meet(entry, other))
      .map((other) => `duplicate routes ${entry.key} and ${other.key}: one path could mean both`),
  );
}
