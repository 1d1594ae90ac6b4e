import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWK } from 'jose';
import { LogoutTokenRefused, ProviderUnavailable } from '../../lambdas/cis2/errors.ts';
import { createLogoutTokenVerifier, type LogoutTokenVerifier } from '../../lambdas/cis2/logout-token.ts';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { playHttps } from '../support/played-host.ts';
import { Provider, providerKey, type ProviderKey } from '../support/provider.ts';

const clientId = 'rp.unit';
const event = 'http://schemas.openid.net/event/backchannel-logout';

let provider: Provider;
let key: ProviderKey;
let other: ProviderKey;
let now: number;
let verifier: LogoutTokenVerifier;
const signal = () => AbortSignal.timeout(5_000);

beforeAll(async () => {
  provider = await Provider.start();
  key = provider.signing;
  other = await providerKey();
});
beforeEach(async () => {
  now = Math.floor(Date.now() / 1000);
  verifier = verifierFor(provider.issuer);
  await verifier.prepare(signal());
  provider.requests.length = 0;
});
afterEach(() => {
  provider.behave();
  provider.published = [key.publicJwk];
});
afterAll(() => provider.close());

const verifierFor = (issuer: string): LogoutTokenVerifier =>
  createLogoutTokenVerifier({
    issuer,
    clientId,
    clock: () => now as EpochSeconds,
    onStale: () => undefined,
  });

type Claims = Record<string, unknown>;

/** A token as CIS2 sends it: `exp` and `typ` are missing. */
const good = (): Claims => ({
  iss: provider.issuer,
  sub: '900000000111',
  aud: clientId,
  iat: now,
  jti: randomUUID(),
  sid: 'sid/+a=',
  events: { [event]: {} },
});

/** `undefined` leaves a member out. */
const signed = (
  changes: Claims = {},
  { header = {}, by = key }: { header?: Claims; by?: ProviderKey } = {},
): Promise<string> =>
  new SignJWT({ ...good(), ...changes })
    .setProtectedHeader({ kid: by.kid, ...header, alg: 'RS256' })
    .sign(by.privateKey);

/** `believed`, the check that refused, or `undecided` where the token may be sent again. */
const verdict = async (token: string, by = verifier): Promise<string> => {
  try {
    await by.verify(token, signal());
    return 'believed';
  } catch (error) {
    if (error instanceof LogoutTokenRefused) return error.check;
    if (error instanceof ProviderUnavailable) return 'undecided';
    throw error;
  }
};
const keyFetches = () => provider.asked('jwks').length;

/** A token whose parts are what they are given as, under a signature of no use. */
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsignedParts = (header: unknown, claims: unknown): string =>
  `${part(header)}.${part(claims)}.${Buffer.alloc(256, 1).toString('base64url')}`;

describe('a logout token', () => {
  test('in CIS2’s form says whose session is over, and which', async () => {
    const claims = good();
    expect(await verifier.verify(await signed(claims), signal())).toEqual({
      issuer: provider.issuer,
      tokenId: claims['jti'],
      subject: '900000000111',
      providerSessionId: 'sid/+a=',
    });
  });

  test('may hold claims and header members that nobody knows', async () => {
    const header = { x5t: 'x', jku: 'https://evil.example/keys', jwk: other.publicJwk };
    expect(await verdict(await signed({ trace_id: 'x', auditTrackingId: 1 }, { header }))).toBe('believed');
  });

  test('is believed only with its own signature', async () => {
    const [header = '', , signature = ''] = (await signed()).split('.');
    const [, claims = ''] = (await signed({ sub: '900000000999' })).split('.');
    expect(await verdict(`${header}.${claims}.${signature}`)).toBe('signature');
  });
});

