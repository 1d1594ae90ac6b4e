import { randomUUID, type webcrypto } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { createAuthorisation } from '../../lambdas/cis2/authorisation-request.ts';
import { ProviderUnavailable, SignInRefused } from '../../lambdas/cis2/errors.ts';
import { createProvider } from '../../lambdas/cis2/provider.ts';
import {
  createRelyingParty,
  type RelyingPartyOptions,
  type SignIn,
} from '../../lambdas/cis2/relying-party.ts';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { assertionSigner } from '../../lambdas/keys/signer.ts';
import { playHttps } from '../support/played-host.ts';
import { Provider, providerKey, subject, type Endpoint, type ProviderKey } from '../support/provider.ts';

let provider: Provider;
let key: ProviderKey;
let ours: webcrypto.CryptoKeyPair;
let now: number;
let stale: [document: string, age: number][];
const clock = () => now as EpochSeconds;
const signal = () => AbortSignal.timeout(5_000);
const onStale = (document: string, age: number) => stale.push([document, age]);

beforeAll(async () => {
  provider = await Provider.start();
  key = provider.signing;
  ours = await crypto.subtle.generateKey(
    {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-512',
    },
    false,
    ['sign', 'verify'],
  );
});
beforeEach(() => {
  now = Math.floor(Date.now() / 1000);
  stale = [];
  provider.requests.length = 0;
  provider.claims = () => ({ iat: now, auth_time: now - 1 });
});
afterEach(() => {
  provider.behave();
  provider.signing = key;
  provider.published = [key.publicJwk];
});
afterAll(() => provider.close());

const asked = (endpoint: Endpoint) => provider.asked(endpoint).length;
const away = (...endpoints: Endpoint[]) => {
  for (const endpoint of endpoints) provider.faults.set(endpoint, { kind: 'status', status: 503 });
};

describe.each([
  ['metadata', 'discovery', 3_600],
  ['keys', 'jwks', 900],
] as const)('what is known of CIS2: its %s', (document, endpoint, fresh) => {
  const know = async () => {
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    await known.metadata(signal());
    const read = () => known[document](signal());
    await read();
    provider.requests.length = 0;
    return read;
  };

  test('is read once and cached while it is fresh, to the second [S-09]', async () => {
    const read = await know();
    now += fresh - 1;
    await read();
    expect(asked(endpoint)).toBe(0);
    now += 1;
    await read();
    expect(asked(endpoint)).toBe(1);
    now += fresh - 1;
    await read();
    expect(asked(endpoint)).toBe(1);
  });

  test('is read once for many who ask at the same time', async () => {
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    await Promise.all(Array.from({ length: 20 }, () => known[document](signal())));
    expect(asked(endpoint)).toBe(1);
  });

  test('serves for a day when CIS2 is away, asked for again every thirty seconds and not more often', async () => {
    const read = await know();
    const before = await read();
    away('discovery', 'jwks');
    now += fresh;
    expect(await read()).toEqual(before);
    expect(asked(endpoint)).toBe(1);
    expect(stale.filter(([which]) => which === document)).toEqual([[document, fresh]]);
    for (const [later, tries] of [
      [1, 1],
      [28, 1],
      [1, 2],
      [29, 2],
      [1, 3],
    ] as const) {
      now += later;
      expect(await read()).toEqual(before);
      expect(asked(endpoint)).toBe(tries);
    }
  });

  test('is taken anew as soon as CIS2 is back', async () => {
    const read = await know();
    away(endpoint);
    now += fresh;
    await read();
    provider.behave();
    now += 30;
    await read();
    expect(asked(endpoint)).toBe(2);
    now += fresh - 1;
    await read();
    expect(asked(endpoint)).toBe(2);
  });

  test('is no longer used a day after it was read, however often it was tried since', async () => {
    const read = await know();
    away('discovery', 'jwks');
    const last = now + 86_399;
    for (now += fresh; now < last - 20_000; now += 20_000) await read();
    now = last;
    await read();
    now += 1;
    await expect(read()).rejects.toThrow(ProviderUnavailable);
    provider.behave();
    await read();
  });

  test.each([
    ['status 500', { kind: 'status', status: 500 }],
    ['status 429', { kind: 'status', status: 429 }],
    ['status 404', { kind: 'status', status: 404 }],
    ['a redirect', { kind: 'status', status: 302 }],
    ['HTML', { kind: 'html' }],
    ['a reset', { kind: 'reset' }],
    ['null', { kind: 'body', body: 'null' }],
    ['a list', { kind: 'body', body: '[]' }],
    ['an empty object', { kind: 'body', body: '{}' }],
    ['no JSON', { kind: 'body', body: '{' }],
    ['no keys', { kind: 'body', body: '{"keys":[]}' }],
    ['keys that are none', { kind: 'body', body: '{"keys":[null]}' }],
    ['too much', { kind: 'body', body: `{"keys":[{"kty":"${'x'.repeat(600_000)}"}]}` }],
  ] as const)('is unavailable when CIS2 responds with %s at first', async (_, fault) => {
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    if (document === 'keys') await known.metadata(signal());
    provider.faults.set(endpoint, fault);
    await expect(known[document](signal())).rejects.toThrow(ProviderUnavailable);
    provider.behave();
    await known[document](signal());
  });

  test('is unavailable when it does not come in the time there is', async () => {
    provider.faults.set(endpoint, { kind: 'hang' });
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    await expect(known[document](AbortSignal.timeout(100))).rejects.toThrow(ProviderUnavailable);
  });
});

