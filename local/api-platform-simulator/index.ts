import type { Clock } from '../cis2-simulator/expiring-map.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import { readFlag, readText, readWhole, required, type CommandInput } from '../control-panel/input.ts';
import type { Application } from './client-assertion.ts';
import { Faults, type Fault } from './faults.ts';
import { json, withHeaders, type HttpResponse, type Request } from '../control-panel/http.ts';
import { JwksCache } from './jwks-cache.ts';
import { faultCommand, type ControlPanel } from './control-panel.ts';
import { respondWith, startSimulatorServer, type ServerOptions } from './server.ts';
import { createTokenEndpoint, operationOf, operations, type Operation } from './token-endpoint.ts';
import { errorResponse } from './token-error.ts';
import { Tokens, defaultBehaviour, type Introspection } from './tokens.ts';

export type { Application } from './client-assertion.ts';
export type { Introspection } from './tokens.ts';

const tokenPath = '/oauth2/token';
export const defaultKeyCacheSeconds = 3_600;
const providerKeysSeconds = 86_400;
const maxRequests = 50;

export interface ApiPlatformSimulatorOptions extends ServerOptions {
  readonly applications: readonly Application[];
  /** Of CIS2, character by character as its ID tokens have it. It need not be up before the first exchange. */
  readonly issuer: string;
  /** How long an application's keys are used once they are fetched. @default an hour, as the platform */
  readonly keyCacheSeconds?: number;
  /** Seconds since the epoch, with fractions; for tests that cannot wait. */
  readonly clock?: Clock;
}

/** One request to the token endpoint, without anything that is secret. */
interface TokenRequestRecord {
  /** RFC 3339. */
  readonly at: string;
  readonly operation: Operation | 'unknown';
  readonly parameters: readonly string[];
  /** The key that signed the assertion, where that was shown. */
  readonly kid: string | undefined;
  /** 0 when the connection was cut. */
  readonly status: number;
  readonly outcome: string;
}

export interface ApiPlatformSimulator extends LoopbackServer {
  /** `/oauth2/token`: what an assertion's `aud` has to be. */
  readonly tokenUrl: string;
  /** For the simulated APIs: who an access token is for; undefined when it is unknown, expired or revoked. */
  readonly introspect: (token: string) => Introspection | undefined;
  readonly controlPanel: ControlPanel;
  /** The last requests to the token endpoint, the oldest first. */
  readonly requests: readonly TokenRequestRecord[];
}

function tokensCommand(tokens: Tokens, input: CommandInput): string {
  const { accessLifetimeMs, ...before } = tokens.behaviour;
  const accessSeconds = readWhole(input, 'accessSeconds', 1, 600);
  tokens.behaviour = {
    accessLifetimeMs: accessSeconds === undefined ? accessLifetimeMs : accessSeconds * 1_000,
    reuseRevokesFamily: readFlag(input, 'reuseRevokesFamily') ?? before.reuseRevokesFamily,
    refreshEndsAccess: readFlag(input, 'refreshEndsAccess') ?? before.refreshEndsAccess,
  };
  return 'Tokens are as asked.';
}

/**
 * Starts a simulator of the NHS API platform's OAuth server, as strict as the platform: its checks, their order, its
 * statuses and its words.
 *
 * Invented, because it is not known: the words about a subject token's `alg`, a wrong client secret (401
 * `invalid_client`), the quota (429) and the wrong content type (415); a repeated or empty parameter counts as missing;
 * the order of the checks after those of the assertion's own claims; and that a refresh leaves the access tokens before
 * it alone (`refreshEndsAccess` switches that).
 *
 * The control panel's commands: `fault` (see `faultCommand`; operations `exchange` and `refresh`), `tokens`
 * (`accessSeconds`, `reuseRevokesFamily`, `refreshEndsAccess`), `keys` (`cacheSeconds`), `forget-keys`, `revoke`
 * (`uid`?, `refreshTokens`?) and `reset`.
 *
 * @throws the socket's error when the port cannot be had
 */
