import { describe, expect, test } from '@jest/globals';
import { decodedPath, httpApiEvent, httpApiResponse } from '../../local/edge/http-api-event.ts';
import type { GatewayRequest } from '../../local/edge/http-api-event.ts';

const api = { id: 'abc123', domainName: 'abc123.execute-api.eu-west-2.amazonaws.com' };

const eventOf = (request: Partial<GatewayRequest>, routeKey = 'ANY /auth/{proxy+}') => {
  const whole: GatewayRequest = {
    method: 'GET',
    target: '/auth/thing',
    rawHeaders: ['Host', 'localhost:3000'],
    body: Buffer.alloc(0),
    sourceIp: '127.0.0.1',
    ...request,
  };
  return httpApiEvent(
    whole,
    decodedPath(whole.target) ?? '',
    { routeKey, pathParameters: { proxy: 'thing' } },
    api,
  );
};

describe('event of an HTTP API, format 2.0', () => {
  test('a plain request has every part where a function looks for it', () => {
    const event = eventOf({
      target: '/auth/thing?returnTo=%2Fward%2F7&a=1',
      rawHeaders: ['Host', 'localhost:3000', 'User-Agent', 'Example/1.0', 'X-CSRF', '1'],
    });
    expect(event).toEqual({
      version: '2.0',
      routeKey: 'ANY /auth/{proxy+}',
      rawPath: '/auth/thing',
      rawQueryString: 'returnTo=%2Fward%2F7&a=1',
      headers: expect.anything(),
      queryStringParameters: { returnTo: '/ward/7', a: '1' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'abc123',
        domainName: 'abc123.execute-api.eu-west-2.amazonaws.com',
        domainPrefix: 'abc123',
        http: {
          method: 'GET',
          path: '/auth/thing',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'Example/1.0',
        },
        requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        routeKey: 'ANY /auth/{proxy+}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      pathParameters: { proxy: 'thing' },
      isBase64Encoded: false,
    });
    expect({ ...event.headers }).toEqual({
      host: 'abc123.execute-api.eu-west-2.amazonaws.com',
      'user-agent': 'Example/1.0',
      'x-csrf': '1',
      'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    });
  });

  test('a header that comes twice keeps both values, joined by a comma', () => {
    const { headers } = eventOf({ rawHeaders: ['X-CSRF', '1', 'x-csrf', '1', 'Origin', 'a', 'ORIGIN', 'b'] });
    expect(headers['x-csrf']).toBe('1,1');
    expect(headers['origin']).toBe('a,b');
  });

  test('cookies stand apart from headers, duplicates included', () => {
    const event = eventOf({ rawHeaders: ['Cookie', 'a=1; b=2', 'cookie', 'a=3;c="x y"'] });
    expect(event.cookies).toEqual(['a=1', 'b=2', 'a=3', 'c="x y"']);
    expect(event.headers).not.toHaveProperty('cookie');
    expect(eventOf({})).not.toHaveProperty('cookies');
  });

  test('a query parameter that comes twice is joined by a comma, and the raw query keeps its bytes', () => {
    const event = eventOf({ target: '/auth/thing?a=1&b=%20x+y&a=2' });
    expect({ ...event.queryStringParameters }).toEqual({ a: '1,2', b: ' x y' });
    expect(event.rawQueryString).toBe('a=1&b=%20x+y&a=2');
  });

  test('names that JavaScript objects are born with are names like any other', () => {
    const event = eventOf({
      target: '/auth/thing?__proto__=1&constructor=2',
      rawHeaders: ['constructor', 'x', '__proto__', 'y'],
    });
    expect(JSON.parse(JSON.stringify(event.headers))).toHaveProperty('constructor', 'x');
    expect(Object.entries(event.headers)).toContainEqual(['__proto__', 'y']);
    expect(Object.entries(event.queryStringParameters ?? {})).toEqual([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
  });

  test.each([
    ['application/json', false],
    ['application/json; charset=utf-8', false],
    ['text/plain', false],
    ['application/xml', false],
    ['application/javascript', false],
    ['application/x-www-form-urlencoded', true],
    ['application/json-patch+json', true],
    ['application/fhir+json', true],
    ['application/octet-stream', true],
    [undefined, true],
  ])('a body of type %s arrives in base64: %s', (contentType, isBase64Encoded) => {
    const event = eventOf({
      method: 'POST',
      rawHeaders: contentType === undefined ? [] : ['Content-Type', contentType],
      body: Buffer.from('a=ö'),
    });
    expect(event.isBase64Encoded).toBe(isBase64Encoded);
    expect(event.body).toBe(isBase64Encoded ? Buffer.from('a=ö').toString('base64') : 'a=ö');
  });

  test("what the caller says of its own connection never replaces the gateway's word", () => {
    const { headers } = eventOf({
      rawHeaders: [
        'X-Forwarded-Proto',
        'http',
        'X-Forwarded-Port',
        '80',
        'X-Forwarded-For',
        '192.0.2.7',
        'Host',
        'evil.example',
      ],
    });
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers['x-forwarded-port']).toBe('443');
    expect(headers['x-forwarded-for']).toBe('192.0.2.7, 127.0.0.1');
    expect(headers['host']).toBe('abc123.execute-api.eu-west-2.amazonaws.com');
  });

  test('the path is decoded once, and cut where a question mark comes out', () => {
    expect(decodedPath('/auth/%6Cogin?x=%2F')).toBe('/auth/login');
    expect(decodedPath('/auth/a%252Fb')).toBe('/auth/a%2Fb');
    expect(decodedPath('/auth/a%3Fb')).toBe('/auth/a');
    expect(decodedPath('/auth/%zz')).toBeUndefined();
  });
});

describe('result of a function behind an HTTP API, format 2.0', () => {
  const responseOf = (result: unknown) => httpApiResponse(JSON.stringify(result));

  test('status, headers, cookies and body come out as they went in', () => {
    const response = responseOf({
      statusCode: 303,
      headers: { Location: '/', 'X-Number': 5 },
      cookies: ['a=1; Path=/', 'b=2'],
      body: 'text',
    });
    expect(response).toEqual({
      status: 303,
      headers: {
        location: '/',
        'x-number': '5',
        'set-cookie': ['a=1; Path=/', 'b=2'],
        'content-type': 'text/plain;charset=UTF-8',
      },
      body: Buffer.from('text'),
    });
  });

  test('a body in base64 is decoded', () => {
    expect(responseOf({ statusCode: 200, body: 'AAEC', isBase64Encoded: true })?.body).toEqual(
      Buffer.from([0, 1, 2]),
    );
  });

  test('a result without a status code is a JSON response by itself', () => {
    expect(responseOf({ hello: 'world' })).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"hello":"world"}'),
    });
  });

  test.each([
    [{ statusCode: 'often' }],
    [{ statusCode: 99 }],
    [{ statusCode: 200, body: { not: 'text' } }],
    [{ statusCode: 200, headers: { a: ['1', '2'] } }],
    [{ statusCode: 200, cookies: 'a=1' }],
  ])('%j is not a response', (result) => {
    expect(responseOf(result)).toBeUndefined();
  });

  test("lengths and connections are the gateway's own affair", () => {
    const headers = { 'Content-Length': '999', Connection: 'close', 'Transfer-Encoding': 'chunked' };
    expect(responseOf({ statusCode: 204, headers })?.headers).toEqual({});
  });
});