describe('the time in a logout token [L-02]', () => {
  test.each<[string, Claims | (() => Claims), string]>([
    ['issued now', () => ({ iat: now }), 'believed'],
    ['issued 360 s ago', () => ({ iat: now - 360 }), 'believed'],
    ['issued 361 s ago', () => ({ iat: now - 361 }), 'iat'],
    ['issued in 60 s', () => ({ iat: now + 60 }), 'believed'],
    ['issued in 61 s', () => ({ iat: now + 61 }), 'iat'],
    ['that was never issued', { iat: undefined }, 'iat'],
    ['issued at null', { iat: null }, 'iat'],
    ['issued at a text', () => ({ iat: String(now) }), 'iat'],
    ['issued at a list', () => ({ iat: [now] }), 'iat'],
    ['issued at a fraction', () => ({ iat: now + 0.5 }), 'believed'],
    ['issued 360.9 s ago', () => ({ iat: now - 360.9 }), 'iat'],
    ['issued in 60.9 s', () => ({ iat: now + 60.9 }), 'believed'],
    ['issued at an infinite number', { iat: 1e308 }, 'iat'],
    ['issued at 0', { iat: 0 }, 'iat'],
    ['that expires', () => ({ exp: now + 120 }), 'believed'],
    ['expired 59 s ago', () => ({ exp: now - 59 }), 'believed'],
    ['expired 60 s ago', () => ({ exp: now - 60 }), 'exp'],
    ['expired 59.5 s ago', () => ({ exp: now - 59.5 }), 'exp'],
    ['that expires at a fraction', () => ({ exp: now + 0.25 }), 'believed'],
    ['that expires at null', { exp: null }, 'believed'],
    ['valid at null', { nbf: null }, 'believed'],
    ['valid at a fraction', () => ({ nbf: now - 0.5 }), 'believed'],
    ['that expires at a text', () => ({ exp: String(now + 120) }), 'exp'],
    ['that expires beyond all time', { exp: 1e15 }, 'exp'],
    ['valid already', () => ({ nbf: now }), 'believed'],
    ['valid in 60 s', () => ({ nbf: now + 60 }), 'believed'],
    ['valid in 61 s', () => ({ nbf: now + 61 }), 'nbf'],
    ['valid at a text', () => ({ nbf: String(now) }), 'nbf'],
  ])('%s', async (_, changes, expected) => {
    expect(await verdict(await signed(typeof changes === 'function' ? changes() : changes))).toBe(expected);
  });
});

describe('who a logout token is from and for [L-02, oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss, oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud]', () => {
  test.each<[string, Claims | (() => Claims), string]>([
    ['from nobody', { iss: undefined }, 'iss'],
    ['from somebody else', { iss: 'https://evil.example' }, 'iss'],
    ['from our issuer with a slash', () => ({ iss: `${provider.issuer}/` }), 'iss'],
    ['from our issuer in capitals', () => ({ iss: provider.issuer.toUpperCase() }), 'iss'],
    ['from a list', () => ({ iss: [provider.issuer] }), 'iss'],
    ['for us in a list', { aud: [clientId] }, 'believed'],
    ['for us and another', { aud: [clientId, 'other'] }, 'aud'],
    ['for us twice', { aud: [clientId, clientId] }, 'aud'],
    ['for another', { aud: 'other' }, 'aud'],
    ['for nobody', { aud: undefined }, 'aud'],
    ['for an empty list', { aud: [] }, 'aud'],
    ['for null', { aud: null }, 'aud'],
    ['for a list in a list', { aud: [[clientId]] }, 'aud'],
    ['for us in capitals', { aud: clientId.toUpperCase() }, 'aud'],
  ])('%s', async (_, changes, expected) => {
    expect(await verdict(await signed(typeof changes === 'function' ? changes() : changes))).toBe(expected);
  });

  test('is compared with the issuer to the byte, `:443` included', async () => {
    const issuer = 'https://am.example.nhs.uk:443/openam';
    const elsewhere = verifierFor(issuer);
    const stopPlaying = await playHttps((url) =>
      Promise.resolve(
        Response.json(
          url.includes('.well-known')
            ? {
                issuer,
                ...Object.fromEntries(
                  ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'].map(
                    (name) => [name, `${issuer}/${name}`],
                  ),
                ),
              }
            : { keys: [key.publicJwk] },
        ),
      ),
    );
    try {
      expect(await verdict(await signed({ iss: issuer }), elsewhere)).toBe('believed');
      expect(await verdict(await signed({ iss: issuer.replace(':443', '') }), elsewhere)).toBe('iss');
    } finally {
      await stopPlaying();
    }
  });
});

