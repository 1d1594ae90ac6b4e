/** Rules for addresses: our own, CIS2's, and those of services that get users' tokens. */
import { isObject, parseJson } from '../common/json.ts';
import { isBffPath } from '../routes.ts';
import { refuse, plainText, type Rule } from './rule.ts';

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether the address is of this machine. */
export const isLoopback = (url: URL): boolean => loopbackHosts.has(url.hostname);

const secureUrl = (value: string): URL => {
  const url = URL.canParse(value) ? new URL(value) : refuse('an absolute URL', value);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    refuse('an https URL (http only for a loopback address)', value);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    refuse('a URL without credentials, query or fragment', value);
  }
  return url;
};

/** An origin, without a trailing slash. */
export const origin: Rule<string> = (value) =>
  secureUrl(value).origin === value ? value : refuse('an origin such as https://app.example.nhs.uk', value);

/** False for text that a URL parser would change: spaces, backslashes, an empty query. */
const isPlainUrl = (value: string): boolean =>
  /^https?:\/\/[\x21-\x7e]+$/.test(value) && !/[?#@\\]/.test(value);

/** A URL that is kept unchanged, where the output of a URL parser would differ. */
const plainUrl =
  (rule: string): Rule<string> =>
  (value) => {
    secureUrl(value);
    return isPlainUrl(value) ? value : refuse(`${rule}, character for character`, value);
  };

/** CIS2's issuer: its `:443` is part of the issuer in tokens. */
export const issuer = plainUrl('an issuer such as https://am.example.nhs.uk:443/realm');

/** A page of the app. One of our own routes would cause a redirect loop. */
export const path: Rule<string> = (value) =>
  /^\/(?!\/)[A-Za-z0-9/_.-]*$/.test(value) && !isBffPath(value)
    ? value
    : refuse('a plain path such as /signed-out, and not under /auth or /api', value);

/** CIS2's end-session endpoint, or `off`. */
export const endSessionUrl: Rule<string> = (value) =>
  value === 'off' ? value : plainUrl('off, or a plain URL')(value);

/** Lambda gives a function 4 KB for all its settings together. */
const maxUpstreams = 1_000;

/** Where a service that gets users' tokens is: its host, and a path where it has one, without a slash at its end. */
const serviceUrl = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || !isPlainUrl(value) || !URL.canParse(value)) return undefined;
  const { protocol, hostname, origin, pathname } = new URL(value);
  const local = loopbackHosts.has(hostname);
  // A numeric address would bypass the check of resolved addresses.
  if (!local && (protocol !== 'https:' || /^[\d.]+$|^\[/.test(hostname))) return undefined;
  const path = pathname.replace(/\/$/, '');
  // Compared with the original text, except for the case of the host and a default port.
  const written = /^https?:\/\/[^/]+(\/.*)?$/.exec(value)?.[1]?.replace(/\/$/, '') ?? '';
  return /^(?:\/[A-Za-z0-9._~-]+)*$/.test(path) && path === written ? origin + path : undefined;
};

/** JSON: an upstream's name in the route manifest → its base URL. An upstream without an entry does not exist. */
export const upstreams: Rule<Readonly<Record<string, string>>> = (value) => {
  const rule =
    'upstreams as a JSON object: name to an https URL of a host name (http only for loopback), plain';
  if (value.length > maxUpstreams) refuse(rule, `${value.slice(0, 40)}…`);
  const parsed = parseJson(plainText(value));
  if (!isObject(parsed)) return refuse(rule, value);
  return Object.fromEntries(
    Object.entries(parsed).map(([name, url]) => [
      /^[a-z][a-z0-9-]*$/.test(name) ? name : refuse(rule, value),
      serviceUrl(url) ??
        refuse(`a plain https URL of a host name (http only for loopback) for ${name}`, String(url)),
    ]),
  );
};

/**
 * The API platform's token endpoint, kept as the very string that was configured: it is the audience of our assertions,
 * and the platform compares it as text.
 */
export const tokenUrl: Rule<string> = (value) =>
  serviceUrl(value) !== undefined
    ? value
    : refuse(
        'an https URL of a host name (http only for loopback) such as https://api.example.nhs.uk/oauth2/token',
        value,
      );
