/** The addresses that serve our public keys, without anything behind them. */
import { describe, expect, test } from '@jest/globals';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { jwks, noJwks } from '../../lambdas/handlers/jwks.ts';
import { httpFunction, type RouteHandler } from '../../lambdas/http/index.ts';
import { KeysUnavailable, type PublishedSet } from '../../lambdas/keys/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';

const set = (kid: string): PublishedSet => ({
  keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid, use: 'sig', alg: 'RS512' }],
});
const serving = (load: () => Promise<PublishedSet>): RouteHandler => jwks({ load });

async function get(path: string, platform: RouteHandler = noJwks) {
  const handler = httpFunction({
    name: 'jwks',
    handlers: {
      'GET /auth/jwks.json': serving(() => Promise.resolve(set('cis2'))),
      'GET /auth/jwks/api-platform.json': platform,
    },
    baseUrl: 'https://app.example.nhs.uk',
    signInErrorPath: '/sign-in-error',
    log: createLogger({ functionName: 'unit', level: 'error', write: () => undefined }),
  });
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers: {},
    requestContext: { http: { method: 'GET', path } },
  } as unknown as APIGatewayProxyEventV2;
  const answer: APIGatewayProxyStructuredResultV2 = await handler(event, {} as Context);
  const { statusCode: status, headers = {}, body = '' } = answer;
  return { status, headers, body: JSON.parse(body) as Record<string, unknown> };
}

describe('the API platform’s keys', () => {
  const path = '/auth/jwks/api-platform.json';

  test('have no address of their own where it trusts CIS2’s', async () => {
    const { status, headers, body } = await get(path);
    expect([status, body['code']]).toEqual([404, 'not_found']);
    expect(headers['cache-control']).toBe('no-store');
    expect((await get('/auth/jwks.json')).body).toEqual(set('cis2'));
  });

  test('are served at their own address, and CIS2’s at theirs', async () => {
    const own = serving(() => Promise.resolve(set('platform')));
    const { status, headers, body } = await get(path, own);
    expect([status, body]).toEqual([200, set('platform')]);
    expect(headers).toMatchObject({
      'cache-control': 'public, max-age=3600',
      'content-type': 'application/json',
    });
    expect((await get('/auth/jwks.json', own)).body).toEqual(set('cis2'));
  });

  test('that cannot be had are 503, and nobody keeps that', async () => {
    const { status, headers, body } = await get(
      path,
      serving(() => Promise.reject(new KeysUnavailable('away'))),
    );
    expect([status, body['code']]).toEqual([503, 'keys_unavailable']);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['retry-after']).toMatch(/^\d+$/);
  });
});
