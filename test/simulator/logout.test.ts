import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { logoutKinds, otherSpelling } from '../../local/cis2-simulator/logout-token.ts';
import {
  Browser,
  clientId,
  codeOf,
  signedOutUri,
  startBench,
  type Bench,
  type LogoutRequest,
} from './client.ts';
import { eventually, controlPanel, controlPanelState, signInFully } from './control-panel-client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterEach(async () => {
  for (const { uid } of (await controlPanelState(bench)).sessions) await controlPanel(bench, 'pull', { uid });
  await controlPanel(bench, 'reset');
  bench.backchannel.status = 200;
  bench.backchannel.received.length = 0;
});
afterAll(() => bench.close());

const gp = '900000000001';
const administrator = '900000000004';
const event = 'http://schemas.openid.net/event/backchannel-logout';

const tokenOf = ({ body }: LogoutRequest): string => new URLSearchParams(body).get('logout_token') ?? '';
const keys = () => createRemoteJWKSet(new URL(bench.as.jwks_uri ?? ''));

describe('Pulling a smartcard', () => {
  test('posts one logout token as CIS2 does, and says what the client responded and how long that took', async () => {
    const { claims } = await signInFully(bench, new Browser(bench), gp);
    const { body } = await controlPanel(bench, 'pull', { uid: gp });
    expect(bench.backchannel.received).toHaveLength(1);
    const [received] = bench.backchannel.received as [LogoutRequest];
    expect(received.path).toBe('/logout');
    expect(received.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
    expect([...new URLSearchParams(received.body).keys()]).toEqual(['logout_token']);
    const { payload, protectedHeader } = await jwtVerify(tokenOf(received), keys(), {
      algorithms: ['RS256'],
    });
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: expect.any(String) });
    expect(payload).toEqual({
      iss: bench.simulator.issuer,
      sub: gp,
      aud: clientId,
      iat: expect.any(Number),
      jti: expect.any(String),
      sid: claims['sid'],
      events: { [event]: {} },
    });
    expect(body.deliveries).toEqual([
      expect.objectContaining({
        clientId,
        kind: 'good',
        status: 200,
        sub: gp,
        sid: claims['sid'],
        body: 'what the client says',
        milliseconds: expect.any(Number),
      }),
    ]);
    expect((await controlPanelState(bench)).deliveries).toEqual(body.deliveries);
  });

  test('ends that session and no other', async () => {
    const [first, second] = [new Browser(bench), new Browser(bench)];
    await signInFully(bench, first, gp);
    await signInFully(bench, second, administrator);
    await controlPanel(bench, 'pull', { uid: gp });
    expect((await controlPanelState(bench)).sessions.map(({ uid }) => uid)).toEqual([administrator]);
    expect((await first.authorize()).status).toBe(200);
    expect((await second.authorize()).status).toBe(302);
    expect(bench.backchannel.received.map((received) => decodeJwt(tokenOf(received)).sub)).toEqual([gp]);
  });

  test('of one of a person’s two sessions leaves the other', async () => {
    await signInFully(bench, new Browser(bench), gp);
    const { claims } = await signInFully(bench, new Browser(bench), gp);
    const session = (await controlPanelState(bench)).sessions.find(({ sid }) => sid === claims['sid']);
    expect((await controlPanel(bench, 'pull', { session: session?.id })).status).toBe(200);
    const left = (await controlPanelState(bench)).sessions;
    expect(left.map(({ uid }) => uid)).toEqual([gp]);
    expect(left[0]?.sid).not.toBe(claims['sid']);
  });

  test('tells no client that took no sign-in to its end, and none without an address', async () => {
    const browser = new Browser(bench);
    const callback = await browser.signIn(gp);
    const { body } = await controlPanel(bench, 'pull', { uid: gp });
    expect(body.deliveries).toEqual([]);
    // What came too late is worth nothing: no logout could reach that client any more.
    expect((await bench.tokenRequest({ code: codeOf(callback) })).status).toBe(400);
    expect(bench.log.at(-1)).toContain('its CIS2 session has ended');
    expect(bench.backchannel.received).toEqual([]);
  });

  test('does not try again when the client fails', async () => {
    await signInFully(bench, new Browser(bench), gp);
    bench.backchannel.status = 503;
    const { body } = await controlPanel(bench, 'pull', { uid: gp });
    expect(body.deliveries).toMatchObject([{ status: 503 }]);
    expect((await controlPanel(bench, 'pull', { uid: gp })).status).toBe(400);
    expect(bench.backchannel.received).toHaveLength(1);
  });

  test('gives up on a client that does not respond as the simulator ends', async () => {
    const other = await startBench();
    other.backchannel.status = 'hang';
    await signInFully(other, new Browser(other), gp);
    const pulled = controlPanel(other, 'pull', { uid: gp }).catch(() => 'cut');
    await eventually(() => other.backchannel.received.length === 1);
    const began = Date.now();
    await other.close();
    await pulled;
    expect(Date.now() - began).toBeLessThan(3_000);
  });
});

