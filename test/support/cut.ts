/**
 * What of a request and its response may be shown to anybody. By allow-list: a name that is not known, a value that is
 * not of its name's harmless form, and a text that could be a credential whatever its name, are `[cut]`.
 */

export const cut = '[cut]';

/** Room for no credential: a cookie value, code, state, token or key has at least 32 such characters in a row. */
const couldBeCredential = /[\w+=~-]{32,}|eyJ/;
const maxText = 400;

function shown(text: string, form: RegExp): string {
  return text.length <= maxText && form.test(text) && !couldBeCredential.test(text) ? text : cut;
}

const word = /^[a-z_]{1,32}$/;
const aal = /^AAL\d_[A-Z0-9_]{1,24}$/;
const level = /^\d$/;
const clientId = /^[a-z]{1,12}(?:[.-][a-z0-9]{1,12}){0,3}$/;
const urn = /^urn:[a-z0-9_:-]{1,100}$/;
const scopes = /^[a-z]{1,24}(?: [a-z]{1,24}){0,9}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const reference = /^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}$/;
const roleCode = /^R\d{1,5}$/;
const issuer = /^https?:\/\/[a-z0-9.:-]{1,60}(?:\/[A-Za-z0-9_]{1,24}){0,12}\/?$/;
const words = /^[A-Za-z][A-Za-z ,.’'-]{0,120}$/;

/** Query and form parameters, and JSON members: name → the form of a value that may be shown. */
const members: Readonly<Record<string, RegExp>> = {
  acr: aal,
  acr_values: aal,
  alg: /^[A-Za-z0-9]{1,8}$/,
  amr: /^[A-Z0-9_]{1,24}$/,
  at: instant,
  authorization_endpoint: issuer,
  end_session_endpoint: issuer,
  jwks_uri: issuer,
  token_endpoint: issuer,
  userinfo_endpoint: issuer,
  absoluteAt: instant,
  authenticatedAt: instant,
  authentication: level,
  authentication_assurance_level: level,
  bindingLimit: word,
  client_assertion_type: urn,
  client_id: clientId,
  code_challenge_method: /^(?:S256|plain)$/,
  current: /^(?:true|false)$/,
  e: /^AQAB$/,
  error: word,
  expires_in: /^\d{1,6}$/,
  grant_type: /^[a-z_]{1,32}$/,
  id_assurance_level: level,
  idassurancelevel: level,
  identity: level,
  idleAt: instant,
  iss: issuer,
  issuer,
  jobRoleCode: roleCode,
  kty: /^[A-Z]{2,3}$/,
  lastActiveAt: instant,
  loginUrl: /^\/auth\/login(?:\?[a-z]+=[A-Z0-9_]{1,24})?$/,
  max_age: /^\d{1,6}$/,
  methods: /^[A-Z0-9_]{1,24}$/,
  otherSessions: /^\d{1,3}$/,
  permitted: /^(?:true|false)$/,
  post_logout_redirect_uri: /^https?:\/\/[a-z0-9.:-]{1,60}\/[a-z-]{0,30}$/,
  prompt: word,
  reason: word,
  reauth: /^(?:[01]|true)$/,
  redirect_uri: /^https?:\/\/[a-z0-9.:-]{1,60}\/auth\/callback$/,
  redirectTo: /^\/[a-z-]{0,30}$/,
  reference,
  response_type: scopes,
  returnTo: /^\/(?:[a-z]{1,12}(?:\/\d{1,2})?)?$/,
  role: /^(?:select|change)$/,
  scope: scopes,
  serverTime: instant,
  signedInAt: instant,
  status: /^(?:[a-z]{1,12}|\d{3})$/,
  title: words,
  token_type: /^[A-Za-z]{1,10}$/,
  type: urn,
  use: /^(?:sig|enc)$/,
  warnAt: instant,
};

/** Our own failure codes. An authorisation code has the same name and is none of these. */
const ownCodes = new Set([
  ...['access_denied', 'assurance_insufficient', 'csrf_rejected', 'internal_error', 'invalid_request'],
  ...['keys_unavailable', 'login_expired', 'method_not_allowed', 'not_found', 'payload_too_large'],
  ...['provider_error', 'provider_logout', 'provider_unavailable', 'rate_limited', 'response_invalid'],
  ...['role_not_permitted', 'role_required', 'session_changed', 'session_ended', 'session_required'],
  ...[
    'step_up_required',
    'store_unavailable',
    'unsupported_media_type',
    'upstream_invalid',
    'upstream_timeout',
  ],
]);

/** Names that are shown though their values never are, nor anything inside them that is not known itself. */
const namedOnly = new Set([
  ...['access_token', 'activityCodes', 'assurance', 'at_hash', 'aud', 'auth_time', 'azp', 'client_assertion'],
  ...['client_secret', 'code', 'code_challenge', 'code_verifier', 'device', 'events', 'exp', 'expires'],
  ...['familyName', 'givenName', 'handle', 'iat', 'id_token', 'jti', 'keys', 'kid', 'logout_token', 'n'],
  ...['name', 'nbf', 'nonce', 'orgCode', 'orgName', 'refresh_token', 'roleCode', 'roleId', 'roleName'],
  ...['roles', 'selected_roleid', 'sessions', 'sid', 'state', 'sub', 'typ', 'uid', 'user', 'workgroupCodes'],
]);

const knownName = (name: string): boolean => Object.hasOwn(members, name) || namedOnly.has(name);

/** One value under its name. */
function cutValue(name: string, value: string): string {
  if (name === 'code' && ownCodes.has(value)) return value;
  if (jwtNames.has(name)) return describeJwt(value);
  const form = Object.hasOwn(members, name) ? members[name] : undefined;
  return form === undefined ? cut : shown(value, form);
}

const jwtNames = new Set(['client_assertion', 'id_token', 'logout_token']);
const jwtTimes = new Set(['exp', 'iat', 'nbf', 'auth_time']);
const jwtTypes = /^(?:JWT|logout\+jwt|at\+jwt)$/;

/** A JWT as its algorithm, its type and the names of its claims, with values where they are times, levels or issuers. */
export function describeJwt(token: string): string {
  const [header, claims] = token.split('.', 2).map(objectOf);
  if (header === undefined || claims === undefined) return cut;
  const typ = typeof header['typ'] === 'string' ? ` ${shown(header['typ'], jwtTypes)}` : '';
  const said = Object.entries(claims).map(([name, value]) => {
    if (!knownName(name)) return cut;
    if (jwtTimes.has(name) && typeof value === 'number')
      return `${name} ${shown(String(value), /^\d{1,10}$/)}`;
    const text = typeof value === 'string' ? cutValue(name, value) : cut;
    return text === cut ? name : `${name} ${text}`;
  });
  return `JWT alg ${typeof header['alg'] === 'string' ? cutValue('alg', header['alg']) : 'none given'}${typ}; claims: ${unique(said).join(', ')}`;
}

function objectOf(part: string): Record<string, unknown> | undefined {
  const value = parsed(Buffer.from(part, 'base64url').toString());
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** `name=value&…`, as in a query or a form. What is not known is one `[cut]`, however much of it there is. */
export function cutParameters(parameters: URLSearchParams): string {
  return unique(
    [...parameters].map(([name, value]) => (knownName(name) ? `${name}=${cutValue(name, value)}` : cut)),
  ).join('&');
}

const segments = new Set([
  ...['auth', 'login', 'callback', 'session', 'extend', 'role', 'sessions', 'logout', 'backchannel-logout'],
  ...['jwks.json', 'api', 'pds', 'Patient', 'sign-in-error', 'signed-out', 'assets', 'index.html', 'ward'],
  ...['openam', 'oauth2', 'realms', 'root', 'NHSIdentity', 'Healthcare', '.well-known'],
  ...[
    'openid-configuration',
    'connect',
    'jwk_uri',
    'access_token',
    'userinfo',
    'authorize',
    'endSession',
    '',
  ],
]);

/** Path and query of a request target, or a whole address. Path segments that are no part of a known path are cut. */
export function cutTarget(target: string): string {
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const [, origin = '', rest = ''] = /^(https?:\/\/[a-z0-9.:-]{1,60}(?=\/|$))?(.*)$/s.exec(path) ?? [];
  const known = rest.split('/').map((segment) => (segments.has(segment) ? segment : cut));
  const query = at < 0 ? '' : `?${cutParameters(new URLSearchParams(target.slice(at + 1)))}`;
  return `${origin}${known.join('/')}${query}`;
}

const printable = /^[\x20-\x7e]*$/;
const shortHeader = /^[\x20-\x7e]{0,80}$/;

/** Header fields that are shown: name → the form of a value that may be. Others are not even counted by name. */
const headerForms: Readonly<Record<string, RegExp>> = {
  accept: shortHeader,
  'access-control-request-headers': shortHeader,
  'access-control-request-method': shortHeader,
  allow: /^[A-Z, ]{1,60}$/,
  'cache-control': shortHeader,
  'content-security-policy': printable,
  'content-type': shortHeader,
  'cross-origin-opener-policy': shortHeader,
  'cross-origin-resource-policy': shortHeader,
  origin: /^(?:null|https?:\/\/[a-z0-9.:-]{1,60})$/,
  'permissions-policy': printable,
  'referrer-policy': shortHeader,
  'retry-after': /^\d{1,6}$/,
  'sec-fetch-dest': word,
  'sec-fetch-mode': /^[a-z-]{1,16}$/,
  'sec-fetch-site': /^[a-z-]{1,16}$/,
  'strict-transport-security': shortHeader,
  'x-content-type-options': shortHeader,
  'x-csrf': /^[01]$/,
  'x-request-id': reference,
};

const cookieNames = new Set(['__Host-Http-session', '__Host-Http-sign-in']);
const cookieAttribute = /^(?:Secure|HttpOnly|Path=\/|SameSite=(?:Strict|Lax|None)|Max-Age=\d{1,10})$/;

const cookieName = (pair: string): string => {
  const name = pair.split('=', 1)[0]?.trim() ?? '';
  return cookieNames.has(name) ? `${name}=${cut}` : cut;
};

/** One header field, as `name: value`; undefined for one that is not shown. */
export function cutHeader(name: string, value: string): string | undefined {
  const field = name.toLowerCase();
  switch (field) {
    case 'cookie':
      return `cookie: ${value.split(';').map(cookieName).join('; ')}`;
    case 'set-cookie': {
      const [pair = '', ...attributes] = value.split(';').map((part) => part.trim());
      const gone = /=$/.test(pair) && cookieName(pair) !== cut ? pair : cookieName(pair);
      const said = attributes.map((attribute) => (cookieAttribute.test(attribute) ? attribute : cut));
      return `set-cookie: ${[gone, ...said].join('; ')}`;
    }
    case 'authorization':
      return `authorization: ${/^(?:Bearer|Basic|DPoP)(?= )/.exec(value)?.[0] ?? ''} ${cut}`.replace(
        ':  ',
        ': ',
      );
    case 'location':
      return `location: ${cutTarget(value)}`;
    case 'x-session':
      return `x-session: ${cut}`;
    default: {
      const form = Object.hasOwn(headerForms, field) ? headerForms[field] : undefined;
      return form === undefined ? undefined : `${field}: ${shown(value, form)}`;
    }
  }
}

const maxBody = 65_536;
const maxList = 3;

/** A body of this content type. What is neither JSON nor a form is shown by its size alone. */
export function cutBody(contentType: string, body: string): string {
  if (body === '') return '';
  const size = `${cut} ${String(Buffer.byteLength(body))} bytes`;
  if (body.length > maxBody) return size;
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType))
    return cutParameters(new URLSearchParams(body));
  if (!/^application\/(?:[a-z-]+\+)?json\b/i.test(contentType)) return size;
  const value = parsed(body);
  return typeof value === 'object' && value !== null ? JSON.stringify(cutJson('', value)) : size;
}

function cutJson(name: string, value: unknown): unknown {
  if (value === null) return null;
  if (Array.isArray(value)) {
    const some = value.slice(0, maxList).map((item: unknown) => cutJson(name, item));
    return value.length > maxList ? [...some, cut] : some;
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([member, inner]): [string, unknown] =>
      knownName(member) ? [member, cutJson(member, inner)] : [cut, cut],
    );
    return Object.fromEntries(entries);
  }
  if (typeof value === 'string') return cutValue(name, value);
  return cutValue(name, JSON.stringify(value)) === cut ? cut : value;
}