describe('whom a logout token names [L-03]', () => {
  test.each<[string, Claims, string]>([
    ['a person alone', { sid: undefined }, 'believed'],
    ['a session alone', { sub: undefined }, 'believed'],
    ['nobody', { sub: undefined, sid: undefined }, 'sub or sid'],
    ['two empty claims', { sub: '', sid: '' }, 'sub or sid'],
    ['a person, and an empty session', { sid: '' }, 'believed'],
    ['a session, and an empty person', { sub: '' }, 'believed'],
    ['a person as a number', { sub: 900000000111 }, 'sub'],
    ['a person as null', { sub: null }, 'believed'],
    ['a session as a list', { sid: ['sid'] }, 'sid'],
    ['a session as an object', { sid: {} }, 'sid'],
    ['a session as null', { sid: null }, 'believed'],
    ['both as null', { sub: null, sid: null }, 'sub or sid'],
  ])('%s', async (_, changes, expected) => {
    expect(await verdict(await signed(changes))).toBe(expected);
  });

  test('is accepted without the claim that was empty', async () => {
    const bySession = await verifier.verify(await signed({ sub: '' }), signal());
    expect(bySession).not.toHaveProperty('subject');
    expect(bySession.providerSessionId).toBe('sid/+a=');
    const byPerson = await verifier.verify(await signed({ sid: '' }), signal());
    expect(byPerson).not.toHaveProperty('providerSessionId');
    expect(byPerson.subject).toBe('900000000111');
  });
});

describe('the event of a logout token [L-04, ASVS-10.5.5, oidcc-client-test-rp-backchannel-rpinitlogout-no-event, oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event]', () => {
  test.each<[string, unknown, string]>([
    ['empty', { [event]: {} }, 'believed'],
    ['with members', { [event]: { reason: 'card removed' } }, 'believed'],
    ['beside another', { [event]: {}, 'http://schemas.openid.net/event/other': {} }, 'believed'],
    ['missing', undefined, 'events'],
    ['null', null, 'events'],
    ['a text', event, 'events'],
    ['in a list', [event], 'events'],
    ['of no kind', {}, 'events'],
    ['another', { 'http://schemas.openid.net/event/frontchannel-logout': {} }, 'events'],
    ['by a nearly right name', { [`${event}/`]: {} }, 'events'],
    ['whose value is null', { [event]: null }, 'events'],
    ['whose value is a text', { [event]: 'x' }, 'events'],
    ['whose value is true', { [event]: true }, 'events'],
    ['whose value is a list', { [event]: [] }, 'events'],
  ])('%s', async (_, events, expected) => {
    expect(await verdict(await signed({ events }))).toBe(expected);
  });
});

describe('what must not, and what must be in a logout token', () => {
  test.each<[unknown]>([['n-1'], [''], [false], [0]])(
    'a nonce, even %j, must not [L-05, ASVS-10.5.5, oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce]',
    async (nonce) => {
      expect(await verdict(await signed({ nonce }))).toBe('nonce');
    },
  );

  test('a nonce that is null is none', async () => {
    expect(await verdict(await signed({ nonce: null }))).toBe('believed');
  });

  test('so that an ID token never passes for one [L-05]', async () => {
    const idToken = { nonce: 'n-1', exp: now + 3_600, auth_time: now, events: undefined };
    expect(await verdict(await signed(idToken, { header: { typ: 'JWT' } }))).toBe('events');
    expect(await verdict(await signed({ ...idToken, events: { [event]: {} } }))).toBe('nonce');
  });

  test.each<[string, unknown, string]>([
    ['missing', undefined, 'jti'],
    ['empty', '', 'jti'],
    ['null', null, 'jti'],
    ['a number', 1, 'jti'],
    ['a list', ['jti'], 'jti'],
    ['255 characters long', 'x'.repeat(255), 'believed'],
    ['256 characters long', 'x'.repeat(256), 'jti'],
  ])('an id must: one that is %s', async (_, jti, expected) => {
    expect(await verdict(await signed({ jti }))).toBe(expected);
  });
});

