/**
 * The OpenID Foundation's back-channel logout plan for relying parties, each module under its own name and run with
 * `private_key_jwt`. As in the Foundation's suite, the token comes while the user is signing out here, carries a claim and
 * a form field that nobody knows, expires after two minutes and has no `typ`.
 */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { logoutClaims, logoutEvent, postForm, signLogout, signsIn } from '../contract/logout-tokens.ts';
import { expectOwnHeaders, expectProblem, expectSignedIn } from '../contract/expectations.ts';
import { providerKey, subject } from '../support/provider.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { useSharedRig } from '../support/rig.ts';
import { unsigned } from './tokens.ts';

const rig = useSharedRig();
const loggedOut = { status: 'ended', reason: 'provider_logout' };

type Claims = Record<string, unknown>;

const rs256 = (claims: Claims): Promise<string> =>
  signLogout(claims, rig.provider.signing, { typ: undefined });

/** Published and good, but of an algorithm that this client is not registered for. */
async function es256(claims: Claims): Promise<string> {
  const key = await providerKey('ES256');
  rig.provider.published = [rig.provider.signing.publicJwk, key.publicJwk];
  return signLogout(claims, key, { typ: undefined }, 'ES256');
}

interface Module {
  readonly name: string;
  readonly expects: string;
  readonly changes?: () => Claims;
  readonly sign?: (claims: Claims) => Promise<string>;
  readonly accepted?: true;
}

const rpInitiated = 'oidcc-client-test-rp-backchannel-rpinitlogout';

const plan: readonly Module[] = [
  { name: rpInitiated, expects: 'a good logout token gets 200 and ends the sessions', accepted: true },
  {
    name: `${rpInitiated}-alg-none`,
    expects: 'an unsigned logout token is refused',
    sign: (claims) => Promise.resolve(unsigned(claims)),
  },
  {
    name: `${rpInitiated}-wrong-alg`,
    expects: 'a logout token signed with ES256 is refused: RS256 is registered',
    sign: es256,
  },
  {
    name: `${rpInitiated}-wrong-iss`,
    expects: 'a logout token of another issuer is refused',
    changes: () => ({ iss: `${rig.provider.issuer}/other` }),
  },
  {
    name: `${rpInitiated}-wrong-aud`,
    expects: 'a logout token for another client is refused',
    changes: () => ({ aud: 'another-client' }),
  },
  {
    name: `${rpInitiated}-no-event`,
    expects: 'a logout token without events is refused',
    changes: () => ({ events: undefined }),
  },
  {
    name: `${rpInitiated}-wrong-event`,
    expects: 'a logout token of another event is refused',
    changes: () => ({ events: { [`${logoutEvent}-other`]: {} } }),
  },
  {
    name: `${rpInitiated}-with-nonce`,
    expects: 'a logout token with a nonce is refused',
    changes: () => ({ nonce: 'a-nonce' }),
  },
];

/** The Foundation's own list, whatever is run above. */
const modules = [
  'oidcc-client-test-rp-backchannel-rpinitlogout',
  'oidcc-client-test-rp-backchannel-rpinitlogout-alg-none',
  'oidcc-client-test-rp-backchannel-rpinitlogout-no-event',
  'oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce',
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg',
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud',
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event',
  'oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss',
];

/** Signs a user in twice in one session of CIS2's, signs out in one browser and posts the token meanwhile. */
async function run({ changes, sign = rs256 }: Module) {
  const sid = `sid-${randomUUID()}`;
  signsIn(rig.provider, subject, sid);
  const [leaving, staying] = [rig.browser(), rig.browser()];
  for (const browser of [leaving, staying]) {
    await expectSignedIn(browser, await browser.signIn(rig.provider));
  }
  const claims = logoutClaims(rig.provider, { sid, extra: 'claim', ...changes?.() });
  const token = await sign({ ...claims, exp: Number(claims['iat']) + 120 });
  const [response, out] = await Promise.all([
    postForm(rig.bff.baseUrl, `extra=field&logout_token=${token}`),
    leaving.api('/auth/logout', { method: 'POST' }),
  ]);
  expect(out.status).toBe(200);
  return { response, leaving, staying };
}

// Other files share the provider.
afterEach(() => {
  rig.provider.published = [rig.provider.signing.publicJwk];
});

const results = { passed: 0 };
afterAll(() => {
  process.stdout.write(
    `back-channel logout conformance: ${String(results.passed)} of ${String(plan.length)} modules passed\n`,
  );
});

describe('oidcc-client-back-channel-logout-rp-basic', () => {
  const expectAccepted = (response: RawResponse): void => {
    expect([response.status, response.body]).toEqual([200, '']);
    expectOwnHeaders(response.headers);
  };

  test.each(plan)('$expects [$name]', async (module) => {
    const { response, leaving, staying } = await run(module);
    if (module.accepted) expectAccepted(response);
    else expectProblem(response, 400, 'invalid_request');
    expect((await leaving.session()).status).not.toBe('active');
    if (module.accepted) expect(await staying.session()).toEqual(loggedOut);
    else expect((await staying.session()).status).toBe('active');
    results.passed += 1;
  });

  test('every module of the plan is run', () => {
    expect(plan.map(({ name }) => name).sort()).toEqual(modules);
  });
});
