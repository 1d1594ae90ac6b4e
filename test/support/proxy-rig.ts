/**
 * The whole product before an API platform and an upstream of the test's own: real bundles, real signatures, real HTTP.
 */
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { SignJWT } from 'jose';
import { apiKey, TokenPlatform } from '../unit/api-tokens-platform.ts';
import { RecordingUpstream } from '../unit/api-rig.ts';
import { AwsProxy } from './aws.ts';
import { Bff, type BffOptions } from './bff.ts';
import { Browser, sessionCookie, type SessionJson } from './browser.ts';
import { sharedKeys } from './key-pool.ts';
import { oneRole, Provider } from './provider.ts';
import { clientId, type Rig } from './rig.ts';
import { partitionOf, Tables, type Item } from './table.ts';

export const apiSecret = 'the-application-secret';
export const patientPath = '/api/pds/Patient/9000000009';
export const roleIds = [oneRole.person_roleid, '900000000702'] as const;

export interface ProxyRig extends Rig {
  readonly platform: TokenPlatform;
  readonly upstream: RecordingUpstream;
  readonly store: AwsProxy;
  readonly tables: Tables;
  /** Somebody who is signed in and works in the one role that they have. */
  signedIn(): Promise<Browser>;
  /** The item of a browser's session that everything is decided by. */
  core(browser: Browser): Promise<Item>;
  /** Writes a session as it would be had this happened so many seconds earlier. */
  age(browser: Browser, name: 'signedInAt' | 'lastActiveAt' | 'callsSince', seconds: number): Promise<void>;
}

/** What the platform takes for an ID token of CIS2's is one that this provider has made. */
export const connect = (provider: Provider, platform: TokenPlatform): void => {
  provider.idToken = async (claims, key) => {
    const token = await new SignJWT(claims)
      .setProtectedHeader({ typ: 'JWT', kid: key.kid, alg: 'RS256' })
      .sign(key.privateKey);
    platform.idTokens.set(token, String(claims.sub));
    return token;
  };
};

interface Parts {
  readonly provider: Provider;
  readonly platform: TokenPlatform;
  readonly upstream: RecordingUpstream;
  readonly store: AwsProxy;
  readonly tables: Tables;
  readonly bff: Bff;
}

async function start(settings?: Record<string, string>): Promise<Parts> {
  const [provider, platform, upstream, store] = await Promise.all([
    Provider.start(sharedKeys.providerBehindProxy),
    TokenPlatform.start(),
    new RecordingUpstream().start(),
    AwsProxy.dynamoDb(),
  ]);
  // None of them holds up the end of the tests.
  for (const server of [provider, platform, upstream, store]) server.unref();
  connect(provider, platform);
  const given: BffOptions = {
    issuer: provider.issuer,
    'client-id': clientId,
    'token-exchange-url': platform.tokenUrl,
    'api-key': apiKey,
    'api-secret': apiSecret,
    upstream: `pds=${upstream.base}`,
    'dynamodb-endpoint': store.url,
  };
  const bff = await Bff.start(given, settings);
  bff.unref();
  platform.keySetUrl = `${bff.baseUrl}/auth/jwks.json`;
  return { provider, platform, upstream, store, bff, tables: await Tables.at(store.url) };
}

function reset({ provider, platform, upstream, store }: Parts): void {
  provider.behave();
  connect(provider, platform);
  platform.reset();
  upstream.reset();
  store.reset();
}

let shared: Promise<Parts> | undefined;

/** The product that `useProxyRig` shares, for a file that needs it before its tests begin. Call it at the top of the file. */
export async function startWithSharedStore(): Promise<Parts> {
  const parts = await (shared ??= start());
  reset(parts);
  afterEach(() => {
    reset(parts);
  });
  return parts;
}

/**
 * One for all test files that a worker runs, as `useSharedRig`, and with the same rules; of the caller's own where it gives settings.
 * Call it once in a file, or in a `describe`. Everybody behaves again after each test.
 */
export function useProxyRig(settings?: Record<string, string>): ProxyRig {
  let there: Parts | undefined;
  const rig = (): Parts => {
    if (there === undefined) throw new Error('the rig is there while tests run, not before');
    return there;
  };

  beforeAll(async () => {
    there = await (settings === undefined ? (shared ??= start()) : start(settings));
    reset(there);
  });
  afterEach(() => {
    reset(rig());
  });
  afterAll(async () => {
    if (there === undefined || settings === undefined) return;
    const { provider, platform, upstream, store, tables, bff } = there;
    tables.close();
    await bff.stop();
    upstream.close();
    await Promise.all([provider.close(), platform.stop(), store.close()]);
  });

  const core = async (browser: Browser): Promise<Item> => {
    const item = await rig().tables.item(partitionOf(browser.cookies.get(sessionCookie)), 'core');
    if (item === undefined) throw new Error('no such session');
    return item;
  };
  return {
    get provider() {
      return rig().provider;
    },
    get platform() {
      return rig().platform;
    },
    get upstream() {
      return rig().upstream;
    },
    get store() {
      return rig().store;
    },
    get tables() {
      return rig().tables;
    },
    get bff() {
      return rig().bff;
    },
    browser: () => new Browser(rig().bff.baseUrl),
    async signedIn() {
      const { provider, bff } = rig();
      const browser = new Browser(bff.baseUrl);
      const response = await browser.signIn(provider);
      if (response.status !== 303 || !browser.cookies.has(sessionCookie)) {
        throw new Error(`no sign-in: ${response.headers.get('location') ?? String(response.status)}`);
      }
      return browser;
    },
    core,
    async age(browser, name, seconds) {
      const item = await core(browser);
      await rig().tables.put({ ...item, [name]: { N: String(Number(item[name]?.N) - seconds) } });
    },
  };
}

/** A user who has these two roles, and has chosen none. */
export const twoRoles = {
  nhsid_nrbac_roles: roleIds.map((person_roleid) => ({ ...oneRole, person_roleid })),
};

export const chooseRole = (browser: Browser, roleId: string): Promise<Response> =>
  browser.api('/auth/session/role', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ roleId }),
  });

export const patchPatient = (
  browser: Browser,
  headers: Record<string, string> = {},
  body: string | Uint8Array<ArrayBuffer> = '[{"op":"replace","path":"/gender","value":"other"}]',
): Promise<Response> =>
  browser.api(patientPath, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json-patch+json', 'if-match': 'W/"2"', ...headers },
    body,
  });

/** The session without `serverTime`. */
export async function sessionOf(browser: Browser): Promise<Omit<SessionJson, 'serverTime'>> {
  const session: Partial<SessionJson> & SessionJson = await browser.session();
  const { serverTime, ...rest } = session;
  if (session.status === 'active' && serverTime === '') throw new Error('no time was given');
  return rest;
}
