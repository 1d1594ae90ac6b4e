import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogSink } from '../../local/cli/log.ts';

/** A log that keeps its lines. */
export const collectedLog = (): LogSink & { lines: string[] } => {
  const lines: string[] = [];
  return {
    lines,
    line: (text) => {
      lines.push(text);
    },
    entry: (level, event, fields = {}) => {
      lines.push(JSON.stringify({ level, event, ...fields }));
    },
    recent: () => lines,
    open: () => undefined,
    close: () => Promise.resolve(),
  };
};

/** Waits for something to become true; fails when it has not after fifteen seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error('it did not become true');
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request as it is written: no path is tidied up, no header added but `Host`. */
export const send = (
  port: number,
  target: string,
  options: {
    method?: string;
    headers?: http.OutgoingHttpHeaders;
    body?: string | Buffer;
    host?: string;
  } = {},
): Promise<HttpResponse> =>
  new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: options.host ?? '127.0.0.1',
        port,
        path: target,
        method: options.method ?? 'GET',
        headers: options.headers,
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
