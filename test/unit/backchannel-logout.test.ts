import { beforeEach, describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { LogoutTokenRefused, ProviderUnavailable, type LogoutToken } from '../../lambdas/cis2/index.ts';
import type { EpochMilliseconds } from '../../lambdas/common/index.ts';
import { backchannelLogout } from '../../lambdas/handlers/backchannel-logout.ts';
import { httpFunction } from '../../lambdas/http/index.ts';
import type { LogoutStore } from '../../lambdas/session/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const issuer = 'https://am.example.nhs.uk:443/realm';
const whole = { subject: '900000000001', providerSessionId: 'sid' };

let verify: (token: string, signal: AbortSignal) => Promise<LogoutToken>;
let logOut: LogoutStore['logOut'];
let tokens: string[];
let logouts: unknown[];
let lines: string[];
beforeEach(() => {
  [tokens, logouts, lines] = [[], [], []];
  verify = believing(whole);
  logOut = (logout) => {
    logouts.push(logout);
    return Promise.resolve({ ended: 2, repeated: false, person: 'hash-of-the-person' });
  };
});

const arrivedAt = 1_800_000_000_123 as EpochMilliseconds;

const believing =
  (names: Partial<LogoutToken>) =>
  (token: string): Promise<LogoutToken> => {
    tokens.push(token);
    return Promise.resolve({ issuer, tokenId: 'jti', ...names });
  };

const handler = httpFunction({
  name: 'backchannel-logout',
  handlers: {
    'POST /auth/backchannel-logout': backchannelLogout({
      verifier: {
        prepare: () => Promise.reject(new Error('prepared')),
        verify: (token, signal) => verify(token, signal),
      },
      sessions: {
        warmUp: () => Promise.reject(new Error('warmed up')),
        logOut: (logout, deadline) => logOut(logout, deadline),
      },
      clock: () => arrivedAt,
    }),
  },
  baseUrl: 'https://app.example.nhs.uk',
  signInErrorPath: '/sign-in-error',
  log: createLogger({ functionName: 'unit', level: 'debug', write: (line) => lines.push(line) }),
});

const post = async (form: string): Promise<APIGatewayProxyStructuredResultV2> =>
  handler(
    {
      rawPath: '/auth/backchannel-logout',
      rawQueryString: '',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      cookies: ['__Host-Http-session=whatever', '__Host-Http-session=twice'],
      body: Buffer.from(form).toString('base64'),
      isBase64Encoded: true,
      requestContext: { http: { method: 'POST' } },
    } as unknown as APIGatewayProxyEventV2,
    {} as Context,
  );
const entries = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
const codeOf = ({ body = '' }: APIGatewayProxyStructuredResultV2) =>
  (JSON.parse(body) as Record<string, unknown>)['code'];

describe('a back-channel logout', () => {
  test.each([
    ['a session and its person', whole, 'sid+sub', [issuer, '900000000001'], [issuer, 'sid']],
    ['a session', { providerSessionId: 'sid' }, 'sid', undefined, [issuer, 'sid']],
    ['a person', { subject: '900000000001' }, 'sub', [issuer, '900000000001'], undefined],
  ])(
    'that names %s ends what it names, and its log names nobody',
    async (_, names, by, user, providerSession) => {
      verify = believing(names);
      await post('logout_token=a.b.c');
      const { subject = '', providerSessionId = '' }: Partial<typeof whole> = names;
      const tokenId = [issuer, 'jti', subject, providerSessionId];
      expect(logouts).toEqual([{ tokenId, user, providerSession, arrivedAt }]);
      expect(entries()[0]).toMatchObject({ event: 'backchannel_logout', by, ended: 2, repeated: false });
      expect(lines.join('')).not.toMatch(/900000000001|jti/);
    },
  );

  test.each([
    ['no token', '', 'missing'],
    ['two tokens', 'logout_token=a.b.c&logout_token=a.b.c', 'repeated'],
  ])('with %s is 400, and ends nothing [L-07]', async (_, form, check) => {
    const response = await post(form);
    expect([response.statusCode, codeOf(response)]).toEqual([400, 'invalid_request']);
    expect(entries()[0]).toMatchObject({ event: 'logout_token_refused', check });
    expect([tokens, logouts]).toEqual([[], []]);
  });

  test('with a token that fails a check is 400, which the log alone explains', async () => {
    verify = () => Promise.reject(new LogoutTokenRefused('aud', new Error('hunter2')));
    const response = await post('logout_token=a.b.c');
    expect([response.statusCode, codeOf(response)]).toEqual([400, 'invalid_request']);
    expect(response.body).not.toContain('aud');
    expect(entries().map(({ event, check }) => [event, check])).toEqual([
      ['logout_token_refused', 'aud'],
      ['request', undefined],
    ]);
    expect(lines.join('')).not.toContain('hunter2');
    expect(logouts).toEqual([]);
  });

  test('gives neither CIS2 nor the store for ever: the store still has its time when the keys took theirs', async () => {
    const waited = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(new ProviderUnavailable('too slow'));
        });
      });
    const seconds = async (token: string): Promise<number> => {
      const startedAt = performance.now();
      expect((await post(`logout_token=${token}`)).statusCode).toBe(503);
      return (performance.now() - startedAt) / 1000;
    };
    verify = (token, signal) => (token === 'slow.keys' ? waited(signal) : believing(whole)(token));
    logOut = (_, deadline) => waited(deadline);
    const [keys, store] = await Promise.all([seconds('slow.keys'), seconds('slow.store')]);
    expect(keys).toBeLessThan(5.5);
    expect(store).toBeLessThan(9);
  }, 20_000);
});
