import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ClientRegistration } from './client-assertion.ts';
import type { Clock } from './expiring-map.ts';
import { BodyTooLarge, readRequest, writeAnswer, type Answer } from './http.ts';
import { issuerPath, paths } from './metadata.ts';
import { personas } from './personas.ts';
import { createProvider } from './provider.ts';
import { createSigner } from './signer.ts';

export type { ClientRegistration };

export interface Cis2SimulatorOptions {
  /** Port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Take any free port when `port` is in use, instead of failing. */
  readonly fallbackToFreePort?: boolean;
  readonly clients: readonly ClientRegistration[];
  /** Gets one line for each request: method, endpoint, status, outcome. Never a code, token or assertion. */
  readonly log?: (line: string) => void;
  /** Seconds since the epoch; for tests that cannot wait. */
  readonly clock?: Clock;
}

export interface Cis2Simulator {
  readonly issuer: string;
  readonly personas: readonly { readonly uid: string; readonly name: string; readonly summary: string }[];
  close(): Promise<void>;
}

const address = '127.0.0.1';

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });

async function listenOn(server: Server, port: number, fallbackToFreePort: boolean): Promise<void> {
  try {
    await listen(server, port);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!taken || !fallbackToFreePort) throw error;
    await listen(server, 0);
  }
}

const knownPaths = new Set<string>(Object.values(paths));

/** A path for the log: one of ours, shortened to its end, or nothing of what the caller wrote. */
const endpointName = (path: string): string =>
  knownPaths.has(path)
    ? path.startsWith(issuerPath)
      ? path.slice(issuerPath.length)
      : path
    : '(unknown path)';

/**
 * Starts an OpenID provider that behaves like NHS CIS2: its paths, its strictness, its tokens, its oddities.
 *
 * It stands on 127.0.0.1 so that for an app on `localhost` it is another site, as CIS2 is in production. Everything it
 * knows is in memory and gone with `close()`; its signing key is new at each start.
 *
 * @throws the socket's error when the port cannot be had (`EADDRINUSE` unless `fallbackToFreePort`)
 */
export async function startCis2Simulator(options: Cis2SimulatorOptions): Promise<Cis2Simulator> {
  const { port, clients, fallbackToFreePort = false, log } = options;
  const clock = options.clock ?? (() => Math.floor(Date.now() / 1_000));
  const server = createServer();
  const signer = await createSigner();
  await listenOn(server, port, fallbackToFreePort);
  const origin = `http://${address}:${String((server.address() as AddressInfo).port)}`;
  const provider = createProvider({ origin, clients, signer, clock });

  server.on('request', (message, response) => {
    const respond = (answer: Answer) => {
      writeAnswer(response, answer);
      const path = endpointName((message.url ?? '').split('?')[0] ?? '');
      log?.(`${message.method ?? ''} ${path} ${String(answer.status)} ${answer.outcome}`);
    };
    const fail = (status: number, outcome: string) => {
      const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
      respond({ status, headers, body: outcome, outcome });
    };
    readRequest(message)
      .then(async (request) => {
        respond(await provider(request));
      })
      .catch((error: unknown) => {
        if (response.headersSent || message.destroyed) response.destroy();
        else if (error instanceof BodyTooLarge) fail(413, 'request body too large');
        else fail(500, `internal error (${error instanceof Error ? error.name : 'unknown'})`);
      });
  });

  return {
    issuer: origin + issuerPath,
    personas: personas.map(({ uid, name, summary }) => ({ uid, name, summary })),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
        server.closeAllConnections();
      }),
  };
}
