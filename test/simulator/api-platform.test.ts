import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApiPlatformSimulator } from '../../local/api-platform-simulator/index.ts';
import {
  apiKey,
  apiSecret,
  assertionType,
  exchangeGrant,
  idTokenType,
  startBench,
  tokensOf,
  uid,
  unsigned,
  type Bench,
  type Tampering,
} from './api-platform-bench.ts';

const keyless = { apiKey: 'keyless-api-key', apiSecret: 'made-up' };
const onlyAal2 = { apiKey: 'aal2-api-key', apiSecret: 'made-up', products: ['aal2'] as const };

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

async function expectError(
  response: Response,
  status: number,
  error: string,
  description: string,
): Promise<void> {
  expect(await response.json()).toEqual({
    error,
    error_description: description,
    message_id: expect.stringMatching(/^rrt-/),
  });
  expect(response.status).toBe(status);
}

/** Seconds since the epoch as the platform takes them to be. */
const time = (): number => Math.floor(Date.now() / 1_000) + bench.clock.ahead;

describe('A token exchange', () => {
  test('gives the platform’s tokens, and every number in the response is text', async () => {
    const response = await bench.exchange();
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      access_token: expect.stringMatching(/^[\w-]{32}$/),
      expires_in: '599',
      token_type: 'Bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      refresh_token: expect.stringMatching(/^[\w-]{32}$/),
      refresh_token_expires_in: '43199',
      refresh_count: '0',
    });
  });

  test('tells the simulated APIs who the access token is for, and nothing for any other token', async () => {
    const roles = [{ person_roleid: '900000000777' }, { person_roleid: '900000000778' }];
    const subject = await bench.idToken({
      claims: { selected_roleid: '900000000778', nhsid_nrbac_roles: roles },
    });
    const tokens = await tokensOf(await bench.exchange({ subject_token: subject }));
    expect(bench.platform.introspect(tokens['access_token'] ?? '')).toEqual({
      uid,
      aal: '3',
      roles: ['900000000777', '900000000778'],
      selectedRoleId: '900000000778',
      apiKey,
    });
    expect(bench.platform.introspect(tokens['refresh_token'] ?? '')).toBeUndefined();
    expect(bench.platform.introspect('')).toBeUndefined();
  });

  test('reads a bare role, and no role where none is given or selected', async () => {
    const introspected = async (claims: Record<string, unknown>) => {
      const subject = await bench.idToken({ claims });
      const tokens = await tokensOf(await bench.exchange({ subject_token: subject }));
      return bench.platform.introspect(tokens['access_token'] ?? '');
    };
    expect(await introspected({ nhsid_nrbac_roles: { person_roleid: '5' } })).toMatchObject({ roles: ['5'] });
    expect(await introspected({ selected_roleid: '' })).toMatchObject({
      roles: [],
      selectedRoleId: undefined,
    });
  });

  test.each(['application/json', 'text/plain', ''])('is refused as %j', async (type) => {
    const response = await bench.post({ grant_type: exchangeGrant }, { 'content-type': type });
    expect(response.status).toBe(415);
  });

  const typeError = `missing or invalid subject_token_type - must be '${idTokenType}'`;
  const assertionTypeError = `Missing or invalid client_assertion_type - must be '${assertionType}'`;
  test.each<[string, Record<string, string | undefined>, string]>([
    ['no grant_type', { grant_type: undefined }, 'grant_type is invalid'],
    ['another grant_type', { grant_type: 'client_credentials' }, 'grant_type is invalid'],
    [
      'a grant_type named like a member of every object',
      { grant_type: 'constructor' },
      'grant_type is invalid',
    ],
    ['no subject_token_type', { subject_token_type: undefined }, typeError],
    ['another subject_token_type', { subject_token_type: 'access_token' }, typeError],
    ['no client_assertion_type', { client_assertion_type: undefined }, assertionTypeError],
    ['another client_assertion_type', { client_assertion_type: 'jwt' }, assertionTypeError],
    ['no subject_token', { subject_token: undefined }, 'Missing subject_token'],
    ['an empty subject_token', { subject_token: '' }, 'Missing subject_token'],
    ['no client_assertion', { client_assertion: undefined }, 'Missing client_assertion'],
    ['a subject_token that is no JWT', { subject_token: 'a.b.c' }, 'Malformed JWT in subject_token'],
    ['a client_assertion that is no JWT', { client_assertion: 'x' }, 'Malformed JWT in client_assertion'],
  ])('with %s is refused in the platform’s words', async (_what, fields, description) => {
    await expectError(await bench.exchange(fields), 400, 'invalid_request', description);
  });

  test('with a parameter twice is refused as if it were missing', async () => {
    const body = new URLSearchParams([
      ['grant_type', exchangeGrant],
      ['grant_type', exchangeGrant],
    ]);
    const response = await fetch(bench.platform.tokenUrl, { method: 'POST', body });
    await expectError(response, 400, 'invalid_request', 'grant_type is invalid');
  });

  test('checks parameters in the order of the catalogue, and before either JWT', async () => {
    const wrong: Record<string, string | undefined> = {
      subject_token_type: 'x',
      client_assertion_type: 'x',
      subject_token: undefined,
      client_assertion: undefined,
    };
    const right: Record<string, string> = {
      subject_token_type: idTokenType,
      client_assertion_type: assertionType,
      subject_token: 'no JWT',
      client_assertion: 'no JWT',
    };
    const descriptions: string[] = [];
    for (const name of ['', ...Object.keys(right)]) {
      if (name !== '') wrong[name] = right[name];
      const response = await bench.exchange(wrong);
      descriptions.push(((await response.json()) as { error_description: string }).error_description);
    }
    expect(descriptions).toEqual([
      typeError,
      assertionTypeError,
      'Missing subject_token',
      'Missing client_assertion',
      'Malformed JWT in client_assertion',
    ]);
  });
});

