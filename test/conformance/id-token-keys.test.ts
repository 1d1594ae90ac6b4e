/** Which keys may sign an ID token, and how often they are asked for. */
import { describe, expect, test } from '@jest/globals';
import { SignJWT, type JWTPayload } from 'jose';
import { Browser } from '../support/browser.ts';
import { Provider, providerKey, type ProviderKey } from '../support/provider.ts';
import { useRig } from '../support/rig.ts';
import { signed, signedWithPublicKey, unsigned, withBrokenSignature, withOtherClaims } from './tokens.ts';

/** Published from the start, so that nothing but their algorithm or use speaks against them. */
const otherAlgorithms = ['RS384', 'RS512', 'PS256', 'ES256'] as const;
const otherKeys = Object.fromEntries(
  await Promise.all(otherAlgorithms.map(async (name) => [name, await providerKey(name)] as const)),
) as Record<(typeof otherAlgorithms)[number], ProviderKey>;
const encryptionKey = await providerKey();

const publish = (provider: Provider): void => {
  provider.published = [
    provider.signing.publicJwk,
    ...Object.values(otherKeys).map(({ publicJwk }) => publicJwk),
    { ...encryptionKey.publicJwk, use: 'enc' },
    { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: provider.signing.kid },
  ];
};
const rig = useRig({}, publish);

type MakeToken = (claims: JWTPayload, key: ProviderKey) => Promise<string>;

async function expectAccepted(): Promise<void> {
  const response = await rig.browser().signIn(rig.provider);
  expect([response.status, Browser.failure(response)]).toEqual([303, undefined]);
}

async function expectRefused(): Promise<void> {
  const before = rig.provider.asked('userinfo').length;
  const browser = rig.browser();
  expect(Browser.failure(await browser.signIn(rig.provider))?.code).toBe('response_invalid');
  expect(rig.provider.asked('userinfo')).toHaveLength(before);
  expect(await browser.session()).toEqual({ status: 'anonymous' });
}

/** The first: for a minute after it the product asks for no keys. */
describe('how often the keys are asked for', () => {
  test('one new key costs one call, a flood of unknown ones one a minute, and known keys go on working [O-13]', async () => {
    const { provider } = rig;
    const signIn = async () => {
      const before = provider.asked('jwks').length;
      const failure = Browser.failure(await rig.browser().signIn(provider));
      return { code: failure?.code, calls: provider.asked('jwks').length - before };
    };
    await signIn();
    expect(await signIn()).toEqual({ code: undefined, calls: 0 });

    const fresh = await providerKey();
    provider.signing = fresh;
    publish(provider);
    expect(await signIn()).toEqual({ code: undefined, calls: 1 });

    let calls = 0;
    const stranger = await providerKey();
    for (let number = 0; number < 50; number += 1) {
      provider.idToken = (claims) => signed(claims, { ...stranger, kid: `unknown-${String(number)}` });
      const attempt = await signIn();
      expect(attempt.code).toBe('response_invalid');
      calls += attempt.calls;
    }
    // One function instance, as the sign-ins came one after the other.
    expect(calls).toBe(1);

    provider.idToken = undefined;
    expect(await signIn()).toEqual({ code: undefined, calls: 0 });
  });
});

const algorithms: [string, MakeToken][] = [
  ['no algorithm', (claims) => Promise.resolve(unsigned(claims))],
  ['no algorithm, oddly written', (claims) => Promise.resolve(unsigned(claims, 'nOnE'))],
  ['HS256 keyed with the public key as PEM', (claims, key) => signedWithPublicKey(claims, key, 'pem')],
  ['HS256 keyed with the public key as DER', (claims, key) => signedWithPublicKey(claims, key, 'der')],
  ['HS256 keyed with the modulus', (claims, key) => signedWithPublicKey(claims, key, 'modulus')],
  ['HS256 keyed with the JWK', (claims, key) => signedWithPublicKey(claims, key, 'jwk')],
  ['a signature of which one bit is turned', withBrokenSignature],
  ['a signature of other claims', withOtherClaims],
  [
    'no signature behind a header that says RS256',
    async (claims, key) => `${(await signed(claims, key)).split('.').slice(0, 2).join('.')}.`,
  ],
  ['a critical header extension', (claims, key) => withCritical(claims, key)],
];

const withCritical: MakeToken = (claims, key) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, crit: ['exp-of-header'], 'exp-of-header': 1 })
    .sign(key.privateKey, { crit: { 'exp-of-header': true } });

describe('the algorithm is the registered one and no other [O-04, ASVS-6.8.2, ASVS-9.1.1, ASVS-9.1.2]', () => {
  test.each(algorithms)('an ID token with %s is refused', async (_, makeToken) => {
    rig.provider.idToken = makeToken;
    await expectRefused();
  });

  test.each(otherAlgorithms)(
    'an ID token rightly signed with %s is refused, though metadata and keys would allow it',
    async (algorithm) => {
      const { kid, privateKey } = otherKeys[algorithm];
      rig.provider.idToken = (claims) =>
        new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid }).sign(privateKey);
      await expectRefused();
    },
  );
});

describe('a key comes from jwks_uri and from nowhere else [O-04, ASVS-9.1.3, ASVS-13.2.4]', () => {
  test.each(['jwk', 'jku', 'x5u', 'x5c'])(
    'a stranger’s key offered in the header by %s is not used, nor asked for',
    async (header) => {
      const stranger = await Provider.start();
      try {
        const offered = {
          jwk: stranger.signing.publicJwk,
          jku: `${stranger.issuer}/connect/jwk_uri`,
          x5u: `${stranger.issuer}/connect/jwk_uri`,
          x5c: ['MIIB'],
        }[header];
        rig.provider.idToken = (claims) =>
          signed(claims, { ...stranger.signing, kid: rig.provider.signing.kid }, { [header]: offered });
        await expectRefused();
        // Nor when the rest is as it should be: the header is ignored, and the token is good.
        rig.provider.idToken = (claims, key) => signed(claims, key, { [header]: offered });
        await expectAccepted();
        expect(stranger.requests).toEqual([]);
      } finally {
        await stranger.close();
      }
    },
  );

  test('a key published for encryption verifies nothing', async () => {
    rig.provider.idToken = (claims) => signed(claims, encryptionKey);
    await expectRefused();
  });
});
