import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { LoopbackResponse } from '../loopback-server.ts';

export interface Request {
  readonly method: string;
  /** The path as it came, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpResponse extends LoopbackResponse {
  readonly headers: OutgoingHttpHeaders;
  /** For the log: what came of the request and why. Never a token or anything the caller could choose. */
  readonly outcome: string;
}

export const json = (status: number, body: unknown, outcome: string): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
  outcome,
});

export const cut = (outcome: string): HttpResponse => ({
  status: 0,
  headers: {},
  body: '',
  outcome,
  reset: true,
});
