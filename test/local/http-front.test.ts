import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  behaviourFor,
  cloudFrontFunction,
  normalisedPath,
  readDistribution,
} from '../../local/edge/cloudfront.ts';
import { readApi } from '../../local/aws/apis.ts';
import { Functions } from '../../local/aws/functions.ts';
import { makeSecrets, makeTables } from '../../local/aws/stores.ts';
import { startDynamoDb } from '../../local/aws/dynamodb.ts';
import { HttpApi, maxBodyBytes } from '../../local/edge/http-api.ts';
import { HttpFront } from '../../local/edge/http-front.ts';
import { builtSpa } from '../../local/edge/spa.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { Assembly } from '../../local/aws/template.ts';
import { rawBytesRequest } from '../support/raw-http.ts';
import { collectedLog, send } from './helpers.ts';
import { writeFixture } from './fixture-assembly.ts';

const log = collectedLog();
const front = new HttpFront(log);
const closers: (() => unknown)[] = [];
let directory: string;
let port: number;

beforeAll(async () => {
  directory = writeFixture();
  const assembly = Assembly.read(directory);
  const [dynamodb, secrets] = await Promise.all([
    startDynamoDb(),
    startSecretsManager({ region: 'eu-west-2', account: '000000000000' }),
  ]);
  await makeTables(assembly, dynamodb.url);
  await makeSecrets(assembly, secrets.url);
  const functions = new Functions(assembly, {
    endpoints: { dynamodb: dynamodb.url, secretsManager: secrets.url, kms: 'http://127.0.0.1:1' },
    overrides: {},
    log,
  });
  const { routes, identity } = readApi(assembly, functions);
  port = await front.takePort(0);
  front.serve({
    distribution: readDistribution(assembly),
    api: new HttpApi(routes, identity),
    spa: builtSpa(path.join(directory, 'spa')),
    baseUrl: `http://localhost:${String(port)}`,
  });
  closers.push(
    () => {
      front.close();
    },
    () => functions.close(),
    () => {
      dynamodb.close();
    },
    () => {
      secrets.close();
    },
    () => {
      rmSync(directory, { recursive: true });
    },
  );
});
afterAll(async () => {
  await Promise.all(
    closers.map(async (close) => {
      await close();
    }),
  );
});

const post = (body: string | Buffer, headers: http.OutgoingHttpHeaders = {}) =>
  send(port, '/auth/echo', { method: 'POST', body, headers: { 'content-type': 'text/plain', ...headers } });

const bffHeaders = {
  'content-security-policy': "default-src 'self'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
};

test.each([
  ['an address in place of a path', 'GET http://localhost/ HTTP/1.1', ['Host: localhost']],
  ['a star', 'OPTIONS * HTTP/1.1', ['Host: localhost']],
])('%s is refused with the headers of every page', async (_, line, headers) => {
  const { status, text } = await rawBytesRequest(`http://127.0.0.1:${String(port)}`, [line, ...headers]);
  expect(status).toBe(400);
  for (const [name, value] of Object.entries(bffHeaders)) {
    if (name !== 'content-security-policy')
      expect(text.toLowerCase()).toContain(`${name}: ${value.toLowerCase()}`);
  }
  expect(text).toMatch(/^content-security-policy: /im);
});

test('two Host headers are refused', async () => {
  const lines = ['GET / HTTP/1.1', 'Host: localhost', 'Host: localhost'];
  const { status, text } = await rawBytesRequest(`http://127.0.0.1:${String(port)}`, lines);
  expect(status).toBe(400);
  expect(text).toContain('two hosts');
});

