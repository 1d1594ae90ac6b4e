import { expect, test } from '@jest/globals';
import type { GatewayRequest } from '../../local/edge/http-api-event.ts';
import { PageOrigins } from '../../local/edge/page-origins.ts';

const baseUrl = 'http://localhost:3000';
const request = (target: string, headers: Record<string, string> = {}): GatewayRequest => ({
  method: 'GET',
  target,
  rawHeaders: Object.entries(headers).flat(),
  body: Buffer.alloc(0),
  sourceIp: '127.0.0.1',
});
const fromVite = { 'X-Forwarded-Host': 'localhost:5173', 'X-Forwarded-Proto': 'http' };
const loginUrl = (state: string): string => `http://127.0.0.1:3001/authorize?state=${state}`;

/** Where the browser is led, when the functions lead it to `location`. */
async function ledTo(origins: PageOrigins, sent: GatewayRequest, location: string): Promise<unknown> {
  const response = await origins.through(sent, () => Promise.resolve({ headers: { location } }));
  return response.headers.location;
}

test('a sign-in comes back to the page that it began at, and another one to its own', async () => {
  const origins = new PageOrigins(baseUrl);
  expect(await ledTo(origins, request('/auth/login', fromVite), loginUrl('one'))).toBe(loginUrl('one'));
  expect(await ledTo(origins, request('/auth/login'), loginUrl('two'))).toBe(loginUrl('two'));
  expect(await ledTo(origins, request('/auth/callback?state=one&code=x'), '/ward/7?tab=2')).toBe(
    'http://localhost:5173/ward/7?tab=2',
  );
  expect(await ledTo(origins, request('/auth/callback?code=x&state=two'), '/ward/7')).toBe('/ward/7');
});

test('a refusal comes back there, at once or after the sign-in', async () => {
  const origins = new PageOrigins(baseUrl);
  expect(await ledTo(origins, request('/auth/login?returnTo=//x', fromVite), '/sign-in-error?code=a')).toBe(
    'http://localhost:5173/sign-in-error?code=a',
  );
  await ledTo(origins, request('/auth/login', fromVite), loginUrl('one'));
  const refused = request('/auth/callback?state=one&error=access_denied');
  expect(await ledTo(origins, refused, `${baseUrl}/sign-in-error?code=b`)).toBe(
    'http://localhost:5173/sign-in-error?code=b',
  );
});

test.each([
  ['another machine', { 'X-Forwarded-Host': 'evil.example' }],
  ['a name that begins like this machine’s', { 'X-Forwarded-Host': 'localhost.evil.example' }],
  ['user information', { 'X-Forwarded-Host': 'localhost:1@evil.example' }],
  ['a path', { 'X-Forwarded-Host': 'localhost:5173/evil' }],
  ['two hosts', { 'X-Forwarded-Host': 'localhost:5173', 'x-forwarded-host': 'localhost:5174' }],
  ['another scheme', { 'X-Forwarded-Host': 'localhost:5173', 'X-Forwarded-Proto': 'javascript' }],
])('nobody is led to %s', async (_what, headers) => {
  const origins = new PageOrigins(baseUrl);
  expect(await ledTo(origins, request('/auth/login', headers), '/sign-in-error')).toBe('/sign-in-error');
  await ledTo(origins, request('/auth/login', headers), loginUrl('one'));
  expect(await ledTo(origins, request('/auth/callback?state=one'), '/ward')).toBe('/ward');
});

test('the functions see nothing of those headers, and all of the others', async () => {
  let seen: readonly string[] = [];
  await new PageOrigins(baseUrl).through(
    request('/auth/session', { ...fromVite, 'X-CSRF': '1', 'X-Forwarded-For': '192.0.2.1' }),
    ({ rawHeaders }) => {
      seen = rawHeaders;
      return Promise.resolve({ headers: {} });
    },
  );
  expect(seen).toEqual(['X-CSRF', '1', 'X-Forwarded-For', '192.0.2.1']);
});

test('the oldest sign-ins are forgotten before memory runs out', async () => {
  const origins = new PageOrigins(baseUrl);
  for (let index = 0; index <= 1_000; index += 1) {
    await ledTo(origins, request('/auth/login', fromVite), loginUrl(String(index)));
  }
  expect(await ledTo(origins, request('/auth/callback?state=0'), '/')).toBe('/');
  expect(await ledTo(origins, request('/auth/callback?state=1'), '/')).toBe('http://localhost:5173/');
});
