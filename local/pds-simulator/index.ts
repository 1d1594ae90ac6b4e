import { gzipSync } from 'node:zlib';
import { Faults, type Fault } from '../api-platform-simulator/faults.ts';
import type { HttpResponse, Request } from '../control-panel/http.ts';
import type { ApiPlatformSimulator } from '../api-platform-simulator/index.ts';
import { faultCommand, type ControlPanel } from '../api-platform-simulator/control-panel.ts';
import { respondWith, startSimulatorServer, type ServerOptions } from '../api-platform-simulator/server.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import { isNhsNumber } from './nhs-number.ts';
import { errorResponse, fhirResponse, operationOutcome, PdsError } from './outcome.ts';
import { etagOf, shown, type Patient } from './patient.ts';
import { patients as everybody } from './patients.ts';
import { search } from './search.ts';
import { update } from './update.ts';

export { everybody as patients };

const operations = ['search', 'read', 'update'] as const;
type Operation = (typeof operations)[number];

const maxRequests = 200;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Headers whose values can be looked at. */
const safeHeaders = [
  'accept',
  'accept-encoding',
  'content-type',
  'if-match',
  'nhsd-session-urid',
  'x-correlation-id',
  'x-request-id',
] as const;

export interface PdsSimulatorOptions extends ServerOptions {
  /** Knows what access tokens stand for. */
  readonly platform: Pick<ApiPlatformSimulator, 'introspect'>;
}

/** One request, without its token and body. */
interface ReceivedRequest {
  /** RFC 3339. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Lower case, sorted. */
  readonly headerNames: readonly string[];
  /** Those headers whose values can be looked at. */
  readonly headers: Readonly<Partial<Record<(typeof safeHeaders)[number], string>>>;
  /** 0 when the connection was cut. */
  readonly status: number;
}

export interface PdsSimulator extends LoopbackServer {
  readonly controlPanel: ControlPanel;
  /** The last requests to the API, the oldest first. */
  readonly received: readonly ReceivedRequest[];
}

const idOf = ({ path }: Request): string | undefined => /^\/Patient\/([^/]+)$/.exec(path)?.[1];

function operationOf(request: Request): Operation | undefined {
  const one = idOf(request) !== undefined;
  if (request.method === 'GET' && request.path === '/Patient') return 'search';
  if (request.method === 'GET' && one) return 'read';
  return request.method === 'PATCH' && one ? 'update' : undefined;
}

const header = ({ headers }: Request, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
};

/** What the platform's gateway checks before any API: the token, the request's id, the role. */
function admit(request: Request, platform: PdsSimulatorOptions['platform']): void {
  const authorization = header(request, 'authorization');
  if (authorization === undefined) throw new PdsError('ACCESS_DENIED', 'Missing Authorization header');
  if (authorization === '') throw new PdsError('ACCESS_DENIED', 'Empty Authorization header');
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new PdsError('ACCESS_DENIED', 'Missing access token');
  const person = platform.introspect(token);
  if (person === undefined) throw new PdsError('ACCESS_DENIED', 'Invalid Access Token');

  const requestId = header(request, 'x-request-id') ?? '';
  if (requestId === '') {
    throw new PdsError(
      'MISSING_VALUE',
      'Invalid request with error - X-Request-ID header must be supplied to access this resource',
    );
  }
  if (!uuid.test(requestId)) {
    throw new PdsError('INVALID_VALUE', `Invalid value - '${requestId}' in header 'X-Request-ID'`);
  }

  const sent = header(request, 'nhsd-session-urid');
  const role = sent ?? person.selectedRoleId ?? (person.roles.length > 1 ? '' : undefined);
  const known = person.roles.length === 0 || (role !== undefined && person.roles.includes(role));
  if (role !== undefined && (!/^\d+$/.test(role) || !known)) {
    throw new PdsError('INVALID_VALUE', `Invalid value - '${sent ?? ''}' in header 'NHSD-Session-URID'`);
  }
}