describe('the one origin', () => {
  test('a path of the API reaches its function with path, query and cookies', async () => {
    const response = await send(port, '/auth/%65cho?a=1', {
      headers: { cookie: 'one=1; two=2', 'x-csrf': '1' },
    });
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body)).toMatchObject({
      routeKey: 'ANY /auth/echo',
      rawPath: '/auth/echo',
      rawQueryString: 'a=1',
      cookies: ['one=1', 'two=2'],
      headers: { 'x-csrf': '1', host: 'localhttpapi.execute-api.eu-west-2.amazonaws.com' },
    });
  });

  test.each(['a', 'one%', 'two-more', '__Host-one', 'One', 'x=one'])(
    'a cookie named %s is not passed on',
    async (name) => {
      const response = await send(port, '/auth/echo', { headers: { cookie: `${name}=9; two=2` } });
      expect(JSON.parse(response.body)).toMatchObject({ cookies: ['two=2'] });
    },
  );

  test('foreign cookies that would fill the gateway’s headers three times over do no harm', async () => {
    const foreign = Array.from({ length: 8 }, (_, index) => `site${String(index)}=${'x'.repeat(3_900)}`);
    const response = await send(port, '/auth/echo', {
      headers: { cookie: ['one=1', ...foreign].join('; ') },
    });
    expect(JSON.parse(response.body)).toMatchObject({ cookies: ['one=1'] });
    const none = await send(port, '/auth/echo', { headers: { cookie: foreign.join('; ') } });
    expect(JSON.parse(none.body)).not.toHaveProperty('cookies');
  });

  test.each([['one=1; x=y; one=2'], [['one=1', 'x=y; one=2']]])(
    'a cookie that was sent twice arrives twice: %j',
    async (cookie) => {
      const response = await send(port, '/auth/echo', { headers: { cookie } });
      expect(JSON.parse(response.body)).toMatchObject({ cookies: ['one=1', 'one=2'] });
    },
  );

  test('any method reaches a route', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      const response = await send(port, '/auth/echo', { method });
      expect(JSON.parse(response.body)).toMatchObject({ requestContext: { http: { method } } });
    }
    expect((await send(port, '/auth/echo', { method: 'HEAD' })).body).toBe('');
  });

  test('a form body arrives in base64', async () => {
    const response = await post('a=1&b=2', { 'content-type': 'application/x-www-form-urlencoded' });
    expect(JSON.parse(response.body)).toMatchObject({
      isBase64Encoded: true,
      body: Buffer.from('a=1&b=2').toString('base64'),
    });
  });

  test.each([
    '/auth/none',
    '/auth/echo/',
    '/auth/echo/more',
    '/auth/',
    '/api/none',
    '/x/../auth/echo',
    '/auth//echo',
  ])('%s is not a route, and goes to the catch-all', async (target) => {
    const response = await send(port, target);
    expect(response.status).toBe(404);
    expect(response.headers['content-type']).toBe('application/problem+json');
  });

  test('the headers of the prefixes are added to a response and replace none of its own', async () => {
    const response = await send(port, '/auth/echo');
    expect(response.headers).toMatchObject({ ...bffHeaders, 'cache-control': 'public' });
  });

  test.each([
    ['a function that fails', 500, () => post('fail'), '{"message":"Internal Server Error"}'],
    ['a function slower than its integration', 503, () => post('sleep'), '{"message":"Service Unavailable"}'],
    [
      'headers over 10,240 bytes',
      431,
      () => send(port, '/auth/echo', { headers: { cookie: `one=${'x'.repeat(10_240)}` } }),
      '{"message":"Request Header Fields Too Large"}',
    ],
    [
      'a request over what CloudFront takes',
      431,
      () => send(port, '/auth/echo', { headers: { cookie: `a=${'x'.repeat(32_768)}` } }),
      '{"message":"Request Header Fields Too Large"}',
    ],
    [
      'a body over 6 MB',
      413,
      () => post(Buffer.alloc(maxBodyBytes + 1, 'x')),
      '{"message":"Request Entity Too Large"}',
    ],
    [
      'a body over 6 MB without a length',
      413,
      () => post(Buffer.alloc(maxBodyBytes + 1, 'x'), { 'transfer-encoding': 'chunked' }),
      '{"message":"Request Entity Too Large"}',
    ],
    ['a path that cannot be decoded', 400, () => send(port, '/auth/%zz'), '{"message":"Bad Request"}'],
  ])(
    '%s is %i by the gateway itself, with the headers of the prefixes',
    async (_what, status, request, body) => {
      const response = await request();
      expect(response.status).toBe(status);
      expect(response.body).toBe(body);
      expect(response.headers).toMatchObject({ ...bffHeaders, 'cache-control': 'no-store' });
    },
  );

  test('headers just below the limit pass', async () => {
    expect((await send(port, '/auth/echo', { headers: { cookie: `one=${'x'.repeat(9_500)}` } })).status).toBe(
      200,
    );
  });

  test('only loopback is listened on, by both of its addresses', async () => {
    expect((await send(port, '/', { host: '127.0.0.1' })).status).toBe(200);
    expect((await send(port, '/', { host: '::1' })).status).toBe(200);
  });
});