describe('metadata', () => {
  test.each([
    ['another issuer', { issuer: 'http://127.0.0.1:1/other' }],
    ['no issuer', { issuer: undefined }],
    ['no token endpoint', { token_endpoint: undefined }],
    ['no authorisation endpoint', { authorization_endpoint: undefined }],
    ['no UserInfo endpoint', { userinfo_endpoint: undefined }],
    ['no JWKS', { jwks_uri: undefined }],
    ['a JWKS without TLS elsewhere', { jwks_uri: 'http://evil.example/jwks' }],
    ['a token endpoint without TLS elsewhere', { token_endpoint: 'http://evil.example/token' }],
    ['an endpoint that is no URL', { userinfo_endpoint: 'userinfo' }],
    ['an endpoint that is a list', { token_endpoint: ['https://am.example.nhs.uk/token'] }],
    ['an endpoint of another scheme', { authorization_endpoint: 'javascript:alert(1)' }],
    ['PKCE without S256', { code_challenge_methods_supported: ['plain'] }],
    ['PKCE methods that are no list', { code_challenge_methods_supported: 'S256' }],
  ])('with %s is refused', async (_, metadata) => {
    provider.metadata = metadata;
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    await expect(known.metadata(signal())).rejects.toThrow(ProviderUnavailable);
  });

  test('that goes wrong later does not take the place of what was right', async () => {
    const known = createProvider({ issuer: provider.issuer, clock, onStale });
    const before = await known.metadata(signal());
    provider.metadata = { issuer: 'http://127.0.0.1:1/other' };
    now += 3_600;
    expect(await known.metadata(signal())).toEqual(before);
    expect(stale).toEqual([['metadata', 3_600]]);
  });
});

/** Signs with our key, under this name. */
const signing = (kid: string) =>
  assertionSigner(
    kid,
    clock,
    async (bytes) => new Uint8Array(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', ours.privateKey, bytes)),
  );

/** What begins a sign-in and what ends it, which in the product are two functions. */
const partyFor = (issuer: string, changes: Partial<RelyingPartyOptions> = {}) => {
  const client = {
    issuer,
    clientId: 'rp.unit',
    redirectUri: 'https://app.example.nhs.uk/auth/callback',
    clock,
    onStale,
  };
  return {
    ...createAuthorisation({ ...client, scope: 'openid profile nationalrbacaccess' }),
    ...createRelyingParty({
      ...client,
      acceptedRoles: 'optional',
      signer: () => Promise.resolve(signing('our-key')),
      onIgnored: () => undefined,
      ...changes,
    }),
  };
};

/** A whole sign-in, from the request to what came of it. */
const signIn = async (
  party: ReturnType<typeof partyFor>,
  authorise: (location: string) => Record<string, string>,
  within = signal(),
): Promise<SignIn> => {
  const [state, nonce, codeVerifier] = [randomUUID(), randomUUID(), `${randomUUID()}${randomUUID()}`];
  const location = await party.authorisationRequest(
    { state, nonce, codeVerifier, acr: 'AAL3_ANY', freshness: 'login', role: undefined },
    signal(),
  );
  const accepted = await party.readResponse(
    {
      parameters: new URLSearchParams(authorise(location.href)),
      state,
      nonce,
      codeVerifier,
      assurance: { minimumAal: 3, minimumIal: 3 },
      authenticatedSince: undefined,
    },
    signal(),
  );
  return party.completeSignIn(accepted, within);
};
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'signed in',
    (error: unknown) => {
      if (error instanceof SignInRefused || error instanceof ProviderUnavailable) return error.code;
      throw error;
    },
  );

