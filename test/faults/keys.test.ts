import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { logoutPath, logoutToken } from '../contract/logout-tokens.ts';
import { AwsProxy, type AwsCall, type Verdict } from '../support/aws.ts';
import { Bff } from '../support/bff.ts';
import { Browser, type Problem } from '../support/browser.ts';
import { Provider } from '../support/provider.ts';
import { Tables, type Item } from '../support/table.ts';

const maxResponseMs = 8_000;
const keyCacheSeconds = 1;
const marker = 'MARKER-IN-THE-SECRET';

let provider: Provider;
let store: AwsProxy;
let secrets: AwsProxy;
let bff: Bff;

beforeAll(async () => {
  [provider, store, secrets] = await Promise.all([
    Provider.start(),
    AwsProxy.dynamoDb(),
    AwsProxy.secretsManager(),
  ]);
  // Without a warm-up no function starts with a key in its memory.
  bff = await Bff.start(
    {
      issuer: provider.issuer,
      'client-id': 'rp.keys',
      'key-cache-seconds': keyCacheSeconds,
      'dynamodb-endpoint': store.url,
      'secrets-endpoint': secrets.url,
    },
    { WARM_UP: 'off' },
  );
  secrets.reset();
});
afterEach(() => {
  provider.behave();
  provider.requests.length = 0;
  store.reset();
  secrets.reset();
});
afterAll(async () => {
  await bff.stop();
  await Promise.all([provider.close(), store.close(), secrets.close()]);
});

const timed = async <T>(work: Promise<T>): Promise<T> => {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(maxResponseMs);
  return result;
};

const secretValue = (value: Record<string, unknown>): Verdict => ({
  status: 200,
  body: JSON.stringify({ ARN: 'arn:local', Name: 'keys', VersionId: 'v'.repeat(32), ...value }),
});
const ring = (keys: unknown): Verdict =>
  secretValue({ SecretString: JSON.stringify({ format: 1, keys, note: marker }) });
const refused = (type: string): Verdict => ({
  status: 400,
  body: JSON.stringify({ __type: type, message: marker }),
});

const publicJwk = { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'k1' };
const servedKey = { ...publicJwk, use: 'sig', alg: 'RS512' };
const ringKey = { kid: 'k1', place: 'current', createdAt: 1, signingSince: 1, publicJwk };

/** Ways in which the secret is of no use. */
const unreadable: readonly (readonly [string, Verdict])[] = [
  ['cannot be had', 'fail'],
  ['does not come', 'hang'],
  ['is cut off', 'reset'],
  ['may not be read', refused('AccessDeniedException')],
  ['cannot be decrypted', refused('DecryptionFailure')],
  ['has no value yet', refused('ResourceNotFoundException')],
  ['is empty text', secretValue({ SecretString: '' })],
  ['is bytes', secretValue({ SecretBinary: Buffer.from(marker).toString('base64') })],
  ['is not JSON', secretValue({ SecretString: `{"${marker}` })],
  ['is of an unknown format', secretValue({ SecretString: `{"format":99,"keys":["${marker}"]}` })],
  ['holds no keys', ring([])],
  ['holds no private half', ring([ringKey, { ...ringKey, place: 'next' }])],
  [
    'holds a private half that is none',
    ring(
      ['current', 'next'].map((place) => ({
        ...ringKey,
        place,
        privateJwk: { ...publicJwk, d: marker, p: marker, q: marker, dp: marker, dq: marker, qi: marker },
      })),
    ),
  ],
];

/** Reads of the key under which the sessions table has users and CIS2's sessions. */
const ofIdentifiers = ({ body }: AwsCall): boolean => String(body['SecretId']).includes('IdentifierKey');
/** Reads of the value by which the functions know the edge. */
const ofEdge = ({ body }: AwsCall): boolean => String(body['SecretId']).includes('EdgeSecret');

describe('without a signing key in memory', () => {
  test.each(unreadable)(
    'a sign-in ends as internal_error when the secret %s [ASVS-16.5.3]',
    async (_, verdict) => {
      secrets.judge = (call) => (ofIdentifiers(call) || ofEdge(call) ? 'pass' : verdict);
      const browser = new Browser(bff.baseUrl);
      const { response, location } = await browser.login();
      expect(response.status).toBe(302);
      const landed = await timed(browser.callback(provider.authorise(location)));
      expect(secrets.calls.map(({ operation }) => operation)).toContain('GetSecretValue');
      const failure = Browser.failure(landed);
      expect(failure?.code).toBe('internal_error');
      expect(landed.headers.getSetCookie()).toEqual([]);
      expect(await landed.text()).toBe('');
      expect(await browser.session()).toEqual({ status: 'anonymous' });
      // Nothing was sent to CIS2 that it could not have checked.
      expect(provider.asked('token')).toEqual([]);

      expect(await bff.entriesFor(failure?.reference ?? '')).toContainEqual(
        expect.objectContaining({ event: 'sign_in_failed', code: 'internal_error' }),
      );
      expect(bff.output).not.toContain(marker);
      expect(landed.headers.get('location')).not.toContain(marker);
    },
  );
});

