import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { base64url, SignJWT } from 'jose';
import { signingPair } from '../support/key-pool.ts';
import { Browser, clientId, codeOf, redirectUri, startBench, type Bench, type Tampering } from './client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const code = async (parameters: Record<string, string> = {}): Promise<string> =>
  codeOf(await new Browser(bench).signIn('900000000001', parameters));

const seconds = () => Math.floor(Date.now() / 1_000) + bench.clock.ahead;

async function expectInvalidClient(response: Response): Promise<void> {
  expect(response.status).toBe(401);
  // The very bytes: a client learns nothing about what was wrong.
  expect(await response.text()).toBe('{"error_description":"JWT is not valid","error":"invalid_client"}');
}

async function expectInvalidGrant(response: Response): Promise<void> {
  expect(response.status).toBe(400);
  expect(await response.text()).toBe(
    '{"error_description":"The provided access grant is invalid, expired, or revoked.","error":"invalid_grant"}',
  );
}

describe('A client assertion', () => {
  const wrong: [string, string, () => Tampering][] = [
    ['has expired', 'expired', () => ({ claims: { exp: seconds() - 10, iat: seconds() - 70 } })],
    ['never expires', 'claim exp', () => ({ claims: { exp: undefined } })],
    ['lives longer than 30 minutes', '30 minutes', () => ({ claims: { exp: seconds() + 1_830 } })],
    ['comes from the future', 'iat', () => ({ claims: { iat: seconds() + 60 } })],
    ['is not valid yet', 'claim nbf', () => ({ claims: { nbf: seconds() + 60 } })],
    ['is for the issuer', 'aud', () => ({ claims: { aud: bench.simulator.issuer } })],
    [
      'is for the token endpoint and others',
      'aud',
      () => ({ claims: { aud: [bench.as.token_endpoint, 'x'] } }),
    ],
    [
      'is for a token endpoint with a slash',
      'aud',
      () => ({ claims: { aud: `${bench.as.token_endpoint ?? ''}/` } }),
    ],
    ['has no audience', 'claim aud', () => ({ claims: { aud: undefined } })],
    ['is issued by an unknown client', 'iss', () => ({ claims: { iss: 'nobody', sub: 'nobody' } })],
    ['has another subject', 'claim sub', () => ({ claims: { sub: 'another-client' } })],
    ['has no subject', 'claim sub', () => ({ claims: { sub: undefined } })],
    ['has no jti', 'claim jti', () => ({ claims: { jti: undefined } })],
    ['has an empty jti', 'jti', () => ({ claims: { jti: '' } })],
    ['names an unpublished key', 'kid', () => ({ header: { kid: 'key-2' } })],
    ['names no key', 'kid', () => ({ header: { kid: undefined } })],
  ];

  test.each(wrong)('that %s gets the one opaque response', async (_what, reason, tampering) => {
    const response = await bench.tokenRequest({
      code: await code(),
      client_assertion: await bench.assertion(tampering()),
    });
    await expectInvalidClient(response);
    expect(bench.log.at(-1)).toMatch(/^POST \/access_token 401 invalid_client: /);
    expect(bench.log.at(-1)).toContain(reason);
  });

  const claims = () => ({
    iss: clientId,
    sub: clientId,
    aud: bench.as.token_endpoint ?? '',
    iat: seconds(),
    exp: seconds() + 60,
    jti: randomUUID(),
  });

  test('signed with another algorithm gets the one opaque response', async () => {
    const header = { alg: 'RS256', kid: bench.kid };
    const jwk = await crypto.subtle.exportKey('jwk', bench.privateKey);
    const rs256 = await crypto.subtle.importKey(
      'jwk',
      { ...jwk, alg: 'RS256' },
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    const assertion = await new SignJWT(claims()).setProtectedHeader(header).sign(rs256);
    await expectInvalidClient(await bench.tokenRequest({ code: await code(), client_assertion: assertion }));
    expect(bench.log.at(-1)).toContain('the algorithm is not the one registered');
  });

  test('is held to the algorithm that its client is registered for, RS256 as well', async () => {
    const jwk = await crypto.subtle.exportKey('jwk', bench.privateKey);
    const imported = (hash: string, alg: string) =>
      crypto.subtle.importKey('jwk', { ...jwk, alg }, { name: 'RSASSA-PKCS1-v1_5', hash }, true, ['sign']);
    const server = createServer((_request, response) => {
      const [published] = bench.jwks.keys;
      response.end(JSON.stringify({ keys: [{ ...published, alg: 'RS256' }] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const other = await startBench([
      {
        clientId: 'rs256-client',
        redirectUris: [redirectUri],
        jwksUri: `http://127.0.0.1:${String(port)}/`,
        signingAlgorithm: 'RS256',
      },
    ]);
    const signed = async (hash: string, alg: string) =>
      new SignJWT({
        ...claims(),
        iss: 'rs256-client',
        sub: 'rs256-client',
        aud: other.as.token_endpoint ?? '',
      })
        .setProtectedHeader({ alg, kid: bench.kid })
        .sign(await imported(hash, alg));
    const ask = async (assertion: string) =>
      other.tokenRequest({
        code: codeOf(await new Browser(other).signIn('900000000001', { client_id: 'rs256-client' })),
        client_assertion: assertion,
      });
    expect((await ask(await signed('SHA-256', 'RS256'))).status).toBe(200);
    await expectInvalidClient(await ask(await signed('SHA-512', 'RS512')));
    expect(other.log.at(-1)).toContain('the algorithm is not the one registered');
    await other.close();
    server.close();
  });

  test('with no signature at all gets the one opaque response', async () => {
    const part = (value: unknown) => base64url.encode(JSON.stringify(value));
    for (const alg of ['none', 'RS512']) {
      const assertion = `${part({ alg, kid: bench.kid })}.${part(claims())}.`;
      await expectInvalidClient(
        await bench.tokenRequest({ code: await code(), client_assertion: assertion }),
      );
    }
  });

  test('signed with a key of somebody else under our key’s name gets the one opaque response', async () => {
    const { privateKey } = await signingPair('RS512');
    const assertion = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS512', kid: bench.kid })
      .sign(privateKey);
    await expectInvalidClient(await bench.tokenRequest({ code: await code(), client_assertion: assertion }));
    expect(bench.log.at(-1)).toContain('the signature is wrong');
  });

  test('sent a second time gets the one opaque response', async () => {
    const assertion = await bench.assertion();
    const first = await bench.tokenRequest({ code: await code(), client_assertion: assertion });
    expect(first.status).toBe(200);
    await expectInvalidClient(await bench.tokenRequest({ code: await code(), client_assertion: assertion }));
    expect(bench.log.at(-1)).toContain('jti was used before');
  });

  test.each([
    ['is missing', { client_assertion: undefined }],
    ['is not a JWT', { client_assertion: 'not.a.jwt' }],
    ['comes without its type', { client_assertion_type: undefined }],
    ['comes with a client secret', { client_secret: 'made-up' }],
    ['comes with another client’s id', { client_id: 'another-client' }],
  ])('that %s gets the one opaque response', async (_what, fields) => {
    await expectInvalidClient(await bench.tokenRequest({ code: await code(), ...fields }));
  });

  test('beside an Authorization header gets the one opaque response', async () => {
    const headers = { authorization: 'Basic dGVzdC1jbGllbnQ6eA==' };
    await expectInvalidClient(await bench.tokenRequest({ code: await code() }, headers));
  });

  test.each([undefined, 'JWT', 'client-authentication+jwt'])('may have the typ %s', async (typ) => {
    const assertion = await bench.assertion({ header: { typ } });
    expect((await bench.tokenRequest({ code: await code(), client_assertion: assertion })).status).toBe(200);
  });

  test('spends no code when it is refused', async () => {
    const unspent = await code();
    const bad = await bench.assertion({ claims: { aud: 'elsewhere' } });
    await expectInvalidClient(await bench.tokenRequest({ code: unspent, client_assertion: bad }));
    expect((await bench.tokenRequest({ code: unspent })).status).toBe(200);
  });
});

describe('A client’s published keys', () => {
  test('are cached, and not fetched again within a minute for a key that is not among them', async () => {
    expect((await bench.tokenRequest({ code: await code() })).status).toBe(200);
    const before = bench.jwks.fetches;
    expect((await bench.tokenRequest({ code: await code() })).status).toBe(200);
    const unknown = await bench.assertion({ header: { kid: 'key-2' } });
    await expectInvalidClient(await bench.tokenRequest({ code: await code(), client_assertion: unknown }));
    expect(bench.jwks.fetches).toBe(before);
  });

  test('are asked for again when they could not be fetched', async () => {
    const other = await startBench();
    try {
      other.jwks.status = 503;
      const first = codeOf(await new Browser(other).signIn('900000000001'));
      await expectInvalidClient(await other.tokenRequest({ code: first }));
      other.jwks.status = 200;
      expect((await other.tokenRequest({ code: first })).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  test('stay wrong for the client that published an empty set with status 200', async () => {
    const other = await startBench();
    try {
      const { keys } = other.jwks;
      other.jwks.keys = [];
      const first = codeOf(await new Browser(other).signIn('900000000001'));
      await expectInvalidClient(await other.tokenRequest({ code: first }));
      other.jwks.keys = keys;
      await expectInvalidClient(await other.tokenRequest({ code: first }));
    } finally {
      await other.close();
    }
  });

  test('may be several, each known by its kid', async () => {
    const other = await startBench();
    try {
      const { publicJwk } = await signingPair('RS512');
      const jwk = { ...publicJwk, kid: 'key-0', use: 'sig', alg: 'RS512' };
      other.jwks.keys = [jwk, ...other.jwks.keys];
      const first = codeOf(await new Browser(other).signIn('900000000001'));
      expect((await other.tokenRequest({ code: first })).status).toBe(200);
    } finally {
      await other.close();
    }
  });
});

describe('An authorisation code', () => {
  const verifier = 'v'.repeat(43);
  const pkce = {
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };

  test('is exchanged with the verifier of its challenge', async () => {
    const response = await bench.tokenRequest({ code: await code(pkce), code_verifier: verifier });
    expect(response.status).toBe(200);
  });

  test.each([
    ['another verifier', { code_verifier: 'w'.repeat(43) }],
    ['no verifier', {}],
    ['another redirect URI', { code_verifier: verifier, redirect_uri: `${redirectUri}/` }],
    ['no redirect URI', { code_verifier: verifier, redirect_uri: undefined }],
  ])('is refused and spent with %s', async (_what, fields) => {
    const spent = await code(pkce);
    await expectInvalidGrant(await bench.tokenRequest({ code: spent, ...fields }));
    await expectInvalidGrant(await bench.tokenRequest({ code: spent, code_verifier: verifier }));
  });

  test('is refused with a verifier when the request had no challenge', async () => {
    await expectInvalidGrant(await bench.tokenRequest({ code: await code(), code_verifier: verifier }));
  });

  test('is refused when it is made up', async () => {
    await expectInvalidGrant(await bench.tokenRequest({ code: 'made-up' }));
  });

  test('is refused a second time, and what it gave out is withdrawn', async () => {
    const once = await code();
    const tokens = (await (await bench.tokenRequest({ code: once })).json()) as { access_token: string };
    const userInfo = () =>
      fetch(bench.as.userinfo_endpoint ?? '', {
        headers: { authorization: `Bearer ${tokens.access_token}` },
      });
    expect((await userInfo()).status).toBe(200);
    await expectInvalidGrant(await bench.tokenRequest({ code: once }));
    expect((await userInfo()).status).toBe(401);
  });

  test('is exchanged once when two requests race', async () => {
    const once = await code();
    const responses = await Promise.all([
      bench.tokenRequest({ code: once }),
      bench.tokenRequest({ code: once }),
    ]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test('is refused after 60 seconds', async () => {
    const late = await code();
    bench.clock.ahead = 61;
    try {
      await expectInvalidGrant(await bench.tokenRequest({ code: late }));
    } finally {
      bench.clock.ahead = 0;
    }
  });

  test('is refused to another client, and stays good for its own', async () => {
    const ours = await code();
    const theirs = await bench.assertion({ claims: { iss: 'another-client', sub: 'another-client' } });
    await expectInvalidGrant(await bench.tokenRequest({ code: ours, client_assertion: theirs }));
    expect((await bench.tokenRequest({ code: ours })).status).toBe(200);
  });
});

describe('The token endpoint', () => {
  test.each(['refresh_token', 'client_credentials', undefined])(
    'does not know the grant type %s',
    async (grant) => {
      const response = await bench.tokenRequest({ code: await code(), grant_type: grant });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' });
    },
  );

  test('wants a code, and each parameter once', async () => {
    const without = await bench.tokenRequest({});
    expect(without.status).toBe(400);
    expect(await without.json()).toMatchObject({ error: 'invalid_request' });
    const body = new URLSearchParams([
      ['code', 'a'],
      ['code', 'b'],
    ]);
    const twice = await fetch(bench.as.token_endpoint ?? '', { method: 'POST', body });
    expect(await twice.json()).toMatchObject({ error: 'invalid_request' });
  });

  test('reads a form and nothing else', async () => {
    const body = JSON.stringify({ client_assertion: await bench.assertion() });
    const headers = { 'content-type': 'application/json' };
    await expectInvalidClient(await fetch(bench.as.token_endpoint ?? '', { method: 'POST', body, headers }));
  });

  test('refuses a body that is too large', async () => {
    const body = new URLSearchParams({ code: 'x'.repeat(70_000) });
    expect((await fetch(bench.as.token_endpoint ?? '', { method: 'POST', body })).status).toBe(413);
  });
});

describe('The log', () => {
  test('has one line a request, without codes, tokens or assertions', async () => {
    const before = bench.log.length;
    const secret = await code();
    const assertion = await bench.assertion();
    const response = await bench.tokenRequest({ code: secret, client_assertion: assertion });
    const tokens = (await response.json()) as { access_token: string; id_token: string };
    const lines = bench.log.slice(before);
    expect(lines).toEqual([
      'GET /authorize 200 sign-in page for test-client',
      'POST /openam/sign-in 302 code for 900000000001, signed in now',
      'POST /access_token 200 tokens for 900000000001 to test-client',
    ]);
    for (const value of [secret, assertion, tokens.access_token, tokens.id_token]) {
      expect(lines.join('\n')).not.toContain(value);
    }
  });
});
