import { createLoopbackServer, listenOnLoopback, refusalOf } from '../loopback-server.ts';
import type { ClientRegistration } from './clients.ts';
import { Effects } from './effects.ts';
import type { Clock } from './expiring-map.ts';
import type { HttpResponse } from '../control-panel/http.ts';
import { BodyTooLarge, forbidden, notFound, readRequest, writeResponse } from './http.ts';
import { ControlPanel } from './control-panel.ts';
import { createControlPanelEndpoint } from './control-panel-http.ts';
import { LogoutSender } from './logout-sender.ts';
import { issuerPath, controlPanelPaths, paths } from './metadata.ts';
import { personas, type PersonaGroup } from './personas.ts';
import { createProvider } from './provider.ts';
import { Sessions } from './sessions.ts';
import { KeyRing } from './signer.ts';
import type { Telemetry } from '../telemetry.ts';

export { exampleRegistrations, readRegistrations, RegistrationError } from './clients.ts';
export type { ClientRegistration };

export interface Cis2SimulatorOptions {
  /** Port on 127.0.0.1; 0 takes any free one. */
  readonly port: number;
  /** Take any free port when `port` is in use, instead of failing. */
  readonly fallbackToFreePort?: boolean;
  readonly clients: readonly ClientRegistration[];
  /** How long after a fetch of a client's keys an unknown one leads to no other. @default a minute */
  readonly keyRefetchSeconds?: number;
  /** Gets one line for each request: method, endpoint, status, outcome. Never a code, token or assertion. */
  readonly log?: (line: string) => void;
  /** What the app that is run with it has measured and logged. @default there is no page of it */
  readonly telemetry?: () => Telemetry;
  /** Seconds since the epoch; for tests that cannot wait. */
  readonly clock?: Clock;
  /**
   * Spells the port in the issuer and in every endpoint so that a URL parser tidies it away, as CIS2's `:443` is tidied
   * away: with a leading zero, or `:80` on port 80. Whoever compares what a parser has had in hand fails here too.
   */
  readonly issuerPortInName?: boolean;
}

export interface Cis2Simulator {
  readonly issuer: string;
  /** Address of the control panel. */
  readonly panel: string;
  readonly personas: readonly {
    readonly uid: string;
    readonly name: string;
    readonly group: PersonaGroup;
    readonly summary: string;
  }[];
  close(): Promise<void>;
}

const address = '127.0.0.1';

const knownPaths = new Set<string>([
  ...Object.values(paths),
  controlPanelPaths.panel,
  controlPanelPaths.state,
  controlPanelPaths.telemetry,
]);

/** A path for the log: one of ours, shortened to its end, or nothing of what the caller wrote. */
const endpointName = (path: string): string =>
  knownPaths.has(path)
    ? path.startsWith(issuerPath)
      ? path.slice(issuerPath.length)
      : path
    : path.startsWith(controlPanelPaths.form)
      ? controlPanelPaths.panel
      : '(unknown path)';

/** The origin as the metadata spells it. */
const spelt = (port: number, portInName: boolean): string => {
  if (!portInName) return new URL(`http://${address}:${String(port)}`).origin;
  return `http://${address}:${port === 80 ? '80' : `0${String(port)}`}`;
};

/**
 * Starts an OpenID provider that behaves like NHS CIS2: its paths, its strictness, its tokens, its oddities.
 *
 * It stands on 127.0.0.1 so that for an app on `localhost` it is another site, as CIS2 is in production. Everything it
 * knows is in memory and gone with `close()`; its signing key is new at each start.
 *
 * @throws the socket's error when the port cannot be had (`EADDRINUSE` unless `fallbackToFreePort`)
 */
export async function startCis2Simulator(options: Cis2SimulatorOptions): Promise<Cis2Simulator> {
  const { clients, keyRefetchSeconds = 60, log } = options;
  const clock = options.clock ?? (() => Math.floor(Date.now() / 1_000));
  const keys = await KeyRing.create();
  const server = createLoopbackServer();
  const port = await listenOnLoopback(server, options);
  const origin = spelt(port, options.issuerPortInName ?? false);
  const issuer = origin + issuerPath;

  const effects = new Effects();
  const now: Clock = () => clock() + effects.skewSeconds;
  const sessions = new Sessions(clock);
  const sender = new LogoutSender({ issuer, keys, now, log: (line) => log?.(line) });
  const controlPanel = new ControlPanel({ issuer, clients, effects, sessions, keys, sender });
  const controlPanelEndpoint = createControlPanelEndpoint(controlPanel, options.telemetry);
  const provider = createProvider({
    origin,
    clients,
    keyRefetchSeconds,
    keys,
    sessions,
    effects,
    // Nobody waits for the apps: whoever signs out is sent on at once.
    endSession: (session) => void controlPanel.end(session),
    now,
    clock,
  });

  server.on('request', (message, response) => {
    const respond = (result: HttpResponse) => {
      // A provider whose clock is wrong says so in the Date of its responses.
      if (effects.skewSeconds !== 0) response.setHeader('date', new Date(now() * 1_000).toUTCString());
      writeResponse(response, result);
      const path = endpointName((message.url ?? '').split('?')[0] ?? '');
      log?.(`${message.method ?? ''} ${path} ${String(result.status)} ${result.outcome}`);
    };
    const fail = (status: number, outcome: string) => {
      const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
      respond({ status, headers, body: outcome, outcome });
    };
    readRequest(message)
      .then(async (request) => {
        const refusal = refusalOf(message, { ownPortOnly: true, browsers: 'same-origin' });
        if (refusal === 'foreign host') respond(notFound());
        else if (refusal !== undefined) respond(forbidden(refusal));
        else respond(await (controlPanelEndpoint(request) ?? provider(request)));
      })
      .catch((error: unknown) => {
        if (response.headersSent || message.destroyed) response.destroy();
        else if (error instanceof BodyTooLarge) fail(413, 'request body too large');
        else fail(500, `internal error (${error instanceof Error ? error.name : 'unknown'})`);
      });
  });

  return {
    issuer,
    panel: new URL(controlPanelPaths.panel, origin).href,
    personas: personas.map(({ uid, name, group, summary }) => ({ uid, name, group, summary })),
    close: () =>
      new Promise((resolve, reject) => {
        sender.close();
        server.close((error) => {
          if (error === undefined) resolve();
          else reject(error);
        });
        server.closeAllConnections();
      }),
  };
}