describe('with a signing key in memory', () => {
  test('sign-ins go on when reading it again fails, and the log says so [ASVS-16.3.4, ASVS-16.5.2]', async () => {
    expect(Browser.failure(await new Browser(bff.baseUrl).signIn(provider))).toBeUndefined();
    expect(secrets.calls.length).toBeLessThanOrEqual(1);

    for (const verdict of ['fail', 'hang', ring([]), refused('AccessDeniedException')] as const) {
      await new Promise((resolve) => setTimeout(resolve, keyCacheSeconds * 1_000 + 50));
      secrets.reset();
      secrets.judge = () => verdict;
      const stale = (): number => bff.log.filter(({ event }) => event === 'signing_keys_stale').length;
      const before = stale();
      const browser = new Browser(bff.baseUrl);
      const landed = await timed(browser.signIn(provider));
      expect(landed.headers.get('location')).toBe(`${bff.baseUrl}/`);
      expect((await browser.session()).status).toBe('active');
      expect(secrets.calls).not.toEqual([]);
      expect(stale()).toBeGreaterThan(before);
    }
    expect(bff.output).not.toContain(marker);
  });

  test('the key set we publish names the key that signs [S-06]', async () => {
    await new Browser(bff.baseUrl).signIn(provider);
    const [header = ''] = (provider.asked('token')[0]?.form['client_assertion'] ?? '').split('.');
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
    const published = (await (await fetch(`${bff.baseUrl}/auth/jwks.json`)).json()) as {
      keys: { kid: string }[];
    };
    expect(published.keys.map((key) => key.kid)).toContain(kid);
  });
});

describe('without the key of the identifiers in memory', () => {
  /** Another start with the same table and the same secrets, whose functions have read nothing yet. */
  let fresh: Bff;
  beforeAll(async () => {
    fresh = await Bff.start(
      {
        ...{ issuer: provider.issuer, 'client-id': 'rp.keys' },
        ...{ 'dynamodb-endpoint': store.url, 'secrets-endpoint': secrets.url },
      },
      { WARM_UP: 'off' },
    );
  });
  afterAll(() => fresh.stop());

  const logOut = async (at: Bff): Promise<Response> => {
    const token = await logoutToken(provider, { aud: 'rp.keys' });
    const body = new URLSearchParams({ logout_token: token });
    return timed(new Browser(at.baseUrl).request(logoutPath, { method: 'POST', body }));
  };

  test.each<[string, Verdict]>([
    ['cannot be had', 'fail'],
    ['may not be read', refused('AccessDeniedException')],
    ['is empty text', secretValue({ SecretString: '' })],
    ['is too short a value', secretValue({ SecretString: marker })],
    ['is bytes', secretValue({ SecretBinary: Buffer.from(marker.repeat(9)).toString('base64') })],
  ])('no request passes while the value that the edge sends %s [ASVS-16.5.3]', async (_, verdict) => {
    secrets.judge = (call) => (ofEdge(call) ? verdict : 'pass');
    const { response } = await new Browser(fresh.baseUrl).login();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(response.headers.get('x-bff-problem')).toBe('keys_unavailable');
    expect(fresh.output).not.toContain(marker);
  });

  test.each<[string, Verdict]>([
    ['cannot be had', 'fail'],
    ['does not come', 'hang'],
    ['may not be read', refused('AccessDeniedException')],
    ['has no value', refused('ResourceNotFoundException')],
    ['is empty text', secretValue({ SecretString: '' })],
    ['is too short a key', secretValue({ SecretString: marker })],
    ['is bytes', secretValue({ SecretBinary: Buffer.from(marker.repeat(9)).toString('base64') })],
  ])('nobody signs in and no logout is confirmed when the secret %s [ASVS-16.5.3]', async (_, verdict) => {
    secrets.judge = (call) => (ofIdentifiers(call) ? verdict : 'pass');
    const landed = await timed(new Browser(fresh.baseUrl).signIn(provider));
    expect(Browser.failure(landed)?.code).toBe('internal_error');
    expect(landed.headers.getSetCookie()).toEqual([]);
    expect(provider.asked('token')).toEqual([]);

    const refusedLogout = await logOut(fresh);
    expect(refusedLogout.status).toBe(503);
    expect(refusedLogout.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await refusedLogout.json()).toMatchObject({ code: 'keys_unavailable' });
    expect(fresh.output).not.toContain(marker);
  });

  test('both work as soon as it can be read, which is once', async () => {
    for (let round = 0; round < 2; round += 1) {
      const browser = new Browser(fresh.baseUrl);
      await browser.signIn(provider);
      expect((await browser.session()).status).toBe('active');
      expect((await logOut(fresh)).status).toBe(200);
      expect((await browser.session()).status).toBe('ended');
    }
    // Once by each of the two functions.
    expect(secrets.calls.filter(ofIdentifiers)).toHaveLength(2);
  });

  test('a start that finds signing keys keeps them', async () => {
    const [before, after] = await Promise.all(
      [bff, fresh].map(async ({ baseUrl }) => (await fetch(`${baseUrl}/auth/jwks.json`)).json()),
    );
    expect(before).toMatchObject({ keys: [{}, {}] });
    expect(after).toEqual(before);
  });

  test('a start that finds a key keeps it: the other finds its sessions', async () => {
    const browser = new Browser(bff.baseUrl);
    await browser.signIn(provider);
    expect((await logOut(fresh)).status).toBe(200);
    expect((await browser.session()).status).toBe('ended');
  });
});