describe('the header of a logout token [L-01, ASVS-10.5.5]', () => {
  test.each<[Claims, string]>([
    [{ typ: 'JWT' }, 'believed'],
    [{ typ: 'jwt' }, 'believed'],
    [{ typ: 'logout+jwt' }, 'believed'],
    [{ typ: 'Logout+JWT' }, 'believed'],
    [{ typ: 'application/logout+jwt' }, 'believed'],
    [{ typ: 'at+jwt' }, 'typ'],
    [{ typ: 'id+jwt' }, 'typ'],
    [{ typ: 'logout' }, 'typ'],
    [{ typ: 'application/application/jwt' }, 'typ'],
    [{ typ: '' }, 'typ'],
    [{ kid: undefined }, 'believed'],
    [{ kid: null, typ: null }, 'believed'],
  ])('%j', async (header, expected) => {
    expect(await verdict(await signed({}, { header }))).toBe(expected);
  });

  test.each<[Claims, string]>([
    [{ alg: 'RS256', typ: ['JWT'] }, 'typ'],
    [{ alg: 'RS256', kid: 1 }, 'kid'],
    [{ alg: 'RS256', kid: ['key'] }, 'kid'],
    [{ alg: 'RS256', crit: null }, 'crit'],
    [{ alg: null }, 'alg'],
    [{ alg: 'RS256', crit: ['exp'], exp: 1 }, 'crit'],
    [{ alg: 'RS256', crit: [] }, 'crit'],
    [{ alg: 'RS256', b64: false, crit: ['b64'] }, 'crit'],
    [{ alg: 'rs256' }, 'alg'],
    [{ alg: 'none' }, 'alg'],
    [{ alg: 'NONE' }, 'alg'],
    [{ alg: ['RS256'] }, 'alg'],
    [{}, 'alg'],
    [{ alg: 'RSA-OAEP', enc: 'A256GCM' }, 'alg'],
  ])('%j is refused before any key is looked at', async (header, expected) => {
    const fresh = verifierFor(provider.issuer);
    expect(await verdict(unsignedParts(header, good()), fresh)).toBe(expected);
    expect(provider.requests).toEqual([]);
  });

  test('says no algorithm but RS256, whatever it is signed with [oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg]', async () => {
    for (const alg of ['RS384', 'RS512', 'PS256', 'ES256']) {
      const { privateKey, publicKey } = await generateKeyPair(alg, { modulusLength: 2048 });
      const jwk: JWK = { ...(await exportJWK(publicKey)), kid: alg, use: 'sig' };
      provider.published = [key.publicJwk, jwk];
      const token = await new SignJWT(good()).setProtectedHeader({ alg, kid: alg }).sign(privateKey);
      expect(await verdict(token, verifierFor(provider.issuer))).toBe('alg');
    }
  });

  test('says no HMAC, with what everybody knows as its key', async () => {
    const secret = Buffer.from(key.publicJwk.n ?? '', 'base64url');
    const token = await new SignJWT(good()).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(secret);
    expect(await verdict(token)).toBe('alg');
  });

  test('says that it is signed [oidcc-client-test-rp-backchannel-rpinitlogout-alg-none]', async () => {
    expect(await verdict(new UnsecuredJWT(good()).encode())).toBe('alg');
  });
});