describe('The client assertion', () => {
  const refused = async (tampering: Tampering) =>
    bench.exchange({ client_assertion: await bench.assertion(tampering) });

  test.each<[string, () => Tampering, string]>([
    [
      'has expired more than ten seconds ago',
      () => ({ claims: { exp: time() - 11 } }),
      "Invalid 'exp' claim in client_assertion JWT - JWT has expired",
    ],
    ['has no kid', () => ({ header: { kid: undefined } }), "Missing 'kid' header in client_assertion JWT"],
    ['has an empty kid', () => ({ header: { kid: '' } }), "Missing 'kid' header in client_assertion JWT"],
    [
      'has no typ',
      () => ({ header: { typ: undefined } }),
      "Invalid 'typ' header in client_assertion JWT - must be 'JWT'",
    ],
    [
      'has another typ',
      () => ({ header: { typ: 'client-authentication+jwt' } }),
      "Invalid 'typ' header in client_assertion JWT - must be 'JWT'",
    ],
    ['has no exp', () => ({ claims: { exp: undefined } }), "Missing 'exp' claim in client_assertion JWT"],
    [
      'has an exp with a fraction',
      () => ({ claims: { exp: time() + 60.5 } }),
      "Invalid 'exp' claim in client_assertion JWT - must be an integer",
    ],
    [
      'has an iss that is not its sub',
      () => ({ claims: { sub: 'another' } }),
      "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT",
    ],
    [
      'has neither iss nor sub',
      () => ({ claims: { iss: undefined, sub: undefined } }),
      "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT",
    ],
    ['has no jti', () => ({ claims: { jti: undefined } }), "Missing 'jti' claim in client_assertion JWT"],
    [
      'has an empty jti',
      () => ({ claims: { jti: '' } }),
      "Invalid 'jti' claim in client_assertion JWT - must be a unique string value such as a GUID",
    ],
    [
      'has an exp more than 310 seconds ahead',
      () => ({ claims: { exp: time() + 313 } }),
      "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future",
    ],
  ])('that %s is refused with 400', async (_what, tampering, description) => {
    const response = await refused(tampering());
    await expectError(response, 400, 'invalid_request', description);
  });

  test.each<[string, Tampering, string]>([
    [
      'names an unknown API key',
      { claims: { iss: 'unknown', sub: 'unknown' } },
      "Invalid 'iss'/'sub' claims in client_assertion JWT",
    ],
    [
      'is for another audience',
      { claims: { aud: 'https://api.example/oauth2/token/' } },
      "Missing or invalid 'aud' claim in client_assertion JWT",
    ],
    [
      'is for nobody',
      { claims: { aud: undefined } },
      "Missing or invalid 'aud' claim in client_assertion JWT",
    ],
    [
      'names a key that is not published',
      { header: { kid: 'key-2' } },
      "Invalid 'kid' header in client_assertion JWT - no matching public key",
    ],
  ])('that %s is refused with 401', async (_what, tampering, description) => {
    await expectError(await refused(tampering), 401, 'invalid_request', description);
  });

  test.each(['RS256', 'PS512', 'none', undefined])('whose alg is %j is refused', async (alg) => {
    const assertion = unsigned({ alg, kid: 'key-1', typ: 'JWT' }, { iss: apiKey, sub: apiKey });
    await expectError(
      await bench.exchange({ client_assertion: assertion }),
      400,
      'invalid_request',
      "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'",
    );
  });

  test('with a signature of another key is refused', async () => {
    const { key } = await bench.newKey('key-1');
    await expectError(await refused({ key }), 401, 'public_key error', 'JWT signature verification failed');
  });

  test.each([
    ['the token URL with a slash', '/'],
    ['the token URL with a query', '?'],
  ])('for %s is for another audience: it is compared as text', async (_what, end) => {
    const response = await refused({ claims: { aud: bench.platform.tokenUrl + end } });
    expect(response.status).toBe(401);
  });

  test.each<[string, () => Tampering]>([
    ['a typ in small letters', () => ({ header: { typ: 'jwt' } })],
    ['an exp a few seconds ago', () => ({ claims: { exp: time() - 8 } })],
    ['an exp 309 seconds ahead', () => ({ claims: { exp: time() + 309 } })],
  ])('may have %s', async (_what, tampering) => {
    expect((await refused(tampering())).status).toBe(200);
  });

  test('can be sent once: its jti is remembered', async () => {
    const assertion = await bench.assertion();
    expect((await bench.exchange({ client_assertion: assertion })).status).toBe(200);
    await expectError(
      await bench.exchange({ client_assertion: assertion }),
      400,
      'invalid_request',
      "Non-unique 'jti' claim in client_assertion JWT",
    );
  });

  test('has its jti remembered for days, and forgotten after thirty', async () => {
    const jti = randomUUID();
    const send = () => refused({ claims: { jti, exp: time() + 60 } });
    try {
      expect((await send()).status).toBe(200);
      bench.clock.ahead = 29 * 86_400;
      const body = (await (await send()).json()) as Record<string, string>;
      expect(body['error_description']).toContain('Non-unique');
      bench.clock.ahead = 31 * 86_400;
      expect((await send()).status).toBe(200);
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('shares no jti with another client', async () => {
    const jti = randomUUID();
    expect((await refused({ claims: { jti } })).status).toBe(200);
    const response = await refused({ claims: { jti, iss: 'unknown', sub: 'unknown' } });
    await expectError(response, 401, 'invalid_request', "Invalid 'iss'/'sub' claims in client_assertion JWT");
  });

  test('is checked in the platform’s order: the first fault of several is reported', async () => {
    const seen: string[] = [];
    const used = randomUUID();
    await refused({ claims: { jti: used } });
    // Everything is wrong at the start; one thing after another is put right.
    const wrong: Record<string, unknown> = {
      exp: time() - 60,
      sub: 'another',
      jti: undefined,
      aud: 'elsewhere',
    };
    const header: Record<string, unknown> = { alg: 'RS256', kid: undefined, typ: 'other' };
    const steps: (() => void)[] = [
      () => undefined,
      () => (header['alg'] = 'RS512'),
      () => (wrong['exp'] = undefined),
      () => (header['kid'] = 'no-such-key'),
      () => (header['typ'] = 'JWT'),
      () => (wrong['exp'] = '5'),
      () => (wrong['exp'] = time() + 900),
      () => (wrong['sub'] = apiKey),
      () => (wrong['jti'] = 5),
      () => (wrong['jti'] = used),
      () => (wrong['jti'] = randomUUID()),
      () => Object.assign(wrong, { exp: time() + 60, jti: randomUUID() }),
      () => Object.assign(wrong, { aud: bench.platform.tokenUrl, jti: randomUUID() }),
    ];
    for (const step of steps) {
      step();
      // No step gets as far as the signature.
      const assertion = unsigned(header, { iss: apiKey, ...wrong });
      const response = await bench.exchange({ client_assertion: assertion });
      seen.push(((await response.json()) as { error_description: string }).error_description);
    }
    expect(seen).toEqual([
      "Invalid 'alg' header in client_assertion JWT - unsupported JWT algorithm - must be 'RS512'",
      "Invalid 'exp' claim in client_assertion JWT - JWT has expired",
      "Missing 'kid' header in client_assertion JWT",
      "Invalid 'typ' header in client_assertion JWT - must be 'JWT'",
      "Missing 'exp' claim in client_assertion JWT",
      "Invalid 'exp' claim in client_assertion JWT - must be an integer",
      "Missing or non-matching 'iss'/'sub' claims in client_assertion JWT",
      "Missing 'jti' claim in client_assertion JWT",
      "Invalid 'jti' claim in client_assertion JWT - must be a unique string value such as a GUID",
      "Non-unique 'jti' claim in client_assertion JWT",
      "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future",
      "Missing or invalid 'aud' claim in client_assertion JWT",
      "Invalid 'kid' header in client_assertion JWT - no matching public key",
    ]);
  });

  test('is looked at before the ID token', async () => {
    const response = await bench.exchange({
      client_assertion: await bench.assertion({ header: { kid: undefined } }),
      subject_token: 'no JWT',
    });
    await expectError(response, 400, 'invalid_request', "Missing 'kid' header in client_assertion JWT");
  });
});

describe('An application’s published keys', () => {
  let own: Bench;
  beforeEach(async () => {
    own = await startBench([keyless]);
  });
  afterEach(() => own.close());

  test('are fetched as APIM, and then cached for an hour', async () => {
    expect((await own.exchange()).status).toBe(200);
    expect((await own.exchange()).status).toBe(200);
    expect(own.application.headers['user-agent']).toBe('APIM');
    own.clock.ahead = 3_590;
    expect((await own.exchange()).status).toBe(200);
    expect(own.application.fetches).toBe(1);
    own.clock.ahead = 3_610;
    expect((await own.exchange()).status).toBe(200);
    expect(own.application.fetches).toBe(2);
  });

  test('are not fetched again for a new key: it is refused until the hour is over', async () => {
    await own.exchange();
    const { publicJwk, key } = await own.newKey('key-2');
    own.application.keys.push(publicJwk);
    const withNewKey = async () =>
      own.exchange({ client_assertion: await own.assertion({ key, header: { kid: 'key-2' } }) });
    await expectError(
      await withNewKey(),
      401,
      'invalid_request',
      "Invalid 'kid' header in client_assertion JWT - no matching public key",
    );
    expect(own.application.fetches).toBe(1);
    own.clock.ahead = 3_601;
    expect((await withNewKey()).status).toBe(200);
  });

  test('go on being accepted for the hour when they are withdrawn', async () => {
    await own.exchange();
    own.application.keys.length = 0;
    expect((await own.exchange()).status).toBe(200);
    own.clock.ahead = 3_601;
    expect((await own.exchange()).status).toBe(401);
  });

  test('are cached by their URL, so that two applications with one URL have one fetch', async () => {
    const two = await startBench();
    try {
      const other = { apiKey: 'other-api-key', apiSecret: 'made-up', jwksUri: two.jwksUri };
      const platform = await startApiPlatformSimulator({
        applications: [{ apiKey, apiSecret, jwksUri: two.jwksUri }, other],
        issuer: two.issuer,
      });
      for (const iss of [apiKey, other.apiKey]) {
        const claims = { iss, sub: iss, aud: platform.tokenUrl };
        const body = new URLSearchParams({
          grant_type: exchangeGrant,
          subject_token_type: idTokenType,
          client_assertion_type: assertionType,
          subject_token: await two.idToken(),
          client_assertion: await two.assertion({ claims }),
        });
        expect((await fetch(platform.tokenUrl, { method: 'POST', body })).status).toBe(200);
      }
      expect(two.application.fetches).toBe(1);
      platform.close();
    } finally {
      await two.close();
    }
  });

  const unreachable = "The JWKS endpoint, for your client_assertion can't be reached";
  test('that cannot be had are 403, and are asked for again at the next request', async () => {
    own.application.status = 503;
    await expectError(await own.exchange(), 403, 'public_key error', unreachable);
    own.application.status = 200;
    own.application.keys = 'no list' as never;
    await expectError(await own.exchange(), 403, 'public_key error', unreachable);
    expect(own.application.fetches).toBe(2);
  });

  test('that were never registered are 403', async () => {
    const claims = { iss: keyless.apiKey, sub: keyless.apiKey };
    await expectError(
      await own.exchange({ client_assertion: await own.assertion({ claims }) }),
      403,
      'public_key error',
      'You need to register a public key to use this authentication method - please contact support to configure',
    );
  });

  test('are fetched anew when the control panel drops them, or caches them for less long', async () => {
    await own.exchange();
    expect((await own.controlPanel('forget-keys')).status).toBe(200);
    await own.exchange();
    expect(own.application.fetches).toBe(2);
    expect((await own.controlPanel('keys', { cacheSeconds: 0 })).status).toBe(200);
    await own.exchange();
    await own.exchange();
    expect(own.application.fetches).toBe(4);
  });
});

describe('The ID token', () => {
  test.each<[string, Tampering, number, string]>([
    ['has no kid', { header: { kid: undefined } }, 400, "Missing 'kid' header in subject_token JWT"],
    [
      'has another typ',
      { header: { typ: 'at+jwt' } },
      400,
      "Invalid 'typ' header in subject_token JWT - must be 'JWT'",
    ],
    ['has no exp', { claims: { exp: undefined } }, 400, "Missing 'exp' claim in subject_token JWT"],
    [
      'has an exp with a fraction',
      { claims: { exp: 5.5 } },
      400,
      "Invalid 'exp' claim in subject_token JWT - must be an integer",
    ],
    [
      'has expired',
      { claims: { exp: 5 } },
      400,
      "Invalid 'exp' claim in subject_token JWT - JWT has expired",
    ],
    ['has no iss', { claims: { iss: undefined } }, 400, "Missing 'iss' claim in subject_token JWT"],
    [
      'is of another issuer',
      { claims: { iss: 'https://other.example' } },
      400,
      "Missing or non-matching 'iss' claim in subject_token JWT",
    ],
    ['has no aud', { claims: { aud: undefined } }, 400, "Missing 'aud' claim in subject_token JWT"],
    [
      'names an unknown key',
      { header: { kid: 'other' } },
      401,
      "Invalid 'kid' header in subject_token JWT - no matching public key",
    ],
  ])('that %s is refused', async (_what, tampering, status, description) => {
    const response = await bench.exchange({ subject_token: await bench.idToken(tampering) });
    await expectError(response, status, 'invalid_request', description);
  });

  test('with a signature of another key is refused', async () => {
    const { key } = await bench.newKey('cis2/key+1=', 'RS256');
    const subject = await bench.idToken({ key });
    const response = await bench.exchange({ subject_token: subject });
    await expectError(response, 401, 'public_key error', 'JWT signature verification failed');
  });

  test('with an algorithm of another kind is refused', async () => {
    const subject = unsigned({ alg: 'HS256', kid: 'x', typ: 'JWT' }, { exp: time() + 60 });
    const response = await bench.exchange({ subject_token: subject });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Record<string, string>)['error_description']).toContain(
      "Invalid 'alg'",
    );
  });

  test('that names nobody is refused', async () => {
    const subject = await bench.idToken({ claims: { sub: undefined } });
    const response = await bench.exchange({ subject_token: subject });
    await expectError(response, 400, 'unknown_error', 'The subject_token names nobody');
  });

  test('of a key published since is taken: the provider’s keys are fetched again for it, and cached otherwise', async () => {
    await bench.exchange();
    const before = bench.provider.fetches;
    await bench.exchange();
    expect(bench.provider.fetches).toBe(before);
    const { publicJwk, key } = await bench.newKey('cis2-key-2');
    bench.provider.keys.push(publicJwk);
    const subject = await bench.idToken({ key, alg: 'RS512', header: { kid: 'cis2-key-2' } });
    expect((await bench.exchange({ subject_token: subject })).status).toBe(200);
    expect(bench.provider.fetches).toBe(before + 1);
  });

  test('whose issuer does not respond is the catch-all error', async () => {
    const own = await startBench();
    try {
      own.provider.status = 500;
      await expectError(
        await own.exchange(),
        500,
        'unknown_error',
        'The keys of the issuer could not be had',
      );
    } finally {
      await own.close();
    }
  });
});

describe('The assurance level', () => {
  let own: Bench;
  beforeAll(async () => {
    own = await startBench();
  });
  afterAll(() => own.close());

  const exchangeAt = async (level: unknown, products?: readonly ('aal1' | 'aal2' | 'aal3')[]) => {
    const platform = await startApiPlatformSimulator({
      applications: [
        { apiKey, apiSecret, jwksUri: own.jwksUri, ...(products === undefined ? {} : { products }) },
      ],
      issuer: own.issuer,
    });
    const body = new URLSearchParams({
      grant_type: exchangeGrant,
      subject_token_type: idTokenType,
      client_assertion_type: assertionType,
      subject_token: await own.idToken({ claims: { authentication_assurance_level: level } }),
      client_assertion: await own.assertion({ claims: { aud: platform.tokenUrl } }),
    });
    const response = await fetch(platform.tokenUrl, { method: 'POST', body });
    platform.close();
    return response;
  };

  test.each([['3'], [3], ['2'], [2]])('%j is good for an application with both products', async (level) => {
    expect((await exchangeAt(level)).status).toBe(200);
  });

  test.each<[unknown, ('aal1' | 'aal2' | 'aal3')[] | undefined]>([
    [3, [...onlyAal2.products]],
    [2, ['aal3']],
    [1, undefined],
    ['03', undefined],
    [undefined, undefined],
    [[3], undefined],
    [3, []],
  ])('%j is refused for products %j: it has to match exactly', async (level, products) => {
    await expectError(
      await exchangeAt(level, products),
      401,
      'unauthorized_client',
      'you have tried to request authorization but your application is not configured to use this authorization grant type',
    );
  });
});

describe('A refresh', () => {
  const invalid = 'refresh_token is invalid';

  test('gives new tokens, counts them, and leaves twelve hours from the first issue in all', async () => {
    const first = await tokensOf(await bench.exchange());
    try {
      bench.clock.ahead = 3_600;
      const second = await tokensOf(await bench.refresh(first['refresh_token'] ?? ''));
      expect(second).toMatchObject({ expires_in: '599', refresh_count: '1', token_type: 'Bearer' });
      expect(Number(second['refresh_token_expires_in'])).toBeGreaterThan(39_590);
      expect(Number(second['refresh_token_expires_in'])).toBeLessThan(39_600);
      expect(second['access_token']).not.toBe(first['access_token']);
      expect(bench.platform.introspect(second['access_token'] ?? '')).toMatchObject({ uid, apiKey });
      bench.clock.ahead = 43_201;
      const late = await bench.refresh(second['refresh_token'] ?? '');
      await expectError(late, 401, 'invalid_grant', 'refresh token refresh period has expired');
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('works once: the token before it is spent, and the new one stays good', async () => {
    const first = await tokensOf(await bench.exchange());
    const second = await tokensOf(await bench.refresh(first['refresh_token'] ?? ''));
    await expectError(await bench.refresh(first['refresh_token'] ?? ''), 401, 'invalid_grant', invalid);
    expect((await bench.refresh(second['refresh_token'] ?? '')).status).toBe(200);
  });

  test('sent twice at once works for one of the two', async () => {
    const { refresh_token: token = '' } = await tokensOf(await bench.exchange());
    const statuses = await Promise.all([bench.refresh(token), bench.refresh(token)]);
    expect(statuses.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  test('with a spent token ends the whole family where the control panel says so', async () => {
    await bench.controlPanel('tokens', { reuseRevokesFamily: true });
    try {
      const first = await tokensOf(await bench.exchange());
      const second = await tokensOf(await bench.refresh(first['refresh_token'] ?? ''));
      await expectError(await bench.refresh(first['refresh_token'] ?? ''), 401, 'invalid_grant', invalid);
      await expectError(await bench.refresh(second['refresh_token'] ?? ''), 401, 'invalid_grant', invalid);
      expect(bench.platform.introspect(second['access_token'] ?? '')).toBeUndefined();
    } finally {
      await bench.controlPanel('reset');
    }
  });

  test.each([
    ['an unknown token', { refresh_token: 'made-up' }, 'invalid_grant', invalid],
    ['no token', { refresh_token: undefined }, 'invalid_grant', invalid],
    ['a wrong secret', { client_secret: 'wrong' }, 'invalid_client', 'client_id or client_secret is invalid'],
    ['no secret', { client_secret: undefined }, 'invalid_client', 'client_id or client_secret is invalid'],
    [
      'an unknown client',
      { client_id: 'unknown' },
      'invalid_client',
      'client_id or client_secret is invalid',
    ],
  ])('with %s is refused, and spends nothing', async (_what, fields, error, description) => {
    const { refresh_token: token = '' } = await tokensOf(await bench.exchange());
    await expectError(await bench.refresh(token, fields), 401, error, description);
    expect((await bench.refresh(token)).status).toBe(200);
  });

  test('of another application’s token is refused', async () => {
    const own = await startBench([keyless]);
    try {
      const { refresh_token: token = '' } = await tokensOf(await own.exchange());
      const stolen = await own.refresh(token, {
        client_id: keyless.apiKey,
        client_secret: keyless.apiSecret,
      });
      await expectError(stolen, 401, 'invalid_grant', invalid);
      expect((await own.refresh(token)).status).toBe(200);
    } finally {
      await own.close();
    }
  });

  test('leaves the access token before it alone, unless the control panel says otherwise', async () => {
    const introspectedAfterRefresh = async () => {
      const first = await tokensOf(await bench.exchange());
      await tokensOf(await bench.refresh(first['refresh_token'] ?? ''));
      return bench.platform.introspect(first['access_token'] ?? '');
    };
    expect(await introspectedAfterRefresh()).toBeDefined();
    await bench.controlPanel('tokens', { refreshEndsAccess: true });
    expect(await introspectedAfterRefresh()).toBeUndefined();
    await bench.controlPanel('reset');
  });
});

describe('A token’s life', () => {
  afterEach(async () => {
    bench.clock.ahead = 0;
    await bench.controlPanel('reset');
  });

  test('ends for an access token after ten minutes', async () => {
    const { access_token: token = '' } = await tokensOf(await bench.exchange());
    bench.clock.ahead = 595;
    expect(bench.platform.introspect(token)).toBeDefined();
    bench.clock.ahead = 601;
    expect(bench.platform.introspect(token)).toBeUndefined();
  });

  test('can be asked to be shorter, and never longer', async () => {
    const short = await tokensOf(
      await bench.exchange({ _access_token_expiry_ms: '5000', _refresh_token_expiry_ms: '7000' }),
    );
    expect(short).toMatchObject({ expires_in: '4', refresh_token_expires_in: '6' });
    bench.clock.ahead = 8;
    expect(bench.platform.introspect(short['access_token'] ?? '')).toBeUndefined();
    await expectError(
      await bench.refresh(short['refresh_token'] ?? ''),
      401,
      'invalid_grant',
      'refresh_token is invalid',
    );
    const long = await tokensOf(
      await bench.exchange({ _access_token_expiry_ms: '9000000', _refresh_token_expiry_ms: '99999999' }),
    );
    expect(long).toMatchObject({ expires_in: '599', refresh_token_expires_in: '43199' });
  });

  test('can be asked to end for the whole family sooner', async () => {
    const first = await tokensOf(await bench.exchange());
    bench.clock.ahead = 20;
    await expectError(
      await bench.refresh(first['refresh_token'] ?? '', { _refresh_tokens_validity_ms: '10000' }),
      401,
      'invalid_grant',
      'refresh token refresh period has expired',
    );
  });

  test('is as short as the control panel makes it', async () => {
    await bench.controlPanel('tokens', { accessSeconds: 2 });
    const { access_token: token = '', expires_in: stated } = await tokensOf(await bench.exchange());
    expect(stated).toBe('1');
    bench.clock.ahead = 3;
    expect(bench.platform.introspect(token)).toBeUndefined();
  });

  test('ends when the control panel revokes it: access tokens alone, or everything, of one person or all', async () => {
    const tokens = await tokensOf(await bench.exchange());
    await bench.controlPanel('revoke', { uid: 'somebody else' });
    expect(bench.platform.introspect(tokens['access_token'] ?? '')).toBeDefined();
    await bench.controlPanel('revoke', { uid });
    expect(bench.platform.introspect(tokens['access_token'] ?? '')).toBeUndefined();
    const next = await tokensOf(await bench.refresh(tokens['refresh_token'] ?? ''));
    await bench.controlPanel('revoke', { refreshTokens: true });
    expect(bench.platform.introspect(next['access_token'] ?? '')).toBeUndefined();
    expect((await bench.refresh(next['refresh_token'] ?? '')).status).toBe(401);
  });
});

interface State {
  readonly counters: Readonly<Record<string, number>>;
  readonly faults: readonly unknown[];
  readonly requests: readonly Record<string, unknown>[];
}

describe('The control panel', () => {
  afterEach(() => bench.controlPanel('reset'));

  const state = async () =>
    (await (await fetch(`${bench.platform.url}/control-panel/api/state`)).json()) as State;

  test('fails as many requests of one kind as it is told, with the error it is told', async () => {
    const { refresh_token: token = '' } = await tokensOf(await bench.exchange());
    const fault = {
      kind: 'status',
      status: 502,
      error: 'made_up',
      description: 'words',
      operation: 'refresh',
    };
    await bench.controlPanel('fault', { ...fault, times: 2 });
    expect((await bench.exchange()).status).toBe(200);
    await expectError(await bench.refresh(token), 502, 'made_up', 'words');
    await expectError(await bench.refresh(token), 502, 'made_up', 'words');
    expect((await bench.refresh(token)).status).toBe(200);
  });

  test('uses the quota up until it is switched off', async () => {
    await bench.controlPanel('fault', { kind: 'quota', retryAfterSeconds: 7 });
    for (const response of [await bench.exchange(), await bench.refresh('any')]) {
      expect(response.status).toBe(429);
      expect(response.headers.get('retry-after')).toBe('7');
    }
    await bench.controlPanel('fault', { kind: 'off' });
    expect((await bench.exchange()).status).toBe(200);
  });

  test('cuts the connection before the work, so that the refresh token is still good', async () => {
    const { refresh_token: token = '' } = await tokensOf(await bench.exchange());
    await bench.controlPanel('fault', { kind: 'reset', times: 1 });
    await expect(bench.refresh(token)).rejects.toThrow();
    expect((await bench.refresh(token)).status).toBe(200);
  });

  test('drops the response after the work, so that the refresh token is spent and nobody has the next', async () => {
    const { refresh_token: token = '' } = await tokensOf(await bench.exchange());
    await bench.controlPanel('fault', { kind: 'drop', times: 1 });
    await expect(bench.refresh(token)).rejects.toThrow();
    expect((await bench.refresh(token)).status).toBe(401);
  });

  test('delays a response', async () => {
    await bench.controlPanel('fault', { kind: 'slow', milliseconds: 300, times: 1 });
    const started = performance.now();
    expect((await bench.exchange()).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(290);
  });

  test('counts exchanges, refreshes and reuses, and remembers requests without their secrets', async () => {
    const before = (await state()).counters;
    const tokens = await tokensOf(await bench.exchange());
    const next = await tokensOf(await bench.refresh(tokens['refresh_token'] ?? ''));
    await bench.refresh(tokens['refresh_token'] ?? '');
    const { counters, requests } = await state();
    expect(counters).toEqual({
      exchanges: (before['exchanges'] ?? 0) + 1,
      refreshes: (before['refreshes'] ?? 0) + 1,
      reuses: (before['reuses'] ?? 0) + 1,
    });
    expect(requests.map(({ operation, status, kid }) => [operation, status, kid])).toEqual([
      ['exchange', 200, 'key-1'],
      ['refresh', 200, undefined],
      ['refresh', 401, undefined],
    ]);
    expect(requests[1]?.['parameters']).toEqual([
      'grant_type',
      'refresh_token',
      'client_id',
      'client_secret',
    ]);
    const everything = JSON.stringify(await state()) + bench.log.join('\n');
    const secrets = [tokens, next].flatMap((one) => [one['access_token'], one['refresh_token']]);
    for (const secret of [...secrets, apiSecret, 'eyJ']) expect(everything).not.toContain(secret);
  });

  test('is there within the process too', async () => {
    expect(bench.platform.controlPanel.commands['fault']?.({ kind: 'quota', times: 1 })).toContain('quota');
    expect((await bench.exchange()).status).toBe(429);
    expect(bench.platform.requests.at(-1)).toMatchObject({ operation: 'exchange', status: 429 });
  });

  test('puts everything back with reset', async () => {
    await bench.controlPanel('tokens', {
      accessSeconds: 1,
      reuseRevokesFamily: true,
      refreshEndsAccess: true,
    });
    await bench.controlPanel('keys', { cacheSeconds: 1 });
    await bench.controlPanel('fault', { kind: 'reset' });
    await bench.controlPanel('reset');
    expect(await state()).toMatchObject({
      faults: [],
      tokens: { accessLifetimeMs: 600_000, reuseRevokesFamily: false, refreshEndsAccess: false },
      keys: { cacheSeconds: 3_600 },
      requests: [],
    });
  });

  test.each([
    ['made-up', {}, 404, 'There is no such command.'],
    ['constructor', {}, 404, 'There is no such command.'],
    ['fault', {}, 400, 'kind is missing.'],
    ['fault', { kind: 'other' }, 400, 'kind must be one of slow, reset, drop, status, quota.'],
    ['fault', { kind: 'slow' }, 400, 'milliseconds is missing.'],
    ['fault', { kind: 'status', status: 99 }, 400, 'status must be a whole number from 200 to 599.'],
    ['fault', { kind: 'reset', times: 0 }, 400, 'times must be a whole number from 1 to 1000.'],
    ['fault', { kind: 'reset', operation: 'x' }, 400, 'operation must be one of exchange, refresh.'],
    ['tokens', { accessSeconds: 601 }, 400, 'accessSeconds must be a whole number from 1 to 600.'],
    ['tokens', { reuseRevokesFamily: 'yes' }, 400, 'reuseRevokesFamily must be true or false.'],
    ['keys', {}, 400, 'cacheSeconds is missing.'],
    ['revoke', { uid: 5 }, 400, 'uid must be a string.'],
    ['reset', [], 400, 'The body must be a JSON object.'],
  ])('refuses %s with %j, says why and changes nothing', async (command, input, status, error) => {
    const response = await bench.controlPanel(command, input);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error });
    expect((await state()).faults).toEqual([]);
  });

  test('takes commands only from programs that mean it', async () => {
    expect((await bench.controlPanel('fault', { kind: 'reset' }, {})).status).toBe(403);
    expect(
      (
        await bench.controlPanel(
          'fault',
          { kind: 'reset' },
          { 'x-control-panel': '1', origin: 'http://a.example' },
        )
      ).status,
    ).toBe(403);
    expect((await fetch(`${bench.platform.url}/control-panel/api/fault`)).status).toBe(405);
    expect((await bench.controlPanel('state')).status).toBe(405);
    expect((await state()).faults).toEqual([]);
  });
});

describe('The server', () => {
  test('knows one path and one method', async () => {
    expect((await fetch(`${bench.platform.url}/oauth2/authorize`)).status).toBe(404);
    const response = await fetch(bench.platform.tokenUrl);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  test.each([{ origin: 'http://localhost:3000' }, { origin: 'null' }, { 'sec-fetch-site': 'same-origin' }])(
    'refuses a browser: %j',
    async (headers) => {
      const response = await bench.post({ grant_type: 'refresh_token' }, headers);
      expect(response.status).toBe(403);
      expect([...response.headers.keys()].join()).not.toContain('access-control');
    },
  );

  test('serves no other host name', async () => {
    const status = await new Promise((resolve, reject) => {
      request(
        `${bench.platform.url}/control-panel/api/state`,
        { headers: { host: 'evil.example' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  });

  test('takes the port it is given, or any free one where that is allowed', async () => {
    const port = Number(new URL(bench.platform.url).port);
    const options = { port, applications: [], issuer: bench.issuer };
    await expect(startApiPlatformSimulator(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const other = await startApiPlatformSimulator({ ...options, fallbackToFreePort: true });
    expect(other.url).not.toBe(bench.platform.url);
    other.close();
  });

  test('logs each request with what came of it', async () => {
    await bench.exchange();
    expect(bench.log.at(-1)).toBe(`POST /oauth2/token 200 tokens for ${uid}`);
    await bench.post({ grant_type: 'made-up' });
    expect(bench.log.at(-1)).toBe('POST /oauth2/token 400 invalid_request: grant_type is invalid');
  });
});
