import { knownError } from '../cis2/index.ts';
import { isObject, parseJson, readBounded, TooLarge, type JsonObject } from '../common/index.ts';
import type { PublishedSet } from '../keys/index.ts';

export interface CanaryDependencies {
  readonly baseUrl: string;
  readonly issuer: string;
  readonly clientId: string;
  /** The paths of the key sets, and the published set of each. */
  readonly keySets: readonly { readonly path: string; readonly load: () => Promise<PublishedSet> }[];
  readonly fetch: typeof globalThis.fetch;
}

/** The failed checks, in our words. Never any data that was received. */
class CanaryFailed extends Error {
  override readonly name = 'CanaryFailed';
}

/** The firewall refuses requests without a user agent. */
const headers = { 'user-agent': 'cis2-bff-canary' };
const maxRequestMs = 10_000;
const maxBodyBytes = 64 * 1024;

/**
 * Checks from outside what a sign-in needs: a login leads to CIS2, which responds; the served keys are the published ones; and
 * a request without a session is anonymous. It does not sign in.
 *
 * @throws CanaryFailed naming every check that failed
 */
export function canary(dependencies: CanaryDependencies) {
  const checks: Readonly<Record<string, () => Promise<void>>> = {
    login: () => checkLogin(dependencies),
    ...Object.fromEntries(
      dependencies.keySets.map((set) => [set.path, () => checkKeySet(dependencies, set)]),
    ),
    session: () => checkSession(dependencies),
  };
  return async (): Promise<void> => {
    const failed: string[] = [];
    for (const [name, check] of Object.entries(checks)) {
      const reason = await check().then(
        () => undefined,
        (error: unknown) => (error instanceof CanaryFailed ? error.message : 'no usable answer'),
      );
      if (reason !== undefined) failed.push(`${name}: ${reason}`);
    }
    if (failed.length > 0) throw new CanaryFailed(failed.join('; '));
  };
}

const get = (
  { fetch }: CanaryDependencies,
  url: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url, {
    redirect: 'manual',
    headers: { ...headers, ...more },
    signal: AbortSignal.timeout(maxRequestMs),
  });

/** Reads the body of a response with status 200. A body that is not read is cancelled, which frees its connection. */
async function readJson(response: Response, whose = ''): Promise<JsonObject> {
  const { status, body } = response;
  if (status !== 200) {
    await body?.cancel();
    throw new CanaryFailed(`${whose}answered ${String(status)}`);
  }
  const bytes = await readBounded(body ?? new Blob([]).stream(), maxBodyBytes).catch((error: unknown) => {
    throw error instanceof TooLarge ? new CanaryFailed(`${whose}answered too much`) : error;
  });
  const value = parseJson(bytes.toString());
  if (!isObject(value)) throw new CanaryFailed(`${whose}answered no JSON object`);
  return value;
}

async function checkLogin(dependencies: CanaryDependencies): Promise<void> {
  const { baseUrl, issuer, clientId } = dependencies;
  const login = await get(dependencies, `${baseUrl}/auth/login`);
  await login.body?.cancel();
  if (login.status !== 302) throw new CanaryFailed(`answered ${String(login.status)}`);
  const location = login.headers.get('location') ?? '';
  if (!URL.canParse(location)) throw new CanaryFailed('leads nowhere');

  const discovery = await get(dependencies, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { authorization_endpoint: endpoint } = await readJson(discovery, 'CIS2’s metadata: ');
  const target = new URL(location);
  const intended = new URL(String(endpoint));
  if (target.origin !== intended.origin || target.pathname !== intended.pathname) {
    throw new CanaryFailed('leads to another place than CIS2’s authorization endpoint');
  }
  const expected: Readonly<Record<string, string>> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: `${baseUrl}/auth/callback`,
    code_challenge_method: 'S256',
  };
  const wrong = [
    ...Object.keys(expected).filter((name) => target.searchParams.get(name) !== expected[name]),
    ...['state', 'nonce', 'code_challenge'].filter((name) => (target.searchParams.get(name) ?? '') === ''),
  ];
  if (wrong.length > 0) throw new CanaryFailed(`wrong or missing: ${wrong.join(', ')}`);

  const signInPage = await get(dependencies, location);
  await signInPage.body?.cancel();
  if (signInPage.status >= 400) throw new CanaryFailed(`CIS2 answered ${String(signInPage.status)}`);
  // CIS2 redirects back at once if it refuses the request of a known client.
  const next = signInPage.headers.get('location') ?? '';
  if (!URL.canParse(next, location)) return;
  const { origin, pathname, searchParams } = new URL(next, location);
  if (origin + pathname !== expected['redirect_uri']) return;
  throw new CanaryFailed(
    `CIS2 refuses the authorization request: error ${knownError(searchParams.get('error') ?? '')}`,
  );
}

async function checkKeySet(
  dependencies: CanaryDependencies,
  { path, load }: CanaryDependencies['keySets'][number],
): Promise<void> {
  const served = await get(dependencies, `${dependencies.baseUrl}${path}`);
  const { keys } = await readJson(served);
  const kids = Array.isArray(keys) ? keys.map((key) => String((key as { kid?: unknown } | null)?.kid)) : [];
  const published = (await load()).keys.map(({ kid }) => kid);
  if (kids.toSorted().join() !== published.toSorted().join()) {
    throw new CanaryFailed('the served keys are not the published ones');
  }
}

async function checkSession(dependencies: CanaryDependencies): Promise<void> {
  const session = await get(dependencies, `${dependencies.baseUrl}/auth/session`, { 'x-csrf': '1' });
  if ((await readJson(session))['status'] !== 'anonymous') throw new CanaryFailed('is not anonymous');
  if (session.headers.has('set-cookie')) throw new CanaryFailed('sets a cookie');
}