describe('A logout token that the control panel sends', () => {
  const sent = async (kind: string): Promise<LogoutRequest> => {
    bench.backchannel.received.length = 0;
    const { body, status } = await controlPanel(bench, 'logout', { kind, uid: gp });
    expect([status, body.error]).toEqual([200, undefined]);
    expect(body.deliveries).toMatchObject([{ kind, status: 200 }]);
    expect(bench.backchannel.received).toHaveLength(1);
    return bench.backchannel.received[0]!;
  };
  const verifies = (token: string): Promise<boolean> =>
    jwtVerify(token, keys(), { algorithms: ['RS256'], clockTolerance: 10_000 }).then(
      () => true,
      () => false,
    );
  const now = () => Math.floor(Date.now() / 1_000);

  /** What is wrong with each, beside everything that stays right. */
  const claimsOf: Record<string, (claims: Record<string, unknown>, good: Record<string, unknown>) => void> = {
    good: (claims, good) => expect(claims).toEqual({ ...good, jti: claims['jti'], iat: claims['iat'] }),
    'sub-only': (claims) => expect([claims['sub'], claims['sid']]).toEqual([gp, undefined]),
    'sid-only': (claims, good) => expect([claims['sub'], claims['sid']]).toEqual([undefined, good['sid']]),
    'with-exp': (claims) => expect(claims['exp']).toBeGreaterThan(now()),
    'wrong-iss': (claims, good) => expect(claims['iss']).not.toBe(good['iss']),
    'iss-spelt-otherwise': (claims, good) => {
      expect(claims['iss']).not.toBe(good['iss']);
      expect(new URL(String(claims['iss'])).href).toBe(new URL(String(good['iss'])).href);
    },
    'wrong-aud': (claims) => expect(claims['aud']).not.toBe(clientId),
    'no-events': (claims) => expect(claims).not.toHaveProperty('events'),
    'wrong-event': (claims) => expect(Object.keys(claims['events'] as object)).not.toContain(event),
    'events-null': (claims) => expect(claims['events']).toBeNull(),
    'event-not-an-object': (claims) => expect(claims['events']).toEqual({ [event]: 'yes' }),
    nonce: (claims) => expect(claims['nonce']).toEqual(expect.any(String)),
    'stale-iat': (claims) => expect(Number(claims['iat'])).toBeLessThan(now() - 500),
    'future-iat': (claims) => expect(Number(claims['iat'])).toBeGreaterThan(now() + 500),
    'no-iat': (claims) => expect(claims).not.toHaveProperty('iat'),
    expired: (claims) => expect(Number(claims['exp'])).toBeLessThan(now() - 60),
    'no-sub-no-sid': (claims) => expect([claims['sub'], claims['sid']]).toEqual([undefined, undefined]),
    'no-jti': (claims) => expect(claims).not.toHaveProperty('jti'),
    'repeated-jti': (claims, good) => expect(claims['jti']).toBe(good['jti']),
    'id-token': (claims) => expect(claims['tokenName']).toBe('id_token'),
    replay: (claims, good) => expect(claims).toEqual(good),
  };

  test.each(Object.keys(claimsOf))(
    '%s is signed well and has the claims that its name says',
    async (kind) => {
      await signInFully(bench, new Browser(bench), gp);
      const good = decodeJwt(tokenOf(await sent('good')));
      const token = tokenOf(await sent(kind));
      claimsOf[kind]!(decodeJwt(token), good);
      if (kind !== 'expired') expect(await verifies(token)).toBe(true);
      expect(decodeProtectedHeader(token).typ).toBe('JWT');
    },
  );

  test.each([
    ['alg-none', 'none'],
    ['hs256', 'HS256'],
    ['wrong-key', 'RS256'],
    ['unknown-kid', 'RS256'],
  ])('%s is no token of the provider’s', async (kind, alg) => {
    await signInFully(bench, new Browser(bench), gp);
    const ours = (await controlPanelState(bench)).keys.map(({ kid }) => kid);
    const token = tokenOf(await sent(kind));
    expect(await verifies(token)).toBe(false);
    const header = decodeProtectedHeader(token);
    expect(header.alg).toBe(alg);
    if (kind === 'wrong-key') expect(ours).toContain(header.kid);
    if (kind === 'unknown-kid') expect(ours).not.toContain(header.kid);
    expect(decodeJwt(token).sub).toBe(gp);
  });

  test.each([
    ['typ-logout-jwt', 'logout+jwt'],
    ['no-typ', undefined],
  ])('%s has the typ %s', async (kind, typ) => {
    await signInFully(bench, new Browser(bench), gp);
    const token = tokenOf(await sent(kind));
    expect(decodeProtectedHeader(token).typ).toBe(typ);
    expect(await verifies(token)).toBe(true);
  });

  test('can come as JSON, or in the query', async () => {
    await signInFully(bench, new Browser(bench), gp);
    const asJson = await sent('wrong-content-type');
    expect(asJson.headers['content-type']).toBe('application/json');
    expect(await verifies((JSON.parse(asJson.body) as { logout_token: string }).logout_token)).toBe(true);
    const inQuery = await sent('in-the-query');
    expect(inQuery.body).toBe('');
    expect(await verifies(new URL(inQuery.path, 'http://x').searchParams.get('logout_token') ?? '')).toBe(
      true,
    );
  });

  test('ends nothing at the simulator', async () => {
    await signInFully(bench, new Browser(bench), gp);
    for (const kind of Object.keys(logoutKinds)) await controlPanel(bench, 'logout', { kind, uid: gp });
    expect((await controlPanelState(bench)).sessions.map(({ uid }) => uid)).toEqual([gp]);
  });

  test('can be about anybody', async () => {
    const response = await controlPanel(bench, 'logout', {
      client: clientId,
      sub: '900000009999',
      sid: 'made-up',
    });
    expect(response.status).toBe(200);
    expect(decodeJwt(tokenOf(bench.backchannel.received[0]!))).toMatchObject({
      sub: '900000009999',
      sid: 'made-up',
    });
  });

  test.each([
    [{ kind: 'made-up', client: clientId }, 'There is no such kind of logout token.'],
    [{ client: 'nobody' }, 'There is no such client.'],
    [{ client: 'another-client', sub: gp }, 'No client with a back-channel logout URI has a sign-in there.'],
    [{ uid: '900000000009' }, 'There is no such session.'],
    [{}, 'session, uid or client is missing.'],
    [{ client: clientId, sub: gp, kind: 'id-token' }, 'This client has no ID token of this session.'],
  ])('is refused with a reason when it cannot be made: %j', async (input, error) => {
    expect(await controlPanel(bench, 'logout', input)).toEqual({ status: 400, body: { error } });
    expect(bench.backchannel.received).toEqual([]);
  });

  test('cannot repeat what was never sent', async () => {
    const other = await startBench();
    for (const kind of ['replay', 'repeated-jti']) {
      expect((await controlPanel(other, 'logout', { client: clientId, sub: gp, kind })).body.error).toContain(
        'none to repeat',
      );
    }
    await other.close();
  });

  test.each([
    ['http://127.0.0.1:3001/realm', 'http://127.0.0.1:03001/realm'],
    ['http://127.0.0.1:03001/realm', 'http://127.0.0.1:3001/realm'],
    ['http://127.0.0.1:80/realm', 'http://127.0.0.1/realm'],
    ['http://127.0.0.1/realm', 'http://127.0.0.1:80/realm'],
  ])('spells the issuer %s otherwise as %s', (issuer, other) => {
    expect(otherSpelling(issuer)).toBe(other);
  });
});

