/** `/api/pds/…`: the tokens that calls carry, from the exchange at the first call to the last refresh. */
import { describe, expect, test } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionCookie, type Browser } from '../support/browser.ts';
import { oneRole } from '../support/provider.ts';
import {
  apiSecret,
  chooseRole,
  patchPatient,
  patientPath,
  roleIds,
  sessionOf,
  twoRoles,
  useProxyRig,
} from '../support/proxy-rig.ts';
import { partitionOf } from '../support/table.ts';
import { apiKey } from '../unit/api-tokens-platform.ts';
import { expectProblem, read } from './expectations.ts';

const rig = useProxyRig();

const bearers = (): string[] =>
  rig.upstream.calls.map(({ headers }) => headers.authorization?.slice('Bearer '.length) ?? '');

const expectStatus = async (call: Promise<Response>, status: number): Promise<void> => {
  const { status: got, body } = await read(await call);
  expect({ got, body: got === status ? '' : body }).toEqual({ got: status, body: '' });
};

/** A session whose tokens have come to their end, after this many milliseconds. */
async function withExpiredToken(milliseconds = 1_200): Promise<Browser> {
  rig.platform.lifetimeSeconds = 1;
  const browser = await rig.signedIn();
  await expectStatus(browser.api(patientPath), 200);
  rig.platform.lifetimeSeconds = 599;
  await sleep(milliseconds);
  return browser;
}

/** Nothing is exchanged for an ID token in its last half minute, which begins after this many milliseconds. */
const idTokenLasts = 3_500;
const withShortIdToken = (): void => {
  rig.provider.claims = ({ now }) => ({ exp: now + 33 });
};

const stepUp = { reauth: true, loginUrl: '/auth/login?reauth=1' };

describe('the first call of a session', () => {
  test('exchanges the user’s ID token, and the next ones do not', async () => {
    const browser = await rig.signedIn();
    expect(rig.platform.calls).toEqual([]);
    for (let call = 0; call < 3; call += 1) await expectStatus(browser.api(patientPath), 200);
    expect(rig.platform.calls.map(({ grant, refused }) => [grant, refused])).toEqual([
      ['exchange', undefined],
    ]);
    expect(new Set(bearers()).size).toBe(1);
  });

  test('proves who asks by our key, for this endpoint and for minutes only [B-25]', async () => {
    await expectStatus((await rig.signedIn()).api(patientPath), 200);
    const { client_assertion: assertion = '', ...parameters } = rig.platform.calls[0]?.parameters ?? {};
    expect(parameters).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token: expect.stringMatching(/^ey/),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    });
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'RS512', typ: 'JWT' });
    const { exp = 0, ...claims } = decodeJwt(assertion);
    expect(claims).toMatchObject({
      iss: apiKey,
      sub: apiKey,
      aud: rig.platform.tokenUrl,
      jti: expect.any(String),
    });
    expect(exp - Date.now() / 1_000).toBeLessThanOrEqual(300);
  });

  test('gives an upstream the platform’s token and no other: not CIS2’s, not the ID token [B-17, B-24]', async () => {
    let ofCis2 = '';
    rig.provider.claims = ({ accessToken }) => {
      ofCis2 = accessToken;
      return {};
    };
    await expectStatus((await rig.signedIn()).api(patientPath), 200);
    expect(ofCis2).not.toBe('');
    const [call] = rig.upstream.calls;
    const idToken = rig.platform.calls[0]?.parameters['subject_token'] ?? '';
    expect(rig.platform.ownerOf(bearers()[0] ?? '')).toBe('900000000111');
    expect(JSON.stringify([call?.target, call?.headers])).not.toContain(ofCis2);
    expect(JSON.stringify([call?.target, call?.headers])).not.toContain(idToken);
    expect(JSON.stringify(rig.platform.calls)).not.toContain(ofCis2);
  });

  test('of a session that an older release began asks for another sign-in', async () => {
    const browser = await rig.signedIn();
    const pk = partitionOf(browser.cookies.get(sessionCookie));
    const item = await rig.tables.item(pk, 'token#cis2');
    expect(item).toBeDefined();
    await rig.tables.delete(item ?? {});
    expectProblem(await read(await browser.api(patientPath)), 401, 'step_up_required', stepUp);
    expect((await browser.session()).status).toBe('active');
    expect(rig.platform.calls).toEqual([]);
  });
});

