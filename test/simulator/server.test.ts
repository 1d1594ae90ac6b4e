import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startCis2Simulator } from '../../local/cis2-simulator/index.ts';
import { startBench, type Bench } from './client.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.close());

const portOf = (issuer: string) => Number(new URL(issuer).port);

describe('The provider’s metadata', () => {
  test('has the paths of CIS2 and the stock algorithm list', () => {
    const { issuer } = bench.simulator;
    expect(issuer).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/openam\/oauth2\/realms\/root\/realms\/NHSIdentity\/realms\/Healthcare$/,
    );
    expect(bench.as).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/access_token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/connect/jwk_uri`,
      end_session_endpoint: `${issuer}/connect/endSession`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
    });
    expect(bench.as['id_token_signing_alg_values_supported']).toEqual(
      expect.arrayContaining(['RS256', 'HS256', 'PS512']),
    );
  });

  test('publishes the public half of the signing key and nothing of the private one', async () => {
    const { keys } = (await (await fetch(bench.as.jwks_uri ?? '')).json()) as {
      keys: Record<string, string>[];
    };
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'e', 'kid', 'kty', 'n', 'use']]);
    expect(keys[0]).toMatchObject({ kty: 'RSA', alg: 'RS256', use: 'sig' });
  });
});

describe('The server', () => {
  test('responds to unknown paths as CIS2 does', async () => {
    const response = await fetch(new URL('/.well-known/openid-configuration', bench.simulator.issuer));
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('default backend - 404');
    expect(bench.log.at(-1)).toBe('GET (unknown path) 404 no such host or path');
  });

  test('serves no other host name', async () => {
    const { issuer } = bench.simulator;
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example' };
      request(`${issuer}/.well-known/openid-configuration`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  });

  test('refuses a method that an endpoint does not have and says which it has', async () => {
    const response = await fetch(bench.as.token_endpoint ?? '');
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  test('takes any free port when the wished one is taken and the caller allows it', async () => {
    const port = portOf(bench.simulator.issuer);
    const other = await startCis2Simulator({ port, fallbackToFreePort: true, clients: [] });
    expect(portOf(other.issuer)).not.toBe(port);
    await other.close();
  });

  test('fails to start on a port that is taken when the caller does not allow another', async () => {
    const port = portOf(bench.simulator.issuer);
    await expect(startCis2Simulator({ port, clients: [] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('lets go of its port when it is closed, open connections or not', async () => {
    const first = await startCis2Simulator({ port: 0, clients: [] });
    const port = portOf(first.issuer);
    await fetch(`${first.issuer}/.well-known/openid-configuration`);
    await first.close();
    const second = await startCis2Simulator({ port, clients: [] });
    expect(second.issuer).toBe(first.issuer);
    await second.close();
  });
});
