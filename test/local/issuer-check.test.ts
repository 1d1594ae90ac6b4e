import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { StartError } from '../../local/errors.ts';
import { checkIssuer } from '../../local/issuer-check.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** An OpenID provider whose discovery document is what the test says. */
const provider = async (respond: (issuer: string, response: http.ServerResponse, path: string) => void) => {
  const server = http.createServer((request, response) => {
    respond(issuer, response, request.url ?? '');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/realms/Healthcare`;
  return issuer;
};

describe('the check of an issuer', () => {
  test('a provider that names itself as it was asked is fine', async () => {
    const paths: string[] = [];
    const issuer = await provider((name, response, path) => {
      paths.push(path);
      response.end(JSON.stringify({ issuer: name }));
    });
    expect(await checkIssuer(issuer)).toBeUndefined();
    expect(paths).toEqual(['/realms/Healthcare/.well-known/openid-configuration']);
  });

  test('a provider that responds with an error is reachable, with a warning', async () => {
    const issuer = await provider((_name, response) => response.writeHead(404).end());
    expect(await checkIssuer(issuer)).toBe(
      `warning: ${issuer}/.well-known/openid-configuration answers 404; sign-in will fail until it is there`,
    );
  });

  test.each([
    ['another name', '{"issuer":"http://127.0.0.1/other"}', 'http://127.0.0.1/other'],
    ['no name', '{}', '(none)'],
    ['no JSON', '<html>', '(none)'],
  ])('a provider with %s is reachable, with a warning', async (_what, document, named) => {
    const issuer = await provider((_name, response) => response.end(document));
    expect(await checkIssuer(issuer)).toContain(`names the issuer ${named}`);
  });

  test('nothing at that address is an error in one line', async () => {
    const issuer = await provider(() => undefined);
    servers.forEach((server) => server.close());
    await expect(checkIssuer(issuer)).rejects.toThrow(StartError);
    await expect(checkIssuer(issuer)).rejects.toThrow(
      /^the issuer http:.* cannot be reached: connect ECONNREFUSED/,
    );
  });

  test('a provider that does not respond in time is an error in one line', async () => {
    const issuer = await provider(() => undefined);
    await expect(checkIssuer(issuer, 0.2)).rejects.toThrow(
      `the issuer ${issuer} cannot be reached: no answer within 0.2 s`,
    );
  });
});