describe('a key that CIS2 signs with and we do not know [O-13]', () => {
  const authorise = (location: string) => provider.authorise(location);
  const warmParty = async () => {
    const party = partyFor(provider.issuer);
    await party.prepare(signal());
    provider.requests.length = 0;
    return party;
  };

  test('is asked for at once, and then known', async () => {
    const party = await warmParty();
    provider.signing = await providerKey();
    provider.published = [key.publicJwk, provider.signing.publicJwk];
    expect((await signIn(party, authorise)).subject).toBe(subject);
    expect(asked('jwks')).toBe(1);
    await signIn(party, authorise);
    expect(asked('jwks')).toBe(1);
  });

  test('that is not published is refused, and asked for once a minute', async () => {
    const party = await warmParty();
    provider.signing = await providerKey();
    for (const [later, times] of [
      [0, 1],
      [1, 1],
      [58, 1],
      [1, 2],
      [59, 2],
      [1, 3],
    ] as const) {
      now += later;
      expect(await refusal(signIn(party, authorise))).toBe('response_invalid');
      expect(asked('jwks')).toBe(times);
    }
  });

  test('is found a minute after it was asked for in vain', async () => {
    const party = await warmParty();
    const next = await providerKey();
    provider.signing = next;
    expect(await refusal(signIn(party, authorise))).toBe('response_invalid');
    provider.published = [next.publicJwk];
    now += 60;
    expect((await signIn(party, authorise)).subject).toBe(subject);
  });

  test('does not keep a known key from being used meanwhile', async () => {
    const party = await warmParty();
    provider.signing = await providerKey();
    expect(await refusal(signIn(party, authorise))).toBe('response_invalid');
    provider.signing = key;
    expect((await signIn(party, authorise)).subject).toBe(subject);
    expect(asked('jwks')).toBe(1);
  });

  test('under a name that we know, with a signature that is another key’s, is refused without asking', async () => {
    const party = await warmParty();
    const forged = await providerKey();
    provider.signing = { ...forged, kid: key.kid };
    expect(await refusal(signIn(party, authorise))).toBe('response_invalid');
    expect(asked('jwks')).toBe(0);
  });

  test('goes with keys that are withdrawn: they are not taken once they are no longer published', async () => {
    const party = await warmParty();
    const next = await providerKey();
    provider.published = [next.publicJwk];
    now += 900;
    expect(await refusal(signIn(party, authorise))).toBe('response_invalid');
    provider.signing = next;
    expect((await signIn(party, authorise)).subject).toBe(subject);
  });
});

