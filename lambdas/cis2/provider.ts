/** The metadata of CIS2, found by the issuer, and its keys. Both are cached, and used for longer when CIS2 is unavailable. */
import * as oauth from 'oauth4webapi';
import { createCache, isObject, withoutNulls, type Clock, type EpochSeconds } from '../common/index.ts';
import { isLoopback } from '../settings/index.ts';
import type { Claims } from './claims.ts';
import { ProviderUnavailable } from './errors.ts';
import { providerFetch, type ProviderCall } from './transport.ts';

export type ProviderMetadata = oauth.AuthorizationServer & Readonly<Record<Endpoint, string>>;

type Endpoint = 'authorization_endpoint' | 'token_endpoint' | 'userinfo_endpoint' | 'jwks_uri';

export interface Jwks extends oauth.JWKS {
  readonly keys: oauth.JWK[];
}

export interface ProviderOptions {
  readonly issuer: string;
  readonly clock: Clock;
  /** Called when CIS2's metadata or keys could not be read again and the old ones are used. */
  readonly onStale: (document: 'metadata' | 'keys', ageSeconds: number) => void;
  /** Called after every call to CIS2. */
  readonly onCall?: (call: ProviderCall) => void;
}

/** CIS2 asks that its metadata be read at run time and cached for about an hour. */
const metadataFreshSeconds = 3_600;
const keysFreshSeconds = 900;
/** When CIS2 is unavailable, the cached documents are used for this long; then none. */
const maxAgeSeconds = 86_400;
const minRefetchSeconds = 60;

export type Provider = ReturnType<typeof createProvider>;

export function createProvider(options: ProviderOptions) {
  const { issuer, clock } = options;
  const fetchWithin = (signal: AbortSignal) => providerFetch(signal, undefined, options.onCall);
  const issuerUrl = new URL(issuer);
  const insecure = issuerUrl.protocol === 'http:' && isLoopback(issuerUrl);

  const endpoint = (metadata: oauth.AuthorizationServer, name: Endpoint): string => {
    const value: unknown = metadata[name];
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
    if (url?.protocol !== 'https:' && !(insecure && url?.protocol === 'http:' && isLoopback(url))) {
      throw new ProviderUnavailable(`${name} in the metadata is missing or not https`);
    }
    // Unchanged: the audience of a client assertion is the token endpoint, byte for byte.
    return value as string;
  };

  const readMetadata = async (signal: AbortSignal): Promise<ProviderMetadata> => {
    const found = await readDocument(async () =>
      oauth.processDiscoveryResponse(
        issuerUrl,
        await oauth.discoveryRequest(issuerUrl, {
          [oauth.customFetch]: fetchWithin(signal),
          // eslint-disable-next-line @typescript-eslint/no-deprecated -- only ever true for a loopback issuer
          [oauth.allowInsecureRequests]: insecure,
        }),
      ),
    );
    // The library compares as URLs and ignores `:443`; in tokens it is part of the issuer.
    if (found.issuer !== issuer) throw new ProviderUnavailable('the metadata is another issuer’s');
    const methods: unknown = found.code_challenge_methods_supported;
    if (methods !== undefined && !(Array.isArray(methods) && methods.includes('S256'))) {
      throw new ProviderUnavailable('the metadata rules PKCE with S256 out');
    }
    return {
      ...found,
      authorization_endpoint: endpoint(found, 'authorization_endpoint'),
      token_endpoint: endpoint(found, 'token_endpoint'),
      userinfo_endpoint: endpoint(found, 'userinfo_endpoint'),
      jwks_uri: endpoint(found, 'jwks_uri'),
    };
  };

  const metadata = createCache({
    clock,
    read: readMetadata,
    cacheSeconds: metadataFreshSeconds,
    maxAgeSeconds,
    onStale: (_, age) => options.onStale('metadata', age),
  });

  const readKeys = async (signal: AbortSignal): Promise<Jwks> => {
    const { jwks_uri: url } = await metadata.get(signal);
    const { status, body } = await readDocument(async () => {
      const response = await fetchWithin(signal)(url, { headers: { accept: 'application/json' } });
      return { status: response.status, body: await response.json() };
    });
    const listed = isObject(body) && Array.isArray(body['keys']) ? (body['keys'] as unknown[]) : [];
    // Invalid entries are skipped.
    const keys = listed.filter(isObject).map(withoutNulls).filter(isKey);
    if (status !== 200 || keys.length === 0)
      throw new ProviderUnavailable('the provider’s key set is malformed');
    return { keys };
  };

  const keys = createCache({
    clock,
    read: readKeys,
    cacheSeconds: keysFreshSeconds,
    maxAgeSeconds,
    onStale: (_, age) => options.onStale('keys', age),
  });

  let failedRefetchAt: EpochSeconds | undefined;
  return {
    /** Whether requests to this provider may be without TLS. */
    insecure,

    /** @throws ProviderUnavailable */
    metadata: (signal: AbortSignal) => metadata.get(signal),

    /** @throws ProviderUnavailable */
    keys: (signal: AbortSignal) => keys.get(signal),

    /**
     * Fetches the keys again, because a token names an unknown one; undefined when that failed less than a minute ago, so that
     * a flood of unknown names causes no calls to CIS2.
     *
     * @throws ProviderUnavailable when they cannot be read
     */
    refetchKeys: async (signal: AbortSignal): Promise<Jwks | undefined> =>
      failedRefetchAt !== undefined && clock() < failedRefetchAt + minRefetchSeconds
        ? undefined
        : keys.refresh(signal),

    /** The refetched keys lack the key too: no refetch for a minute. */
    limitRefetches: () => {
      failedRefetchAt = clock();
    },
  };
}

const isKey = (key: Claims): key is Claims & oauth.JWK => typeof key['kty'] === 'string';

/** An invalid document counts as unavailable. */
async function readDocument<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof ProviderUnavailable) throw cause;
    throw new ProviderUnavailable('a document of the provider’s cannot be used', { cause });
  }
}