describe('a token that has come to its end', () => {
  test('is refreshed once, with our secret and without the user [B-01, B-21]', async () => {
    const browser = await withExpiredToken();
    await expectStatus(browser.api(patientPath), 200);
    expect(rig.platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh']);
    expect(rig.platform.calls[1]?.parameters).toEqual({
      grant_type: 'refresh_token',
      refresh_token: expect.stringMatching(/^refresh-/),
      client_id: apiKey,
      client_secret: apiSecret,
    });
    expect(new Set(bearers()).size).toBe(2);
  });

  test('is refreshed once for a hundred calls at the same moment, and none of them fails [B-21, S-14]', async () => {
    const browser = await withExpiredToken();
    rig.platform.delayMs = 200;
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async () => (await browser.api(patientPath)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(rig.platform.count('refresh')).toBe(1);
    expect(rig.platform.calls.filter(({ refused }) => refused !== undefined)).toEqual([]);
    const [first, ...later] = bearers();
    expect(later).toHaveLength(100);
    expect(new Set(later).size).toBe(1);
    expect(later).not.toContain(first);
  });

  test('is exchanged anew where its refresh token is dead and the ID token lives', async () => {
    const browser = await withExpiredToken();
    rig.platform.revoke();
    await expectStatus(browser.api(patientPath), 200);
    expect(rig.platform.calls.map(({ grant, refused }) => [grant, refused])).toEqual([
      ['exchange', undefined],
      ['refresh', 'invalid_grant'],
      ['exchange', undefined],
    ]);
  });

  test('asks for another sign-in where nothing is left that lives: once, and without a loop [B-19, B-20]', async () => {
    withShortIdToken();
    const browser = await withExpiredToken(idTokenLasts);
    rig.platform.revoke();
    expectProblem(await read(await browser.api(patientPath)), 401, 'step_up_required', stepUp);
    expect(rig.platform.count('refresh')).toBe(1);
    // The dead token is not tried again, and the session is what it was.
    expectProblem(await read(await browser.api(patientPath)), 401, 'step_up_required', stepUp);
    expect(rig.platform.count('refresh')).toBe(1);
    expect((await browser.session()).status).toBe('active');
    rig.provider.claims = () => ({});
    await browser.signIn(rig.provider, '?reauth=1');
    await expectStatus(browser.api(patientPath), 200);
  });

  test('asks for another sign-in once the refresh token is too old, without trying it [B-19]', async () => {
    withShortIdToken();
    rig.platform.refreshLifetimeSeconds = 1;
    const browser = await withExpiredToken(idTokenLasts);
    expectProblem(await read(await browser.api(patientPath)), 401, 'step_up_required', stepUp);
    expect(rig.platform.count('refresh')).toBe(0);
  });
});

describe('a refresh whose response is lost [S-15]', () => {
  const lose = async (milliseconds?: number): Promise<Browser> => {
    const browser = await withExpiredToken(milliseconds);
    rig.platform.faults = ['lost'];
    return browser;
  };

  test('is made good by the ID token, while that lives', async () => {
    const browser = await lose();
    await expectStatus(browser.api(patientPath), 200);
    expect(rig.platform.calls.map(({ grant, refused }) => [grant, refused])).toEqual([
      ['exchange', undefined],
      ['refresh', undefined],
      ['refresh', 'invalid_grant'],
      ['exchange', undefined],
    ]);
  });

  test('else ends in one clean question for another sign-in', async () => {
    withShortIdToken();
    const browser = await lose(idTokenLasts);
    for (let call = 0; call < 3; call += 1) {
      expectProblem(await read(await browser.api(patientPath)), 401, 'step_up_required', stepUp);
    }
    expect(rig.platform.count('refresh')).toBe(2);
    expect((await browser.session()).status).toBe('active');
  });
});

describe('an upstream that refuses the token', () => {
  const refusing = (times: number): void => {
    rig.upstream.respond = (response, _, count) => {
      response
        .writeHead(count <= times ? 401 : 200, { 'content-type': 'application/fhir+json' })
        .end('{"resourceType":"OperationOutcome"}');
    };
  };

  test('gets a fresh one and the same call once more, body and all', async () => {
    refusing(1);
    const browser = await rig.signedIn();
    const body = '[{"op":"remove","path":"/name/0"}]';
    await expectStatus(patchPatient(browser, {}, body), 200);
    const [one, two, ...more] = rig.upstream.calls;
    expect(more).toEqual([]);
    expect([one?.body.toString(), two?.body.toString()]).toEqual([body, body]);
    expect(two?.headers['x-request-id']).toBe(one?.headers['x-request-id']);
    expect(bearers()[0]).not.toBe(bearers()[1]);
    expect(rig.platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh']);
  });

  test('and the fresh one too makes it 502, never a 401 that a page would take for the session’s end', async () => {
    refusing(Infinity);
    const browser = await rig.signedIn();
    expectProblem(await read(await browser.api(patientPath)), 502, 'upstream_invalid');
    expect(rig.upstream.calls).toHaveLength(2);
    expect(rig.platform.count('refresh')).toBe(1);
    expect((await browser.session()).status).toBe('active');
  });
});

describe('while a token is refreshed', () => {
  /** Runs `meanwhile` while the platform is at work on a refresh. */
  const during = (meanwhile: () => Promise<unknown>): void => {
    rig.platform.during = async (grant) => {
      if (grant === 'refresh') await meanwhile();
    };
  };

  test('a sign-out wins: the call is 401, nothing reaches the upstream, and no token is kept', async () => {
    const browser = await withExpiredToken();
    const cookie = browser.cookies.get(sessionCookie) ?? '';
    during(() => browser.api('/auth/logout', { method: 'POST' }));
    expectProblem(await read(await browser.api(patientPath)), 401, 'session_ended', {
      reason: 'signed_out',
      loginUrl: '/auth/login',
    });
    expect(rig.upstream.calls).toHaveLength(1);
    browser.cookies.set(sessionCookie, cookie);
    expect(await browser.session()).toMatchObject({ status: 'ended', reason: 'signed_out' });
    expect((await browser.api(patientPath)).status).toBe(401);
    expect(await rig.core(browser)).not.toHaveProperty('wrappedKey');
  });

  test('a change of role loses nothing: neither the call nor the tokens', async () => {
    rig.provider.userInfo = twoRoles;
    rig.platform.lifetimeSeconds = 1;
    const browser = await rig.signedIn();
    expect((await chooseRole(browser, roleIds[0])).status).toBe(200);
    await expectStatus(browser.api(patientPath), 200);
    rig.platform.lifetimeSeconds = 599;
    await sleep(1_200);
    during(() => chooseRole(browser, roleIds[1]));
    await expectStatus(browser.api(patientPath), 200);
    rig.platform.during = undefined;
    await expectStatus(browser.api(patientPath), 200);
    expect(rig.upstream.calls.map(({ headers }) => headers['nhsd-session-urid'])).toEqual([
      roleIds[0],
      roleIds[0],
      roleIds[1],
    ]);
    expect(rig.platform.calls.map(({ grant }) => grant)).toEqual(['exchange', 'refresh']);
  });
});

describe('two users at the same time', () => {
  test('never carry one another’s token, nor one another’s role [ASVS-8.3.3]', async () => {
    rig.platform.lifetimeSeconds = 1;
    const people = ['900000000121', '900000000122'].map((uid) => ({ uid, browser: rig.browser() }));
    for (const { uid, browser } of people) {
      rig.provider.claims = () => ({ sub: uid });
      rig.provider.userInfo = {
        ...{ sub: uid, uid, nhsid_useruid: uid },
        nhsid_nrbac_roles: [{ ...oneRole, person_roleid: uid }],
      };
      expect((await browser.signIn(rig.provider)).status).toBe(303);
    }
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(
        people.flatMap(({ browser }) =>
          Array.from({ length: 10 }, () => expectStatus(browser.api(patientPath), 200)),
        ),
      );
      await sleep(1_100);
    }
    expect(rig.upstream.calls).toHaveLength(60);
    for (const { headers } of rig.upstream.calls) {
      const token = headers.authorization?.slice('Bearer '.length) ?? '';
      expect(rig.platform.ownerOf(token)).toBe(headers['nhsd-session-urid']);
    }
    expect(rig.platform.count('refresh')).toBeGreaterThan(2);
  });
});

describe('the platform’s token endpoint, when it fails', () => {
  test('makes a call 503 with a time to wait, and the session stays as it was', async () => {
    const browser = await rig.signedIn();
    const before = await sessionOf(browser);
    rig.platform.faults = [{ status: 503, body: 'away' }];
    const response = await read(await browser.api(patientPath));
    expectProblem(response, 503, 'provider_unavailable');
    const wait = Number(response.headers['retry-after']);
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(rig.upstream.calls).toEqual([]);
    const after = await sessionOf(browser);
    expect([after.status, after.handle]).toEqual([before.status, before.handle]);
    await sleep(1_000 * wait + 100);
    await expectStatus(browser.api(patientPath), 200);
  });
});