describe('a signing key of ours that CIS2 refuses', () => {
  const authorise = (location: string) => provider.authorise(location);
  const invalidClient = { error_description: 'JWT is not valid', error: 'invalid_client' };
  const kidsSent = () =>
    provider.asked('token').map(({ form }) => decodeProtectedHeader(form['client_assertion'] ?? '').kid);
  const codesSent = () => new Set(provider.asked('token').map(({ form }) => form['code']));

  /** CIS2 refuses assertions by these keys. */
  const refuse = (
    kids: readonly string[],
    status = 401,
    body: string = JSON.stringify(invalidClient),
  ): void => {
    provider.during = (endpoint) => {
      if (endpoint === 'token') {
        provider.faults.delete('token');
        const kid = kidsSent().at(-1);
        if (kid !== undefined && kids.includes(kid))
          provider.faults.set('token', { kind: 'body', status, body });
      }
      return Promise.resolve();
    };
  };
  /** A party whose ring has moved: it gives `old` until told that this one was refused. */
  const moved = (refusedKids: (string | undefined)[], next = 'new') =>
    partyFor(provider.issuer, {
      signer: (refusedKid) => {
        refusedKids.push(refusedKid);
        return Promise.resolve(signing(refusedKid === 'old' ? next : 'old'));
      },
    });

  test.each([400, 401])(
    'with %d is read again, and the same code sent once more under the new one',
    async (status) => {
      const asks: (string | undefined)[] = [];
      refuse(['old'], status);
      expect((await signIn(moved(asks), authorise)).subject).toBe(subject);
      expect(asks).toEqual([undefined, 'old']);
      expect(kidsSent()).toEqual(['old', 'new']);
      expect(codesSent().size).toBe(1);
    },
  );

  test('is not used again when the ring has not moved', async () => {
    refuse(['old']);
    expect(await refusal(signIn(moved([], 'old'), authorise))).toBe('response_invalid');
    expect(kidsSent()).toEqual(['old']);
  });

  test('is not waited for when there is no time left', async () => {
    refuse(['old']);
    const slow = partyFor(provider.issuer, {
      signer: (refusedKid) =>
        refusedKid === undefined ? Promise.resolve(signing('old')) : new Promise(() => undefined),
    });
    expect(await refusal(signIn(slow, authorise, AbortSignal.timeout(300)))).toBe('response_invalid');
    expect(kidsSent()).toEqual(['old']);
  });

  test('is followed by one other and no more', async () => {
    refuse(['old', 'new']);
    expect(await refusal(signIn(moved([]), authorise))).toBe('response_invalid');
    expect(kidsSent()).toEqual(['old', 'new']);
  });

  test.each([
    ['the code', 400, '{"error":"invalid_grant"}'],
    ['something in HTML', 401, '<h1>invalid_client</h1>'],
    ['with a list', 401, '["invalid_client"]'],
    ['with null', 400, 'null'],
    ['with another status', 403, JSON.stringify(invalidClient)],
  ])('is not what was refused when CIS2 refuses %s: nothing is sent again', async (_, status, body) => {
    refuse(['old'], status, body);
    expect(await refusal(signIn(moved([]), authorise))).toBe('response_invalid');
    expect(kidsSent()).toEqual(['old']);
  });
});