describe('the published key set', () => {
  let tables: Tables;
  let good: Item;
  beforeAll(async () => {
    tables = await Tables.at(store.url);
    const item = await tables.item('jwks#cis2');
    if (item === undefined) throw new Error('nothing is published');
    good = item;
  });
  afterEach(() => tables.put(good));
  afterAll(() => {
    tables.close();
  });

  async function expectUnavailable(): Promise<void> {
    const response = await timed(fetch(`${bff.baseUrl}/auth/jwks.json`));
    expect(response.status).toBe(503);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    // A provider that cached this would refuse every sign-in for as long.
    expect(response.headers.get('cache-control')).toBe('no-store');
    const text = await response.text();
    expect(JSON.parse(text) as Problem).toMatchObject({ status: 503, code: 'keys_unavailable' });
    expect(text).not.toContain(marker);
    expect(bff.output).not.toContain(marker);
  }

  test.each(['fail', 'hang', 'reset', refused('AccessDeniedException')] as const)(
    'is 503 when it cannot be read (%p), and back at once when it can [ASVS-16.5.3]',
    async (verdict) => {
      store.judge = () => verdict;
      await expectUnavailable();
      store.reset();
      expect((await fetch(`${bff.baseUrl}/auth/jwks.json`)).status).toBe(200);
    },
  );

  test('is 503 when it was never published', async () => {
    await tables.delete(good);
    await expectUnavailable();
  });

  test.each<[string, Item[string]]>([
    ['empty', { S: '{"keys":[]}' }],
    ['without keys', { S: '{}' }],
    ['null', { S: 'null' }],
    ['not JSON', { S: `{"${marker}` }],
    ['empty text', { S: '' }],
    ['bytes', { B: Buffer.from('{}') }],
    ['of keys that are no objects', { S: `{"keys":["${marker}",null]}` }],
    ['of keys that are not RSA', { S: `{"keys":[{"kty":"oct","k":"${marker}","kid":"k"}]}` }],
    ['of keys without a kid', { S: '{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}' }],
    ['of one key only', { S: JSON.stringify({ keys: [servedKey] }) }],
    ['of one key twice', { S: JSON.stringify({ keys: [servedKey, servedKey] }) }],
    ['of keys without their use', { S: JSON.stringify({ keys: [servedKey, { ...publicJwk, kid: 'k2' }] }) }],
  ])('is 503 when it is %s, never an empty set', async (_, set) => {
    await tables.put({ ...good, set });
    await expectUnavailable();
  });

  test('never serves more of a key than its public half', async () => {
    await tables.put({
      ...good,
      set: {
        S: JSON.stringify({
          keys: [servedKey, { ...servedKey, kid: 'k2', d: marker, p: marker, x: marker }],
        }),
      },
    });
    const response = await fetch(`${bff.baseUrl}/auth/jwks.json`);
    expect(await response.json()).toEqual({ keys: [servedKey, { ...servedKey, kid: 'k2' }] });
  });
});

describe('a start that cannot make the signing keys ends with a line that says so', () => {
  test.each<[string, 'secrets' | 'store', (operation: string) => boolean]>([
    ['the secret cannot be written', 'secrets', (operation) => operation === 'PutSecretValue'],
    ['the secret cannot be read', 'secrets', (operation) => operation === 'GetSecretValue'],
    ['the public halves cannot be published', 'store', (operation) => operation === 'PutItem'],
  ])('when %s', async (_, place, isFaulty) => {
    const fresh = { store: await AwsProxy.dynamoDb(), secrets: await AwsProxy.secretsManager() };
    try {
      fresh[place].judge = ({ operation }) => (isFaulty(operation) ? 'fail' : 'pass');
      const start = Bff.start({
        issuer: provider.issuer,
        'dynamodb-endpoint': fresh.store.url,
        'secrets-endpoint': fresh.secrets.url,
      });
      await expect(start).rejects.toThrow(
        /^ended with 1 before[^]*\ncis2-bff: Custom::SigningKeys could not be made: [A-Z][^\n]*$/m,
      );
    } finally {
      await Promise.all([fresh.store.close(), fresh.secrets.close()]);
    }
  });
});
