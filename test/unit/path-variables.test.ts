/** The gateway and the function behind it each find a request's route: they must find the same one. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matchPath, pathPattern } from '../../lambdas/http/path.ts';
import { decodedPath } from '../../local/edge/http-api-event.ts';
import { HttpApi, type ApiRoute } from '../../local/edge/http-api.ts';

const keys = [
  'ANY /auth/session',
  'ANY /auth/sessions',
  'ANY /auth/sessions/{handle}',
  'ANY /auth/{proxy+}',
  '$default',
];
const gateway = new HttpApi(
  // Only the finding is tried: no function runs.
  keys.map((routeKey) => ({ routeKey, timeoutMilliseconds: 1 }) as ApiRoute),
  { id: 'api', domainName: 'api.example' },
);
const pattern = pathPattern('/auth/sessions/{handle}');

/** What the gateway and the function make of a request target; the gateway hands on the path that it has decoded. */
const found = (target: string): { gateway: string | undefined; function: unknown } => {
  const path = decodedPath(target);
  return path === undefined
    ? { gateway: undefined, function: undefined }
    : { gateway: gateway.route('DELETE', path)?.routeKey, function: matchPath(pattern, path) };
};

describe('a path with a variable', () => {
  test.each([
    ['/auth/sessions/pwK3-_9', 'ANY /auth/sessions/{handle}', { handle: 'pwK3-_9' }],
    ['/auth/sessions/%70wK3', 'ANY /auth/sessions/{handle}', { handle: 'pwK3' }],
    ['/auth/sessions/x?y=/z', 'ANY /auth/sessions/{handle}', { handle: 'x' }],
    ['/auth/sessions', 'ANY /auth/sessions', undefined],
    ['/auth/sessions/', 'ANY /auth/{proxy+}', undefined],
    ['/auth/sessions/a/b', 'ANY /auth/{proxy+}', undefined],
    ['/auth/sessions/a%2Fb', 'ANY /auth/{proxy+}', undefined],
    ['/auth/sessions%2Fa', 'ANY /auth/sessions/{handle}', { handle: 'a' }],
    ['/auth/sessions/a%252Fb', 'ANY /auth/sessions/{handle}', undefined],
    ['/auth/sessions/..', 'ANY /auth/sessions/{handle}', undefined],
    ['/auth/sessions/%2e%2e', 'ANY /auth/sessions/{handle}', undefined],
    ['/auth/sessions/.', 'ANY /auth/sessions/{handle}', undefined],
    ['/auth/sessions/a%00', 'ANY /auth/sessions/{handle}', undefined],
    ['/auth/sessions/%', undefined, undefined],
  ])('%j is found as it should be', (target, byGateway, byFunction) => {
    expect(found(target)).toEqual({ gateway: byGateway, function: byFunction });
  });

  test('is never taken by the function where the gateway found another, and never means two things', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', '.', '%', '2', 'f', 'F', '/', 'e', '~', '-', '_', '?', '\\', ' '),
        }),
        (rest) => {
          const { gateway: route, function: variables } = found(`/auth/sessions/${rest}`);
          if (variables === undefined) return;
          expect(route).toBe('ANY /auth/sessions/{handle}');
          const { handle = '' } = variables as { handle?: string };
          expect(decodeURIComponent(handle)).toBe(handle);
          expect(new URL(`https://app.example/auth/sessions/${handle}`).pathname).toBe(
            `/auth/sessions/${handle}`,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
