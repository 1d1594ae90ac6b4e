/** One instance of the function, in a thread of its own: it makes so many calls at once when it gets the message. */
import { parentPort } from 'node:worker_threads';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { proxyBundle } from '../../test/support/proxy-bundle.ts';
import { edgeHeaders } from './messages.ts';

export interface Calls {
  readonly cookie: string;
  readonly count: number;
}

const proxy = proxyBundle();
const { handler } = (await import(proxy.file)) as {
  handler: (event: APIGatewayProxyEventV2, context: object) => Promise<APIGatewayProxyStructuredResultV2>;
};
proxy.remove();

const callOnce = async (cookie: string): Promise<{ status: string; milliseconds: number }> => {
  const path = '/api/pds/Patient/9000000009';
  const startedAt = performance.now();
  const { statusCode = 0, body = '' } = await handler(
    {
      version: '2.0',
      rawPath: path,
      rawQueryString: '',
      headers: { ...edgeHeaders, 'x-csrf': '1', 'sec-fetch-site': 'same-origin' },
      cookies: [cookie],
      isBase64Encoded: false,
      requestContext: { http: { method: 'GET', path } },
    } as unknown as APIGatewayProxyEventV2,
    {},
  );
  const problem = statusCode === 200 ? '' : ` ${String((JSON.parse(body) as { code?: string }).code)}`;
  return { status: String(statusCode) + problem, milliseconds: performance.now() - startedAt };
};

parentPort?.on('message', ({ cookie, count }: Calls) => {
  void Promise.all(Array.from({ length: count }, () => callOnce(cookie))).then((results) =>
    parentPort?.postMessage(results),
  );
});
parentPort?.postMessage('ready');
