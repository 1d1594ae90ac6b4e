/** What the services of AWS that speak AWS JSON 1.1 have in common: one POST a call, its name in a header. */
import { randomUUID } from 'node:crypto';
import { isObject, type JsonObject } from '../../lambdas/common/json.ts';
import { startLoopbackServer } from '../loopback-server.ts';
import type { LoopbackServer } from '../loopback-server.ts';

export type Input = JsonObject;
export type Output = Record<string, unknown>;

/** A refusal in the words of a service's API. */
export class Refusal extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Instants are seconds since the epoch on the wire, with a fraction. */
export const now = (): number => Date.now() / 1000;

export const optionalText = (input: Input, name: string): string | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Refusal('SerializationException', `${name} must be text`);
  return value;
};

export const requiredText = (input: Input, name: string): string => {
  const value = optionalText(input, name);
  if (value === undefined || value === '') {
    throw new Refusal('ValidationException', `1 validation error detected: ${name} must not be null`);
  }
  return value;
};

export const optionalFlag = (input: Input, name: string): boolean | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw new Refusal('SerializationException', `${name} must be a boolean`);
  return value;
};

/** A structure inside a call's input. */
export const optionalObject = (input: Input, name: string): Input | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new Refusal('SerializationException', `${name} must be a structure`);
  return value;
};

/**
 * Starts a service on 127.0.0.1, for the AWS SDK. Signatures are not looked at.
 *
 * @param options.target - what stands before the call's name in `X-Amz-Target`
 * @param options.calls - by its name, what responds to a call or throws a Refusal; a name that is not there is refused
 */
export function startAwsJsonService(options: {
  target: string;
  calls: Readonly<Record<string, (input: Input) => Output | Promise<Output>>>;
}): Promise<LoopbackServer> {
  const { target, calls } = options;
  const respond = (status: number, value: Output) => ({
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
    body: JSON.stringify(value),
  });
  const refuse = (type: string, message: string) => respond(400, { __type: type, message });

  return startLoopbackServer(async (request, body) => {
    const [service, operation = ''] = String(request.headers['x-amz-target']).split('.');
    const call = Object.hasOwn(calls, operation) ? calls[operation] : undefined;
    if (request.method !== 'POST' || service !== target || call === undefined) {
      return refuse('UnknownOperationException', '');
    }
    try {
      const input = JSON.parse(body) as unknown;
      if (typeof input !== 'object' || input === null) throw new SyntaxError();
      return respond(200, await call(input as Input));
    } catch (error) {
      if (error instanceof Refusal) return refuse(error.type, error.message);
      if (error instanceof SyntaxError) return refuse('SerializationException', '');
      throw error;
    }
  });
}