export async function startApiPlatformSimulator(
  options: ApiPlatformSimulatorOptions,
): Promise<ApiPlatformSimulator> {
  const { applications, issuer, keyCacheSeconds = defaultKeyCacheSeconds, ...others } = options;
  const { clock: now = () => Date.now() / 1_000, ...server } = others;
  const faults = new Faults<Operation>();
  const applicationKeys = new JwksCache(keyCacheSeconds, now);
  const providerKeys = new JwksCache(providerKeysSeconds, now);
  const requests: TokenRequestRecord[] = [];
  const tokens = new Tokens(now);
  const issued = { exchange: 0, refresh: 0 };

  const controlPanel: ControlPanel = {
    commands: {
      fault: faultCommand(faults, operations),
      tokens: (input) => tokensCommand(tokens, input),
      keys: (input) => {
        applicationKeys.lifetimeSeconds = required(
          readWhole(input, 'cacheSeconds', 0, providerKeysSeconds),
          'cacheSeconds',
        );
        return `Applications’ keys are kept for ${String(applicationKeys.lifetimeSeconds)} s.`;
      },
      'forget-keys': () => {
        applicationKeys.forget();
        providerKeys.forget();
        return 'No fetched key is left.';
      },
      revoke: (input) => {
        const refreshTokens = readFlag(input, 'refreshTokens') ?? false;
        tokens.revoke(readText(input, 'uid'), refreshTokens);
        return refreshTokens ? 'Access and refresh tokens are revoked.' : 'Access tokens are revoked.';
      },
      reset: () => {
        faults.clear();
        applicationKeys.lifetimeSeconds = keyCacheSeconds;
        tokens.behaviour = defaultBehaviour;
        requests.length = 0;
        return 'Everything that was switched on is off, and the list of requests is empty.';
      },
    },
    get state() {
      return {
        faults: faults.describe(),
        tokens: tokens.behaviour,
        keys: { cacheSeconds: applicationKeys.lifetimeSeconds, fetches: applicationKeys.fetches },
        counters: { exchanges: issued.exchange, refreshes: issued.refresh, reuses: tokens.reuses },
        requests,
      };
    },
  };

  const createService = (url: string) => {
    const endpoint = createTokenEndpoint({
      applications,
      tokenUrl: url + tokenPath,
      issuer,
      applicationKeys,
      providerKeys,
      tokens,
      now,
    });

    const token = async (form: URLSearchParams): Promise<HttpResponse> => {
      const operation = operationOf(form);
      let kid: string | undefined;
      const work = async (): Promise<HttpResponse> => {
        const result = await endpoint(form);
        kid = result.kid;
        if (operation !== undefined && result.response.status === 200) issued[operation] += 1;
        return result.response;
      };
      const fault = operation === undefined ? undefined : faults.take(operation);
      const response = await respondWith(fault, work, instead);
      requests.push({
        at: new Date().toISOString(),
        operation: operation ?? 'unknown',
        parameters: [...new Set(form.keys())],
        kid,
        status: response.status,
        outcome: response.outcome,
      });
      if (requests.length > maxRequests) requests.shift();
      return response;
    };

    const respond = async (request: Request): Promise<HttpResponse> => {
      if (request.path !== tokenPath) return json(404, {}, 'no such path');
      if (request.method !== 'POST') {
        return withHeaders(json(405, {}, 'method not allowed'), { allow: 'POST' });
      }
      return request.isForm
        ? token(request.form)
        : errorResponse(415, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
    };
    const endpointName = ({ path }: Request) => (path === tokenPath ? tokenPath : '(unknown path)');
    return { controlPanel, endpointName, respond };
  };

  const started = await startSimulatorServer(createService, server);
  return {
    ...started,
    tokenUrl: started.url + tokenPath,
    introspect: (accessToken) => tokens.introspect(accessToken),
    controlPanel,
    requests,
  };
}

/** The platform's own responses in place of the endpoint's. */
const instead = (fault: Extract<Fault, { kind: 'status' | 'quota' }>): HttpResponse =>
  fault.kind === 'quota'
    ? errorResponse(429, 'TOO_MANY_REQUESTS', 'The quota of this application is used up')
    : errorResponse(
        fault.status,
        fault.error ?? 'unknown_error',
        fault.description ?? 'As asked at the control panel',
      );
