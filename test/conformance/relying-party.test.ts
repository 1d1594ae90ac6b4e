/**
 * The OpenID Foundation's relying-party modules, by name: the plans `oidcc-client-basic-certification-test-plan` and
 * `oidcc-client-config-certification-test-plan`, both with `private_key_jwt`. Each runs end to end over HTTP. As in
 * the Foundation's suite, a relying party accepts by calling UserInfo and refuses by not calling it; beyond the suite,
 * acceptance means a live session here and refusal means none.
 */
import { afterAll, describe, expect, test } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { Browser } from '../support/browser.ts';
import { providerKey, subject, type ProviderKey } from '../support/provider.ts';
import { useRigWithSettings, type Rig } from '../support/rig.ts';
import { unsigned, withBrokenSignature } from './tokens.ts';

interface Module {
  readonly name: string;
  readonly expects: string;
  readonly run: (rig: Rig) => Promise<void>;
}

/** The Foundation's own lists: what each plan holds, whatever is run below. */
const basicModules = [
  'oidcc-client-test',
  'oidcc-client-test-invalid-iss',
  'oidcc-client-test-missing-sub',
  'oidcc-client-test-invalid-aud',
  'oidcc-client-test-missing-iat',
  'oidcc-client-test-kid-absent-single-jwks',
  'oidcc-client-test-kid-absent-multiple-jwks',
  'oidcc-client-test-idtoken-sig-rs256',
  'oidcc-client-test-idtoken-sig-none',
  'oidcc-client-test-invalid-sig-rs256',
  'oidcc-client-test-userinfo-invalid-sub',
  'oidcc-client-test-nonce-invalid',
  'oidcc-client-test-scope-userinfo-claims',
  'oidcc-client-test-client-secret-basic',
];
const configModules = [
  'oidcc-client-test-discovery-openid-config',
  'oidcc-client-test-discovery-jwks-uri-keys',
  'oidcc-client-test-discovery-issuer-mismatch',
  'oidcc-client-test-idtoken-sig-none',
  'oidcc-client-test-signing-key-rotation-just-before-signing',
  'oidcc-client-test-signing-key-rotation',
];

/** Modules of the basic plan that say nothing about a relying party like ours. */
const notApplicable = [
  {
    name: 'oidcc-client-test-client-secret-basic',
    reason:
      'it wants a client secret at the token endpoint; this client authenticates with private_key_jwt only',
  },
];

/** A sign-in and what came of it at the provider. */
async function signIn(rig: Rig) {
  const { provider } = rig;
  const before = provider.requests.length;
  const browser = rig.browser();
  const { request, location } = await browser.login();
  const response = await browser.callback(provider.authorise(location));
  const asked = provider.requests.slice(before);
  return {
    browser,
    response,
    request,
    token: asked.filter(({ endpoint }) => endpoint === 'token'),
    userInfo: asked.filter(({ endpoint }) => endpoint === 'userinfo'),
    keys: asked.filter(({ endpoint }) => endpoint === 'jwks'),
  };
}

type Outcome = Awaited<ReturnType<typeof signIn>>;

/** Both plans here run with `private_key_jwt` and no other authentication. */
function expectPrivateKeyJwt({ token }: Outcome): void {
  expect(token).toHaveLength(1);
  expect(token[0]?.form).toMatchObject({
    grant_type: 'authorization_code',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
  });
  expect(token[0]?.form['client_secret']).toBeUndefined();
  expect(token[0]?.headers.authorization).toBeUndefined();
}

async function accepts(rig: Rig): Promise<Outcome> {
  const outcome = await signIn(rig);
  expectPrivateKeyJwt(outcome);
  expect([outcome.response.status, Browser.failure(outcome.response)]).toEqual([303, undefined]);
  expect(outcome.userInfo).toHaveLength(1);
  expect(await outcome.browser.session()).toMatchObject({ status: 'active', user: { uid: subject } });
  return outcome;
}

async function refuses(rig: Rig, userInfoCalls = 0): Promise<Outcome> {
  const outcome = await signIn(rig);
  expectPrivateKeyJwt(outcome);
  expect(Browser.failure(outcome.response)?.code).toBe('response_invalid');
  expect(outcome.userInfo).toHaveLength(userInfoCalls);
  expect(await outcome.browser.session()).toEqual({ status: 'anonymous' });
  return outcome;
}

