/**
 * What a test sent and what it got, written down for the evidence report: only when an environment variable names a
 * directory for it, and never with anything secret (see `cut.ts`). Otherwise it costs nothing.
 */
import { appendFileSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { cutBody, cutHeader, cutTarget } from './cut.ts';

/** The run that asks for exchanges, and where it wants them. */
export const runVariable = 'EVIDENCE_RUN';
export const directoryVariable = 'EVIDENCE_DIRECTORY';

/** One request and its response, with everything secret cut. */
export interface Exchange {
  /** Who asked: a browser (or what plays one) asked the product, or the product asked the provider. */
  readonly at: 'product' | 'provider';
  readonly request: readonly string[];
  readonly response: readonly string[];
}

/** An exchange as it is written down. */
export interface RecordedExchange extends Exchange {
  readonly run: string;
  readonly file: string;
  readonly test: string;
}

interface Half {
  /** `GET /auth/login HTTP/1.1`, or the status. */
  readonly start: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: string;
}

/** No report shows more of one test, and a test may send thousands. */
const maxOfOneTest = 60;
const counts = new Map<string, number>();

interface TestState {
  readonly currentTestName?: string;
  readonly testPath?: string;
}

/** The test that is running; none in a hook. */
function runningTest(): { file: string; test: string } | undefined {
  const jest = globalThis as { expect?: { getState(): TestState } };
  const state = jest.expect?.getState();
  const test = state?.currentTestName;
  return state?.testPath === undefined || test === undefined ? undefined : { file: state.testPath, test };
}

/** Whether anybody wants exchanges. */
export const recording = (): boolean => process.env[directoryVariable] !== undefined;

function half({ start, headers, body }: Half): string[] {
  const fields = [...headers];
  const type = fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const shown = fields.flatMap(([name, value]) => cutHeader(name, value) ?? []).sort();
  const content = cutBody(type, body);
  return [start, ...shown, ...(content === '' ? [] : ['', content])];
}

/** Header fields as pairs, one a value. */
export const fieldsOf = (headers: OutgoingHttpHeaders): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map((one): [string, string] => [name, String(one)]),
  );

/** Writes an exchange down under the test that is running. */
export function recordExchange(
  at: Exchange['at'],
  request: { method: string; target: string; headers: Iterable<readonly [string, string]>; body: string },
  response: { status: number; headers: Iterable<readonly [string, string]>; body: string },
): void {
  const directory = process.env[directoryVariable];
  const run = process.env[runVariable];
  if (directory === undefined || run === undefined) return;
  const running = runningTest();
  if (running === undefined) return;
  const count = (counts.get(running.test) ?? 0) + 1;
  counts.set(running.test, count);
  if (count > maxOfOneTest) return;
  const method = /^[A-Z]{1,10}$/.test(request.method) ? request.method : '[cut]';
  const recorded: RecordedExchange = {
    run,
    ...running,
    at,
    request: half({ ...request, start: `${method} ${cutTarget(request.target)}` }),
    response: half({ ...response, start: String(response.status) }),
  };
  appendFileSync(join(directory, `exchanges-${String(process.pid)}.ndjson`), `${JSON.stringify(recorded)}\n`);
}

/** The same for a request that a server of the test's own has taken, once it has responded. */
export function recordServed(request: IncomingMessage, body: string, response: ServerResponse): void {
  if (!recording()) return;
  const writeHead = response.writeHead.bind(response);
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
  let headers: OutgoingHttpHeaders = {};
  let responseBody = '';
  // Headers that are given to `writeHead` can be asked of nobody afterwards.
  response.writeHead = ((status: number, given: OutgoingHttpHeaders = {}) => {
    headers = given;
    return writeHead(status, given);
  }) as typeof response.writeHead;
  response.end = ((...given: unknown[]) => {
    if (typeof given[0] === 'string') responseBody = given[0];
    return end(...given);
  }) as typeof response.end;
  response.once('finish', () => {
    recordExchange(
      'provider',
      {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: fieldsOf(request.headers),
        body,
      },
      {
        status: response.statusCode,
        headers: fieldsOf(headers),
        body: responseBody,
      },
    );
  });
}
