import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DevelopmentServer, extendPolicy, inlineSources } from '../../local/edge/development-server.ts';

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe('the inline code of a document', () => {
  test.each([
    ['<script type="module">a()</script>', ['a()']],
    ['<script>a()</script><SCRIPT TYPE=text/javascript>\nb()\n</SCRIPT >', ['a()', '\nb()\n']],
    ['<script type="importmap">{}</script>', ['{}']],
    ['<script>a()</script><script>a()</script>', ['a()']],
    ['<script>a()\r\nb()</script>', ['a()\nb()']],
    ['<script src="/x.js"></script><script type="module" src=/y.js>ignored</script>', []],
    ['<script type="application/json">{}</script>', []],
    ['<script data-src="x">a()</script>', ['a()']],
  ])('has a hash for each script that runs: %s', (document, scripts) => {
    expect(inlineSources(document)).toEqual({ script: scripts.map(hash), style: [] });
  });

  test('has a hash for each style sheet', () => {
    expect(inlineSources('<style>a{}</style><style media="print">b{}</style>').style).toEqual(
      ['a{}', 'b{}'].map(hash),
    );
  });
});

describe('a policy', () => {
  test('lets in more scripts and style sheets and nothing else', () => {
    expect(extendPolicy("default-src 'self'; img-src 'self'", { script: ["'a'"], style: ["'b'"] })).toBe(
      "default-src 'self'; img-src 'self'; script-src 'self' 'a'; style-src 'self' 'b'",
    );
    expect(
      extendPolicy("default-src 'self'; Script-Src https://a.example", { script: ["'a'"], style: [] }),
    ).toBe("default-src 'self'; script-src https://a.example 'a'");
    expect(extendPolicy("default-src 'none'", { script: ["'a'"], style: [] })).toBe(
      "default-src 'none'; script-src 'a'",
    );
    expect(extendPolicy("default-src 'self'", { script: [], style: [] })).toBe("default-src 'self'");
  });
});

describe('a development server', () => {
  const seen: { target: string | undefined; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = createServer(({ url, headers }, response) => {
    seen.push({ target: url, headers });
    if (url === '/moved') response.writeHead(302, { location: `http://${headers.host ?? ''}/there` }).end();
    else if (url === '/' || url === '/own') {
      response.writeHead(200, {
        'content-type': 'text/html',
        etag: '"1"',
        'access-control-allow-origin': '*',
      });
      response.end(url === '/' ? '<head></head>' : '<head><meta property="csp-nonce" nonce="abc"></head>');
    } else response.writeHead(404, { 'content-type': 'text/html' }).end('none');
  });
  let development: DevelopmentServer;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    development = new DevelopmentServer(new URL(`http://127.0.0.1:${String(port)}`), () => undefined);
  });
  afterAll(() => {
    server.close();
  });
  const get = (target: string, rawHeaders: string[] = [], uri = target) =>
    development.get({ method: 'GET', target, rawHeaders, body: Buffer.alloc(0), sourceIp: '127.0.0.1' }, uri);

  test('is sent no cookie, no credential and no other origin', async () => {
    await get('/x.js', [
      'Cookie',
      '__Host-Http-session=s',
      'Authorization',
      'Bearer t',
      'Origin',
      'http://a',
      'X-Own',
      '1',
    ]);
    const { headers } = seen.at(-1) ?? {};
    expect(headers).toMatchObject({ 'x-own': '1' });
    for (const name of ['cookie', 'authorization', 'origin']) expect(headers).not.toHaveProperty(name);
  });

  test('that knows no deep links gets them for its document', async () => {
    const response = await get('/patients/1', ['Accept', 'text/html'], '/index.html');
    expect([response.status, seen.at(-1)?.target]).toEqual([200, '/']);
    expect((await get('/x.js', ['Accept', 'text/html'])).status).toBe(404);
    expect((await get('/patients/1', ['Accept', '*/*'], '/index.html')).status).toBe(404);
  });

  test('has its documents with a nonce of this response alone, or the one that it gave', async () => {
    const [one, two] = [await get('/'), await get('/')];
    const nonceOf = (response: typeof one): string =>
      /^<head><meta property="csp-nonce" nonce="([A-Za-z0-9_-]{22})"><\/head>$/.exec(
        (response.body as Buffer).toString(),
      )?.[1] ?? '';
    expect(nonceOf(one)).not.toBe('');
    expect(nonceOf(one)).not.toBe(nonceOf(two));
    expect(one.contentSecurityPolicy?.("default-src 'self'")).toBe(
      `default-src 'self'; style-src 'self' 'nonce-${nonceOf(one)}'`,
    );
    expect(one.headers).toEqual(expect.not.objectContaining({ etag: expect.anything() }));
    expect(Object.keys(one.headers).join()).not.toContain('access-control');
    const own = await get('/own');
    expect(own.contentSecurityPolicy?.("default-src 'self'")).toBe(
      "default-src 'self'; style-src 'self' 'nonce-abc'",
    );
  });

  test('redirects within the one origin', async () => {
    expect((await get('/moved')).headers['location']).toBe('/there');
  });

  test('that has gone away is 502 in a sentence', async () => {
    const gone = new DevelopmentServer(new URL('http://127.0.0.1:1'), () => undefined);
    const request = {
      method: 'GET',
      target: '/',
      rawHeaders: [],
      body: Buffer.alloc(0),
      sourceIp: '127.0.0.1',
    };
    const response = await gone.get(request, '/');
    expect(response.status).toBe(502);
    expect((response.body as Buffer).toString()).toMatch(
      /^The development server http:\/\/127\.0\.0\.1:1 does not answer: .*\n$/,
    );
  });
});