describe('a text that is no logout token [L-01, L-12]', () => {
  const wholes: [string, () => string][] = [
    ['nothing', () => ''],
    ['a word', () => 'token'],
    ['two parts', () => `${part({ alg: 'RS256' })}.${part(good())}`],
    ['four parts', () => `${unsignedParts({ alg: 'RS256' }, good())}.x`],
    ['five parts', () => 'a.b.c.d.e'],
    ['a header that is no JSON', () => `e30x.${part(good())}.x`],
    ['a header that is a list', () => unsignedParts(['RS256'], good())],
    ['claims that are a list', () => unsignedParts({ alg: 'RS256' }, [good()])],
    ['claims that are null', () => unsignedParts({ alg: 'RS256' }, null)],
    ['claims that are a text', () => unsignedParts({ alg: 'RS256' }, 'claims')],
  ];
  test.each(wholes)('%s, is refused, and costs CIS2 nothing', async (_, make) => {
    const fresh = verifierFor(provider.issuer);
    expect(await verdict(make(), fresh)).toBe('form');
    expect(provider.requests).toEqual([]);
  });

  test('ten thousand times costs CIS2 nothing', async () => {
    const fresh = verifierFor(provider.issuer);
    const tokens = wholes.map(([, make]) => make());
    tokens.push(unsignedParts({ alg: 'RS256' }, { ...good(), aud: 'other' }));
    for (let count = 0; count < 10_000; count += 1) {
      expect(await verdict(tokens[count % tokens.length] ?? '', fresh)).not.toBe('believed');
    }
    expect(provider.requests).toEqual([]);
  });
});

