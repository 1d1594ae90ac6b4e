import { setTimeout as sleep } from 'node:timers/promises';
import { apiPath, apiResponse } from '../control-panel/api.ts';
import { cut, requestOf, withHeaders, type HttpResponse, type Request } from '../control-panel/http.ts';
import { controlPanelPath } from '../control-panel/path.ts';
import { startLoopbackServer, type LoopbackServer } from '../loopback-server.ts';
import type { ControlPanel } from './control-panel.ts';
import type { Fault } from './faults.ts';

export interface ServerOptions {
  /** Port on 127.0.0.1; 0 or absent takes any free one. */
  readonly port?: number;
  /** Take any free port when `port` is in use, instead of failing. */
  readonly fallbackToFreePort?: boolean;
  /** Gets one line for each request: method, endpoint, status, outcome. Never a token or a secret. */
  readonly log?: (line: string) => void;
}

export interface Service {
  readonly controlPanel: ControlPanel;
  /** What the log calls an endpoint: nothing of what the caller wrote. */
  readonly endpointName: (request: Request) => string;
  readonly respond: (request: Request) => Promise<HttpResponse>;
}

/**
 * Starts a simulator's server: its service, with its control panel beside it.
 *
 * @param createService - gets the server's address, without a slash at its end
 * @throws the socket's error when the port cannot be had
 */
export async function startSimulatorServer(
  createService: (url: string) => Service,
  { log, ...where }: ServerOptions,
): Promise<LoopbackServer> {
  const respondTo = async (request: Request): Promise<HttpResponse> => {
    const { controlPanel } = service;
    return request.path.startsWith(apiPath)
      ? apiResponse(controlPanel, request, (command, input) => ({
          message: controlPanel.commands[command]?.(input),
        }))
      : service.respond(request);
  };
  const server = await startLoopbackServer(async (message, body) => {
    const request = requestOf(message, body);
    const { outcome, ...rest } = await respondTo(request);
    const endpoint = request.path.startsWith(apiPath) ? controlPanelPath : service.endpointName(request);
    log?.(`${request.method} ${endpoint} ${String(rest.status)} ${outcome}`);
    return rest;
  }, where);
  const service = createService(server.url);
  return server;
}

/** Responds to a request as a fault has it: late, cut before or after the work is done, or with something else. */
export async function respondWith(
  fault: Fault | undefined,
  work: () => Promise<HttpResponse>,
  instead: (fault: Extract<Fault, { kind: 'status' | 'quota' }>) => HttpResponse,
): Promise<HttpResponse> {
  switch (fault?.kind) {
    case undefined:
      return work();
    case 'slow':
      await sleep(fault.milliseconds, undefined, { ref: false });
      return work();
    case 'reset':
      return cut('cut before the work, as asked at the control panel');
    case 'drop':
      await work();
      return cut('cut after the work, as asked at the control panel');
    case 'status':
    case 'quota': {
      const { retryAfterSeconds } = fault;
      const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      return withHeaders(instead(fault), retry);
    }
  }
}