describe('the single-page app', () => {
  test.each([
    '/',
    '/index.html',
    '/ward/7',
    '/any/deep/link',
    '/ward/7?tab=notes',
    '/auth',
    '/authentic/thing',
  ])('%s gets the document', async (target) => {
    const response = await send(port, target);
    expect(response.status).toBe(200);
    expect(response.body).toContain('<html><body>app');
    expect(response.headers).toMatchObject({
      ...bffHeaders,
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'cross-origin-opener-policy': 'same-origin',
    });
  });

  test.each([
    ['/assets/app-1a2b3c.js', 'text/javascript; charset=utf-8'],
    ['/assets/style-1a2b3c.css', 'text/css; charset=utf-8'],
    ['/assets/font.woff2', 'font/woff2'],
  ])('%s is a file of type %s that never changes', async (target, contentType) => {
    const response = await send(port, target);
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
  });

  test.each(['/missing.js', '/assets/missing-1a2b3c.js', '/assets/', '/assets/app-1a2b3c', '/favicon.ico'])(
    '%s is 404, with the headers of documents',
    async (target) => {
      const response = await send(port, target);
      expect(response.status).toBe(404);
      expect(response.body).toBe('Not found\n');
      expect(response.headers['cache-control']).toBe('no-cache');
      expect(response.headers['content-security-policy']).toBe("default-src 'self'");
    },
  );

  test.each([
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/..\\secret.txt',
    '//etc/passwd.txt',
    '/assets/%00.js',
    '/assets/%zz.js',
    '/C:/secret.txt',
  ])('%s leads nowhere', async (target) => {
    const response = await send(port, target);
    expect(response.body).not.toContain('outside the app');
    expect(response.status).toBe(404);
  });

  test('only GET and HEAD are served', async () => {
    const head = await send(port, '/', { method: 'HEAD' });
    expect([head.status, head.body, Number(head.headers['content-length']) > 0]).toEqual([200, '', true]);
    const response = await send(port, '/', { method: 'POST', body: 'x' });
    expect([response.status, response.headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  test('a browser that has a file is told so', async () => {
    const first = await send(port, '/');
    const second = await send(port, '/', { headers: { 'if-none-match': first.headers.etag } });
    expect([second.status, second.body]).toEqual([304, '']);
    writeFileSync(
      path.join(directory, 'spa/index.html'),
      '<!doctype html><html><body>app, newer</body></html>',
    );
    expect((await send(port, '/', { headers: { 'if-none-match': first.headers.etag } })).status).toBe(200);
  });
});

describe('the parts of CloudFront', () => {
  test.each([
    ['/auth/login?a=/../x', '/auth/login'],
    ['/x/../auth/login', '/auth/login'],
    ['/x/%2e%2E/auth/login', '/auth/login'],
    ['/%61uth/login', '/auth/login'],
    ['/auth%2flogin', '/auth%2Flogin'],
    ['/x/..//auth/login', '//auth/login'],
    ['/../..', '/'],
    ['/a/./b/.', '/a/b/'],
  ])('%s meets the behaviour of %s', (target, path) => {
    expect(normalisedPath(target)).toBe(path);
  });

  test('a behaviour is found by its pattern, and the default fits the rest', () => {
    const distribution = readDistribution(Assembly.read(directory));
    expect(
      ['/auth/x', '/api/', '/assets/x', '/auth', '/', '/authx/'].map(
        (path) => behaviourFor(distribution, path).origin,
      ),
    ).toEqual(['api', 'api', 'spa', 'spa', 'spa', 'spa']);
  });

  test('a CloudFront function has the language and nothing of this process', async () => {
    const request = {
      method: 'GET',
      target: '/a?b=1&b=2',
      rawHeaders: ['X-One', '1'],
      body: Buffer.alloc(0),
      sourceIp: '::1',
    };
    const peek = cloudFrontFunction(
      'function handler(e) { return { uri: [typeof process, typeof require, typeof fetch, e.request.uri, e.request.querystring.b.multiValue.length, e.request.headers["x-one"].value].join() }; }',
    );
    expect(await peek(request)).toEqual({ uri: 'undefined,undefined,undefined,/a,2,1' });
    const refuse = cloudFrontFunction(
      "async function handler() { return { statusCode: 302, statusDescription: 'Found', headers: { location: { value: '/b' } } }; }",
    );
    expect(await refuse(request)).toEqual({
      status: 302,
      headers: { location: '/b' },
      body: Buffer.alloc(0),
    });
  });
});

test('outlives a browser that goes away before its WebSocket is answered', async () => {
  // It serves nothing yet, so that the answer has to wait.
  const waiting = new HttpFront(log);
  const waitingPort = await waiting.takePort(0);
  const faults: unknown[] = [];
  const note = (error: unknown): void => void faults.push(error);
  process.on('uncaughtException', note);
  try {
    const socket = net.connect(waitingPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      `GET /auth/events HTTP/1.1\r\nHost: localhost:${String(waitingPort)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await delay(100);
    socket.resetAndDestroy();
    await delay(100);
    expect(faults).toEqual([]);
  } finally {
    process.off('uncaughtException', note);
    waiting.close();
  }
});
