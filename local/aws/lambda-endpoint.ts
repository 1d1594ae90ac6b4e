import { randomUUID } from 'node:crypto';
import { parseJson } from '../../lambdas/common/json.ts';
import type { Invocation, LambdaFunction } from './lambda-runtime.ts';
import { startLoopbackServer } from '../loopback-server.ts';
import type { LoopbackServer } from '../loopback-server.ts';

const route = /^\/2015-03-31\/functions\/([^/?]+)\/invocations\/?(?:\?|$)/;

const respond = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-requestid': randomUUID(), ...headers },
  body,
});

const refuse = (status: number, type: string, message: string) =>
  respond(status, JSON.stringify({ Type: 'User', Message: message }), { 'x-amzn-errortype': type });

/** What a function gave, or how it failed: to Lambda, a call that a function fails is a call all the same. */
const outcome = (result: Invocation) =>
  result.ok
    ? respond(200, result.payload, { 'x-amz-executed-version': '$LATEST' })
    : respond(200, JSON.stringify({ errorType: result.errorType, errorMessage: result.errorMessage }), {
        'x-amz-executed-version': '$LATEST',
        'x-amz-function-error': 'Unhandled',
      });

/**
 * Starts Lambda's Invoke on 127.0.0.1, for the AWS SDK, onto functions that run here: `RequestResponse` and `DryRun`.
 * Signatures are not checked.
 *
 * @param find - gives the function of a name or an ARN
 */
export function startLambdaEndpoint(
  find: (nameOrArn: string) => LambdaFunction | undefined,
): Promise<LoopbackServer> {
  return startLoopbackServer(async (request, body) => {
    // No page in a browser has any business here.
    if (request.headers.origin !== undefined) return refuse(403, 'AccessDeniedException', '');
    const name = route.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || name === undefined) return refuse(404, 'UnknownOperationException', '');
    const wanted = decodeURIComponent(name);
    const found = find(wanted);
    if (found === undefined) return refuse(404, 'ResourceNotFoundException', `Function not found: ${wanted}`);
    const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
    if (type === 'DryRun') return respond(204, '');
    if (type !== 'RequestResponse') {
      return refuse(400, 'InvalidParameterValueException', 'Only RequestResponse and DryRun are known here.');
    }
    // Nothing at all is an empty event.
    const event = body === '' ? {} : parseJson(body);
    if (event === undefined) {
      return refuse(400, 'InvalidRequestContentException', 'Could not parse request body into json.');
    }
    return outcome(await found.invoke(event));
  });
}