const withClaims = (claims: Record<string, unknown>) => async (rig: Rig) => {
  rig.provider.claims = () => claims;
  await refuses(rig);
};

const signatureNone = async (rig: Rig) => {
  rig.provider.idToken = (claims: JWTPayload) => Promise.resolve(unsigned(claims));
  await refuses(rig);
};

/** Publishes these keys, the first of which signs. */
function rotate(rig: Rig, ...keys: [ProviderKey, ...ProviderKey[]]): void {
  rig.provider.signing = keys[0];
  rig.provider.published = keys.map(({ publicJwk }) => publicJwk);
}

const basicPlan: readonly Module[] = [
  {
    name: 'oidcc-client-test',
    expects: 'a plain code flow with UserInfo ends with a session',
    run: async (rig) => {
      const { request, userInfo } = await accepts(rig);
      expect(request.get('response_type')).toBe('code');
      expect(userInfo[0]?.headers.authorization).toMatch(/^Bearer access-/);
    },
  },
  {
    name: 'oidcc-client-test-invalid-iss',
    expects: 'an ID token of another issuer is refused',
    run: withClaims({ iss: 'https://other.example/' }),
  },
  {
    name: 'oidcc-client-test-missing-sub',
    expects: 'an ID token without sub is refused',
    run: withClaims({ sub: undefined }),
  },
  {
    name: 'oidcc-client-test-invalid-aud',
    expects: 'an ID token for another client is refused',
    run: withClaims({ aud: 'another-client' }),
  },
  {
    name: 'oidcc-client-test-missing-iat',
    expects: 'an ID token without iat is refused',
    run: withClaims({ iat: undefined }),
  },
  {
    name: 'oidcc-client-test-kid-absent-single-jwks',
    expects: 'an ID token without kid is accepted when one key is published',
    run: async (rig) => {
      rig.provider.header = { kid: undefined };
      await accepts(rig);
    },
  },
  {
    name: 'oidcc-client-test-idtoken-sig-rs256',
    expects: 'an ID token signed with RS256 is accepted',
    run: async (rig) => {
      await accepts(rig);
    },
  },
  {
    name: 'oidcc-client-test-idtoken-sig-none',
    expects: 'an unsigned ID token is refused: it was not asked for',
    run: signatureNone,
  },
  {
    name: 'oidcc-client-test-invalid-sig-rs256',
    expects: 'a bad signature is refused, though the token came over TLS',
    run: async (rig) => {
      rig.provider.idToken = withBrokenSignature;
      await refuses(rig);
    },
  },
  {
    name: 'oidcc-client-test-userinfo-invalid-sub',
    expects: 'UserInfo of another sub is refused after the call',
    run: async (rig) => {
      rig.provider.userInfo = { sub: '900000000999' };
      await refuses(rig, 1);
    },
  },
  {
    name: 'oidcc-client-test-nonce-invalid',
    expects: 'an ID token with another nonce is refused',
    run: withClaims({ nonce: 'another-nonce' }),
  },
  {
    name: 'oidcc-client-test-scope-userinfo-claims',
    expects: 'the scope profile is asked for and its claims are read from UserInfo',
    run: async (rig) => {
      rig.provider.userInfo = { given_name: 'Ianthe', family_name: 'Quill', display_name: 'Ianthe Quill' };
      const { request, browser } = await accepts(rig);
      expect(request.get('scope')?.split(' ')).toEqual(expect.arrayContaining(['openid', 'profile']));
      expect(await browser.session()).toMatchObject({
        user: { givenName: 'Ianthe', familyName: 'Quill', name: 'Ianthe Quill' },
      });
    },
  },
  {
    // Either is a pass; ours accepts.
    name: 'oidcc-client-test-kid-absent-multiple-jwks',
    expects: 'an ID token without kid is accepted when one of several published keys has signed it',
    run: async (rig) => {
      const [signing, other] = [await providerKey(), await providerKey()];
      rotate(rig, signing, other);
      rig.provider.header = { kid: undefined };
      await accepts(rig);
      rig.provider.signing = await providerKey();
      await refuses(rig);
    },
  },
];