/** The caller's own ids, as headers of the response. */
const echoed = (request: Request): Record<string, string> =>
  Object.fromEntries(
    ['x-request-id', 'x-correlation-id'].flatMap((name) => {
      const value = header(request, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );

const acceptsGzip = (request: Request): boolean =>
  (header(request, 'accept-encoding') ?? '')
    .split(',')
    .some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));

function encoded(request: Request, response: HttpResponse): HttpResponse {
  if (response.reset === true) return response;
  const headers = { ...response.headers, ...echoed(request), vary: 'Accept-Encoding' };
  return acceptsGzip(request)
    ? { ...response, headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(response.body) }
    : { ...response, headers };
}

/** The gateway's responses in place of the API's. */
const instead = (fault: Extract<Fault, { kind: 'status' | 'quota' }>): HttpResponse => {
  if (fault.kind === 'quota') return errorResponse(new PdsError('TOO_MANY_REQUESTS'));
  const { status, error: code = 'UNKNOWN_ERROR', description: diagnostics } = fault;
  const display = 'As asked at the control panel';
  const issue = 'processing';
  return fhirResponse(
    status,
    operationOutcome({ severity: 'error', issue, code, display, diagnostics }),
    'as asked at the control panel',
  );
};

/**
 * Starts a small Personal Demographics Service (FHIR R4): search, read and update of some thirty invented patients,
 * behind the platform's access tokens.
 *
 * After PDS's published tests: the checks of headers, the errors and their words, 409 for another version, 412 without
 * `If-Match`, 400 for another content type. Invented: the minimum that a search needs (`family` and `birthdate`; PDS has
 * finer rules), what of a restricted record is withheld and that it cannot be updated, which members cannot be
 * changed, the words about a patch that cannot be applied, the code `ADDITIONAL_PROPERTIES`, the body of a 429. PDS
 * takes `{"patches": […]}`; the plain list of RFC 6902 is taken too. PDS's rules about the ids of addresses and names
 * are not here.
 *
 * A role in `NHSD-Session-URID` is compared with the roles that the ID token lists. A selected role alone is no list:
 * the person may have others.
 *
 * The control panel's commands: `fault` (see `faultCommand`; operations `search`, `read` and `update`) and `reset`, which
 * undoes every update too.
 *
 * @throws the socket's error when the port cannot be had
 */
export async function startPdsSimulator({ platform, ...server }: PdsSimulatorOptions): Promise<PdsSimulator> {
  const faults = new Faults<Operation>();
  const received: ReceivedRequest[] = [];
  const byId = new Map<string, Patient>();
  const reset = (): string => {
    faults.clear();
    received.length = 0;
    for (const patient of everybody) byId.set(patient.id, patient);
    return 'Nothing fails, every patient is as at the start, and the list of requests is empty.';
  };
  reset();

  const controlPanel: ControlPanel = {
    commands: { fault: faultCommand(faults, operations), reset },
    get state() {
      return { faults: faults.describe(), received };
    },
  };

  const find = (request: Request): Patient => {
    const id = idOf(request) ?? '';
    if (!isNhsNumber(id)) throw new PdsError('INVALID_RESOURCE_ID');
    const patient = byId.get(id);
    if (patient === undefined) throw new PdsError('RESOURCE_NOT_FOUND');
    return patient;
  };

  const send = (patient: Patient, outcome: string): HttpResponse =>
    fhirResponse(200, shown(patient), outcome, { etag: etagOf(patient) });

  const work: Readonly<Record<Operation, (request: Request, url: string) => HttpResponse>> = {
    search: ({ query }, url) => {
      const { resource, outcome } = search(query, [...byId.values()], url);
      return fhirResponse(200, resource, outcome);
    },
    read: (request) => send(find(request), 'read'),
    update: (request) => {
      const patient = find(request);
      const ifMatch = header(request, 'if-match');
      if (ifMatch === undefined) {
        throw new PdsError(
          'PRECONDITION_FAILED',
          'Invalid request with error - If-Match header must be supplied to update this resource',
        );
      }
      const contentType = header(request, 'content-type') ?? '';
      const changed = update(patient, { contentType, ifMatch, body: request.body });
      byId.set(changed.id, changed);
      return send(changed, 'updated');
    },
  };

  const createService = (url: string) => {
    const serve = (request: Request): HttpResponse => {
      try {
        admit(request, platform);
        const operation = operationOf(request);
        if (operation === undefined) throw new PdsError('UNSUPPORTED_SERVICE');
        return work[operation](request, url);
      } catch (error) {
        if (error instanceof PdsError) return errorResponse(error);
        throw error;
      }
    };

    const respond = async (request: Request): Promise<HttpResponse> => {
      const operation = operationOf(request);
      const fault = operation === undefined ? undefined : faults.take(operation);
      const given = encoded(
        request,
        await respondWith(fault, () => Promise.resolve(serve(request)), instead),
      );
      received.push(recordOf(request, given.status));
      if (received.length > maxRequests) received.shift();
      return given;
    };
    const endpointName = (request: Request) =>
      operationOf(request) === undefined ? '(unknown)' : '/Patient';
    return { controlPanel, endpointName, respond };
  };

  const started = await startSimulatorServer(createService, server);
  return { ...started, controlPanel, received };
}

const recordOf = (request: Request, status: number): ReceivedRequest => ({
  at: new Date().toISOString(),
  method: request.method,
  path: request.path,
  query: request.query.toString(),
  headerNames: Object.keys(request.headers).sort(),
  headers: Object.fromEntries(
    safeHeaders.flatMap((name) => {
      const value = header(request, name);
      return value === undefined ? [] : [[name, value]];
    }),
  ),
  status,
});