describe('an issuer whose name carries its port, as CIS2’s does', () => {
  const host = 'https://am.example.nhs.uk:443';
  const issuer = `${host}/openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare`;
  const tokenEndpoint = `${issuer}/access_token`;
  let stopPlaying: () => Promise<void>;
  let metadata: Record<string, unknown>;
  let claims: Record<string, unknown>;
  let forms: URLSearchParams[];
  let urls: string[];
  let request: URLSearchParams;
  let life: Record<string, unknown>;

  /** Only the wire is played, keys and signatures are real. */
  const wire = async (url: string, body: string): Promise<Response> => {
    urls.push(url);
    const { origin, pathname } = new URL(url);
    if (origin !== 'https://am.example.nhs.uk') throw new Error(`asked ${origin}`);
    const path = pathname.slice(new URL(issuer).pathname.length);
    if (path === '/.well-known/openid-configuration') return Response.json(metadata);
    if (path === '/connect/jwk_uri') return Response.json({ keys: [key.publicJwk] });
    if (path === '/userinfo') return Response.json({ sub: subject, idassurancelevel: '3' });
    forms.push(new URLSearchParams(body));
    const idToken = await new SignJWT({
      ...{ iss: issuer, sub: subject, aud: 'rp.unit', exp: now + 3_600, iat: now, auth_time: now },
      ...{ nonce: request.get('nonce'), authentication_assurance_level: '3', id_assurance_level: '3' },
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: key.kid })
      .sign(key.privateKey);
    return Response.json({ access_token: 'access', token_type: 'Bearer', id_token: idToken, ...life });
  };
  const authorise = (location: string) => {
    request = new URL(location).searchParams;
    return { code: 'code', state: request.get('state') ?? '', iss: issuer };
  };

  beforeEach(async () => {
    [forms, urls, claims, life] = [[], [], {}, {}];
    metadata = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: tokenEndpoint,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/connect/jwk_uri`,
    };
    stopPlaying = await playHttps(wire);
  });
  afterEach(() => stopPlaying());

  test('keeps it: in what a sign-in says of itself, and in the client assertion’s audience [S-17]', async () => {
    const done = await signIn(partyFor(issuer), authorise);
    expect(done).toMatchObject({ issuer, subject });
    const assertion = forms[0]?.get('client_assertion') ?? '';
    const { payload } = await jwtVerify(assertion, ours.publicKey);
    expect(payload.aud).toBe(tokenEndpoint);
    expect(payload).toMatchObject({ iss: 'rp.unit', sub: 'rp.unit', jti: expect.stringMatching(/\S{16,}/) });
    expect(payload.exp).toBe(now + 240);
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'RS512', kid: 'our-key', typ: 'JWT' });
    expect(forms[0]?.get('client_assertion_type')).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    );
    expect(forms[0]?.get('client_secret')).toBeNull();
  });

  test.each([
    [{ expires_in: 3_599 }, 3_599],
    [{ expires_in: '599' }, 599],
    [{ expires_in: 0.5 }, 0],
    [{}, undefined],
  ])('hands over what CIS2 issued, and how long it lives, with %j', async (written, seconds) => {
    life = written;
    const { tokens } = await signIn(partyFor(issuer), authorise);
    expect(tokens.idToken.expose().split('.')).toHaveLength(3);
    expect(tokens.accessToken.expose()).toBe('access');
    expect(tokens.idTokenExpiresAt).toBe(now + 3_600);
    expect(tokens.accessTokenExpiresAt).toBe(seconds === undefined ? undefined : now + seconds);
    expect(JSON.stringify(tokens)).not.toContain(tokens.idToken.expose());
  });

  test('addresses the assertion in the token endpoint’s own characters, whatever they are', async () => {
    metadata['token_endpoint'] = `https://AM.example.nhs.uk:443${new URL(tokenEndpoint).pathname}`;
    await signIn(partyFor(issuer), authorise);
    const { payload } = await jwtVerify(forms[0]?.get('client_assertion') ?? '', ours.publicKey);
    expect(payload.aud).toBe(metadata['token_endpoint']);
  });

  test('asks nobody but that host [ASVS-13.2.4]', async () => {
    await signIn(partyFor(issuer), authorise);
    expect(new Set(urls.map((url) => new URL(url).host))).toEqual(new Set(['am.example.nhs.uk']));
  });

  test.each([
    ['without the port', issuer.replace(':443', '')],
    ['with the host in capitals', issuer.replace('am.example', 'AM.example')],
    ['with a slash at its end', `${issuer}/`],
    ['with another port', issuer.replace(':443', ':8443')],
    ['with a space', `${issuer} `],
    ['with dots in its path', issuer.replace('/openam', '/x/../openam')],
  ])('is not the one of metadata written %s [S-17, ASVS-10.5.3]', async (_, written) => {
    metadata['issuer'] = written;
    expect(await refusal(signIn(partyFor(issuer), authorise))).toBe('provider_unavailable');
    expect(forms).toEqual([]);
  });

  test('configured without the port is not the one that writes it', async () => {
    expect(await refusal(signIn(partyFor(issuer.replace(':443', '')), authorise))).toBe(
      'provider_unavailable',
    );
  });

  test.each([
    ['without the port', issuer.replace(':443', '')],
    ['with the host in capitals', issuer.replace('am.example', 'AM.example')],
    ['with a slash at its end', `${issuer}/`],
    ['by nobody', undefined],
    ['by a list', [issuer]],
  ])('is not the one of an ID token issued %s [O-01]', async (_, iss) => {
    claims = { iss };
    expect(await refusal(signIn(partyFor(issuer), authorise))).toBe('response_invalid');
  });

  test('is not the one of a response that names another [S-04, ASVS-10.2.2]', async () => {
    const other = (location: string) => ({ ...authorise(location), iss: issuer.replace(':443', '') });
    expect(await refusal(signIn(partyFor(issuer), other))).toBe('response_invalid');
    expect(forms).toEqual([]);
  });
});
