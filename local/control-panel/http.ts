/** What the servers of all simulators have in common: a request that is read whole, and a response that is logged. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { LoopbackResponse } from '../loopback-server.ts';
import { currentPath } from './path.ts';

export interface Request {
  readonly method: string;
  /** The path as it came, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came. */
  readonly body: string;
  /** Whether the body is a form. */
  readonly isForm: boolean;
  /** The fields of a form body; none for any other body. */
  readonly form: URLSearchParams;
}

export interface HttpResponse extends LoopbackResponse {
  readonly headers: OutgoingHttpHeaders;
  /** For the log: what came of the request and why. Never a code, a token or anything the caller could choose. */
  readonly outcome: string;
}

export function requestOf(message: IncomingMessage, body: string): Request {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(message.headers['content-type'] ?? '');
  return {
    method: message.method ?? 'GET',
    path: currentPath(mark < 0 ? target : target.slice(0, mark)),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers: message.headers,
    body,
    isForm,
    form: new URLSearchParams(isForm ? body : ''),
  };
}

export const json = (status: number, body: unknown, outcome: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
  outcome,
});

/** A response with more headers. */
export const withHeaders = (response: HttpResponse, headers: OutgoingHttpHeaders): HttpResponse => ({
  ...response,
  headers: { ...response.headers, ...headers },
});

/** No response after all. */
export const cut = (outcome: string): HttpResponse => ({
  status: 0,
  headers: {},
  body: '',
  outcome,
  reset: true,
});
