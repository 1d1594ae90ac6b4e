/**
 * The routes of the BFF. The infrastructure makes the routes of the gateway from it, each function must wire exactly the
 * routes under its name, and the guards of a route are part of its entry, so that no route lacks them.
 */

/** What a request on this route must prove before its handler sees it. */
export type Access =
  /** A navigation or a call by another server: no checks. */
  | 'public'
  /** A `fetch` by our own page: `X-CSRF`, `Origin`, `Sec-Fetch-Site` and the content type are checked. */
  | 'same-origin';

export interface Route {
  readonly access: Access;
  /** The content type a body must have. A route without a body still refuses the types that a form can send. */
  readonly body: 'application/json' | 'application/x-www-form-urlencoded';
}

const navigation = { access: 'public', body: 'application/json' } as const;
const apiCall = { access: 'same-origin', body: 'application/json' } as const;

/** Function name → `METHOD /path` (`{name}` stands for one segment of any value) → what the route asks for. */
export const routes = {
  login: { 'GET /auth/login': navigation },
  // A function of its own: a flood of forged callbacks takes no instance of login's.
  callback: { 'GET /auth/callback': navigation },
  session: {
    'GET /auth/session': apiCall,
    'GET /auth/session/draft-key': apiCall,
    'POST /auth/session/extend': apiCall,
    'PUT /auth/session/role': apiCall,
    'GET /auth/sessions': apiCall,
    'DELETE /auth/sessions/{handle}': apiCall,
    'POST /auth/logout': apiCall,
  },
  'backchannel-logout': {
    'POST /auth/backchannel-logout': { access: 'public', body: 'application/x-www-form-urlencoded' },
  },
  jwks: {
    'GET /auth/jwks.json': navigation,
    'GET /auth/jwks/api-platform.json': navigation,
  },
} as const satisfies Record<string, Record<`${string} /${string}`, Route>>;

export type HttpFunctionName = keyof typeof routes;
export type RouteKey<Name extends HttpFunctionName> = keyof (typeof routes)[Name] & string;

/** All paths under these prefixes belong to the BFF; the rest of the origin belongs to the SPA. */
export const bffPrefixes = ['/auth', '/api'] as const;

/** Where a page listens for the end of its session, by WebSocket; only where a deployment asks for it. */
export const eventsPath = '/auth/events';

/** The header that the edge sets, replacing a value of the caller. */
export const edgeHeader = 'x-cis2-bff-edge';

/**
 * Whether a path is one of ours after decoding and normalisation at any server on the way: escaped any number of times, with
 * dot segments, backslashes, empty segments, or characters that a URL parser drops. Case-sensitive, as at the edge.
 *
 * @param path - without query and fragment
 */
export function isBffPath(path: string): boolean {
  const segments: string[] = [];
  // eslint-disable-next-line no-control-regex -- a URL parser drops them
  for (const segment of path.replace(/[\0-\x1f\x7f]/g, '').split(/[/\\]/)) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  // An escaped `?` or `#` ends the path once it is decoded.
  const first = `/${segments[0]?.split(/[?#]/, 1)[0]?.trim() ?? ''}`;
  if (bffPrefixes.some((prefix) => prefix === first)) return true;
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  );
  return decoded !== path && isBffPath(decoded);
}