/** In order: the first needs an instance that has never read the metadata. */
const configPlan: readonly Module[] = [
  {
    name: 'oidcc-client-test-discovery-issuer-mismatch',
    expects: 'metadata of another issuer stops the sign-in before any authorisation request',
    run: async (rig) => {
      const { issuer, origin } = rig.provider;
      // The last three are the same to a URL parser. An issuer is a string: the tokens carry it, character for character.
      const others = [
        `${issuer}/other`,
        `${issuer}/`,
        undefined,
        issuer.replace('http:', 'HTTP:'),
        issuer.replace(origin, `${origin}/x/..`),
        issuer.replace('/openam', '/./openam'),
      ];
      for (const other of others) {
        rig.provider.metadata = { issuer: other };
        const { response } = await rig.browser().login();
        expect([other, response.status, response.headers.get('location')]).toEqual([other, 503, null]);
        expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
        expect(await response.json()).toMatchObject({ code: 'provider_unavailable' });
      }
      expect(rig.provider.asked('token')).toEqual([]);
    },
  },
  {
    name: 'oidcc-client-test-discovery-openid-config',
    expects: 'the endpoints are those of the discovery document of the issuer',
    run: async (rig) => {
      const { request } = await accepts(rig);
      const { location } = await rig.browser().login();
      expect(location.startsWith(`${rig.provider.issuer}/authorize?`)).toBe(true);
      expect(request.get('client_id')).not.toBeNull();
      expect(rig.provider.asked('discovery').length).toBeGreaterThan(0);
    },
  },
  {
    name: 'oidcc-client-test-discovery-jwks-uri-keys',
    expects: 'the ID token is verified with the keys that jwks_uri gives',
    run: async (rig) => {
      await accepts(rig);
      expect(rig.provider.asked('jwks').length).toBeGreaterThan(0);
      const stranger = await providerKey();
      // The right name, but not the key that jwks_uri gives under it.
      rig.provider.signing = { ...stranger, kid: rig.provider.signing.kid };
      try {
        await refuses(rig);
      } finally {
        rotate(rig, await providerKey());
      }
      await accepts(rig);
    },
  },
  {
    name: 'oidcc-client-test-idtoken-sig-none',
    expects: 'an unsigned ID token is refused: it was not asked for',
    run: signatureNone,
  },
  {
    name: 'oidcc-client-test-signing-key-rotation-just-before-signing',
    expects:
      'keys swapped after they were read and before the token is signed are read once more, and only once',
    run: async (rig) => {
      await accepts(rig);
      const fresh = await providerKey();
      rig.provider.during = (endpoint) => {
        if (endpoint === 'token') rotate(rig, fresh);
        return Promise.resolve();
      };
      const { keys } = await accepts(rig);
      expect(keys).toHaveLength(1);
    },
  },
  {
    name: 'oidcc-client-test-signing-key-rotation',
    expects: 'keys rotated between two sign-ins are read once more, and only once',
    run: async (rig) => {
      expect((await accepts(rig)).keys).toHaveLength(0);
      rotate(rig, await providerKey());
      expect((await accepts(rig)).keys).toHaveLength(1);
      expect((await accepts(rig)).keys).toHaveLength(0);
    },
  },
];

const results = { passed: 0, failed: 0 };
afterAll(() => {
  const { passed, failed } = results;
  const counts = [
    `${String(passed)} modules passed`,
    ...(failed > 0 ? [`${String(failed)} failed`] : []),
    `${String(notApplicable.length)} not applicable`,
  ].join(', ');
  const reasons = notApplicable.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  process.stdout.write(`relying-party conformance: ${counts} (${reasons})\n`);
});

// The first module is about a product that knows nothing of the provider yet.
const rig = useRigWithSettings({ WARM_UP: 'off' });

describe.each([
  ['oidcc-client-config-certification-test-plan', configPlan],
  ['oidcc-client-basic-certification-test-plan', basicPlan],
])('%s', (_, plan) => {
  test.each(plan)('$expects [$name]', async ({ run }) => {
    results.failed += 1;
    await run(rig);
    results.failed -= 1;
    results.passed += 1;
  });
});

test('every module of both plans is run or named as not applicable, with its reason', () => {
  const namesOf = (modules: readonly { name: string }[]): string[] => modules.map(({ name }) => name).sort();
  expect(namesOf([...basicPlan, ...notApplicable])).toEqual([...basicModules].sort());
  expect(namesOf(configPlan)).toEqual([...configModules].sort());
  for (const { reason } of notApplicable) expect(reason).not.toBe('');
});