describe('The end-session endpoint', () => {
  const end = (browser: Browser, query: Record<string, string>) =>
    browser.open(`${bench.as.end_session_endpoint ?? ''}?${new URLSearchParams(query).toString()}`);
  const isSignedIn = async (browser: Browser) => (await browser.authorize()).status === 302;

  test('ends the session of the ID token, tells its clients, and leaves the browser on 204', async () => {
    const browser = new Browser(bench);
    const { idToken } = await signInFully(bench, browser, gp);
    expect((await end(new Browser(bench), { id_token_hint: idToken })).status).toBe(204);
    expect(await isSignedIn(browser)).toBe(false);
    await eventually(() => bench.backchannel.received.length === 1);
  });

  test('goes back to a registered page with the state, whether or not there was a session', async () => {
    const browser = new Browser(bench);
    const { idToken } = await signInFully(bench, browser, gp);
    for (const query of [
      { id_token_hint: idToken, post_logout_redirect_uri: signedOutUri, state: 'a b&c' },
      { client_id: clientId, post_logout_redirect_uri: signedOutUri, state: 'a b&c' },
    ]) {
      const response = await end(browser, query);
      expect(response.status).toBe(302);
      expect(response.headers.get('location')).toBe(`${signedOutUri}?state=a+b%26c`);
    }
  });

  test('ends this browser’s session for a client that names itself, and adds nothing without a state', async () => {
    const [browser, other] = [new Browser(bench), new Browser(bench)];
    await signInFully(bench, browser, gp);
    await signInFully(bench, other, gp);
    const response = await end(browser, { client_id: clientId, post_logout_redirect_uri: signedOutUri });
    expect(response.headers.get('location')).toBe(signedOutUri);
    expect([await isSignedIn(browser), await isSignedIn(other)]).toEqual([false, true]);
  });

  test.each([
    ['no hint and no way back', { client_id: clientId }],
    ['nothing', {}],
    [
      'a way back that is not registered',
      { client_id: clientId, post_logout_redirect_uri: `${signedOutUri}/` },
    ],
    ['a way back of another client', { client_id: 'another-client', post_logout_redirect_uri: signedOutUri }],
    ['a way back without a client', { post_logout_redirect_uri: signedOutUri }],
    ['a hint that is no ID token', { id_token_hint: 'x.y.z', post_logout_redirect_uri: signedOutUri }],
  ])('refuses %s and ends nothing', async (_what, query) => {
    const browser = new Browser(bench);
    await signInFully(bench, browser, gp);
    const response = await end(browser, query);
    expect(response.status).toBe(400);
    expect(response.headers.has('location')).toBe(false);
    expect(await isSignedIn(browser)).toBe(true);
  });

  test('refuses an ID token with another client’s id, and ends nothing', async () => {
    const browser = new Browser(bench);
    const { idToken, accessToken } = await signInFully(bench, browser, gp);
    const query = { client_id: 'another-client', post_logout_redirect_uri: signedOutUri };
    expect((await end(browser, { id_token_hint: idToken, ...query })).status).toBe(400);
    expect((await end(browser, { id_token_hint: accessToken })).status).toBe(400);
    expect(await isSignedIn(browser)).toBe(true);
  });
});