describe('the key of a logout token [L-01]', () => {
  test('that is new is asked for at once, and then known', async () => {
    provider.published = [key.publicJwk, other.publicJwk];
    expect(await verdict(await signed({}, { by: other }))).toBe('believed');
    expect(keyFetches()).toBe(1);
    expect(await verdict(await signed({}, { by: other }))).toBe('believed');
    expect(keyFetches()).toBe(1);
  });

  test('that is not published is asked for once a minute, and what names it meanwhile may come again, however many tokens name it [L-12, ASVS-10.5.5]', async () => {
    const token = await signed({}, { by: other });
    expect(await verdict(token)).toBe('key');
    for (let count = 0; count < 500; count += 1) {
      expect(await verdict(token)).toBe('undecided');
      // A name of its own each time.
      const header = { alg: 'RS256', kid: randomUUID() };
      expect(await verdict(unsignedParts(header, good()))).toBe('undecided');
    }
    expect(keyFetches()).toBe(1);
    now += 59;
    expect(await verdict(token)).toBe('undecided');
    expect(keyFetches()).toBe(1);
    now += 1;
    expect(await verdict(token)).toBe('key');
    expect(keyFetches()).toBe(2);
    // What is known is of use all the while.
    expect(await verdict(await signed())).toBe('believed');
  });

  test('that is not named is any that CIS2 publishes', async () => {
    provider.published = [other.publicJwk, key.publicJwk];
    const fresh = verifierFor(provider.issuer);
    expect(await verdict(await signed({}, { header: { kid: undefined } }), fresh)).toBe('believed');
    expect(await verdict(await signed({}, { by: other, header: { kid: undefined } }), fresh)).toBe(
      'believed',
    );
    const unknown = await providerKey();
    expect(await verdict(await signed({}, { by: unknown, header: { kid: undefined } }), fresh)).toBe('key');
  });

  test('that is another’s under a name we know is refused without asking', async () => {
    expect(await verdict(await signed({}, { by: { ...other, kid: key.kid } }))).toBe('signature');
    expect(keyFetches()).toBe(0);
  });

  test.each<[string, (jwk: JWK) => JWK]>([
    ['for encryption', (jwk) => ({ ...jwk, use: 'enc' })],
    ['for another algorithm', (jwk) => ({ ...jwk, alg: 'RS512' })],
    ['of another kind', (jwk) => ({ ...jwk, kty: 'EC' })],
    ['for signing', (jwk) => ({ ...jwk, key_ops: ['sign'] })],
    ['without its modulus', ({ kty = '', e = '', kid = '' }) => ({ kty, e, kid })],
  ])('that is published %s verifies nothing', async (_, change) => {
    provider.published = [change(other.publicJwk)];
    const fresh = verifierFor(provider.issuer);
    expect(await verdict(await signed({}, { by: other }), fresh)).toMatch(/^(?:key|signature)$/);
  });

  test.each<[string, (jwk: JWK) => unknown[]]>([
    ['twice', (jwk) => [jwk, jwk]],
    ['twice, once without its algorithm', (jwk) => [jwk, { ...jwk, alg: undefined }]],
    ['beside null, a text, a number and a list', (jwk) => [null, 'key', 7, [], jwk]],
    [
      'beside keys that are none',
      (jwk) => [{}, { kty: 'RSA', kid: jwk.kid }, { ...jwk, n: 7 }, { ...jwk, n: '%' }, jwk],
    ],
    ['behind another under its name', (jwk) => [{ ...other.publicJwk, kid: jwk.kid }, jwk]],
    [
      'behind another under its name, neither with an algorithm',
      (jwk) => [
        { ...other.publicJwk, kid: jwk.kid, alg: undefined },
        { ...jwk, alg: undefined },
      ],
    ],
    ['with members that are null', (jwk) => [{ ...jwk, use: null, alg: null, key_ops: null }]],
    ['to verify', (jwk) => [{ ...jwk, use: undefined, key_ops: ['verify'] }]],
  ])('that is published %s is taken', async (_, publish) => {
    provider.published = publish(key.publicJwk) as JWK[];
    expect(await verdict(await signed(), verifierFor(provider.issuer))).toBe('believed');
    expect(await verdict(await signed({}, { by: { ...other, kid: 'unknown' } }))).not.toBe('believed');
  });

  test('that is listed behind fifty others under its name is not looked for', async () => {
    const stranger = { ...other.publicJwk, kid: key.kid };
    const publish = async (before: number): Promise<string> => {
      provider.published = [...Array.from({ length: before }, () => stranger), key.publicJwk];
      return verdict(await signed(), verifierFor(provider.issuer));
    };
    expect(await publish(49)).toBe('believed');
    expect(await publish(50)).toBe('signature');
  });

  test('that never says what it is for is taken', async () => {
    const { kty = '', n = '', e = '', kid = '' } = key.publicJwk;
    provider.published = [{ kty, n, e, kid }];
    expect(await verdict(await signed(), verifierFor(provider.issuer))).toBe('believed');
  });

  test('that cannot be had is asked for three times in a minute, and then every five seconds at most [L-12, ASVS-10.5.5]', async () => {
    const undecided = async (unknown: LogoutTokenVerifier, token: string, times: number): Promise<void> => {
      for (let count = 0; count < 50; count += 1) {
        await expect(unknown.verify(token, signal())).rejects.toThrow(ProviderUnavailable);
      }
      expect(keyFetches()).toBe(times);
    };
    const cold = verifierFor(provider.issuer);
    const [token, byNewKey] = [await signed(), await signed({}, { by: other })];
    for (const [unknown, about] of [
      [cold, token],
      [verifier, byNewKey],
    ] as const) {
      provider.requests.length = 0;
      provider.faults.set('jwks', { kind: 'status', status: 503 });
      await undecided(unknown, about, 3);
      now += 4;
      await undecided(unknown, about, 3);
      now += 1;
      await undecided(unknown, about, 4);
      // What is known is of use all the while.
      expect(await verdict(token)).toBe('believed');
      provider.behave();
      provider.published = [key.publicJwk, other.publicJwk];
      now += 5;
      expect(await verdict(about, unknown)).toBe('believed');
    }
  });

  test('that cannot be had leaves the token undecided', async () => {
    provider.faults.set('jwks', { kind: 'status', status: 503 });
    const fresh = verifierFor(provider.issuer);
    await expect(fresh.verify(await signed(), signal())).rejects.toThrow(ProviderUnavailable);
    await expect(verifier.verify(await signed({}, { by: other }), signal())).rejects.toThrow(
      ProviderUnavailable,
    );
    expect(await verdict(await signed())).toBe('believed');
    provider.behave();
    expect(await verdict(await signed(), fresh)).toBe('believed');
  });
});
