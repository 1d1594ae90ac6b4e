/** A WebSocket API: its `$connect`, the connections, and the endpoint by which functions post to them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { LambdaFunction } from '../aws/lambda-runtime.ts';
import { accountId } from '../aws/template.ts';
import { startLoopbackServer, type LoopbackResponse, type LoopbackServer } from '../loopback-server.ts';
import { headerPairs, type GatewayRequest } from './http-api-event.ts';

export interface WebSocketApi {
  readonly id: string;
  readonly domainName: string;
  readonly stage: string;
  /** What `$connect` leads to. */
  readonly connect: LambdaFunction;
  /** How long the gateway waits for the function, in milliseconds. */
  readonly timeoutMilliseconds: number;
}

/** What API Gateway takes of a frame, in bytes. */
const maxFrameBytes = 32_768;

/** The event for `$connect`, of an API that has no other identity than the edge gives it. */
function connectEvent(request: GatewayRequest, api: WebSocketApi, connectionId: string): object {
  const multiValueHeaders: Record<string, string[]> = {};
  const add = (name: string, value: string): void => {
    (multiValueHeaders[name] ??= []).push(value);
  };
  for (const [name, value] of headerPairs(request.rawHeaders)) {
    if (!/^(?:host|connection|upgrade)$/i.test(name)) add(name, value);
  }
  add('Host', api.domainName);
  add('X-Forwarded-For', request.sourceIp);
  add('X-Forwarded-Port', '443');
  add('X-Forwarded-Proto', 'https');
  const now = Date.now();
  return {
    headers: Object.fromEntries(
      Object.entries(multiValueHeaders).map(([name, values]) => [name, values.at(-1)]),
    ),
    multiValueHeaders,
    requestContext: {
      routeKey: '$connect',
      eventType: 'CONNECT',
      messageDirection: 'IN',
      stage: api.stage,
      connectedAt: now,
      requestTimeEpoch: now,
      requestId: randomUUID(),
      extendedRequestId: randomUUID(),
      connectionId,
      apiId: api.id,
      accountId,
      domainName: api.domainName,
      identity: { sourceIp: request.sourceIp },
    },
    isBase64Encoded: false,
  };
}

const gone: LoopbackResponse = {
  status: 410,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'GoneException' },
  body: '{"message":null}',
};

export class SessionEvents {
  readonly #api: WebSocketApi;
  readonly #onFirst: () => void;
  readonly #sockets = new Map<string, WebSocket>();
  #open: Promise<{ readonly endpoint: LoopbackServer; readonly server: WebSocketServer }> | undefined;
  #connectionsUrl: string | undefined;

  /** @param onFirst - is called before the first connection of all is there */
  constructor(api: WebSocketApi, onFirst: () => void) {
    this.#api = api;
    this.#onFirst = onFirst;
  }

  /** Where functions post messages: the address of the API's stage. There is none before the first connection. */
  get connectionsUrl(): string | undefined {
    return this.#connectionsUrl;
  }

  /**
   * Connects whom the function of `$connect` does not refuse.
   *
   * @param request - as the edge passes it on
   */
  async upgrade(
    request: GatewayRequest,
    message: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const connectionId = `${randomBytes(11).toString('base64url')}=`;
    const status = await statusOf(this.#api, connectEvent(request, this.#api, connectionId));
    if (status < 200 || status > 299) {
      refuse(socket, status);
      return;
    }
    const { server } = await (this.#open ??= this.#start());
    server.handleUpgrade(message, socket, head, (opened) => {
      this.#sockets.set(connectionId, opened);
      opened.on('close', () => this.#sockets.delete(connectionId));
      opened.on('error', () => {
        opened.terminate();
      });
      // There is a route for connections and none for messages.
      opened.on('message', () => {
        opened.send(JSON.stringify({ message: 'Forbidden', connectionId, requestId: randomUUID() }));
      });
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.terminate();
    (await this.#open)?.endpoint.close();
  }

  /** The library, and the endpoint for functions on 127.0.0.1, whose signatures are not checked: no start waits for either. */
  async #start(): Promise<{ endpoint: LoopbackServer; server: WebSocketServer }> {
    const { WebSocketServer } = await import('ws');
    this.#onFirst();
    const { stage } = this.#api;
    const path = new RegExp(`^/${stage}/@connections/([^/?]+)$`);
    const endpoint = await startLoopbackServer((request, body) => {
      const id = path.exec(request.url ?? '')?.[1];
      if (id === undefined || request.method !== 'POST') {
        return Promise.resolve({ status: 404, body: '{"message":"Not Found"}' });
      }
      const socket = this.#sockets.get(decodeURIComponent(id));
      socket?.send(body);
      return Promise.resolve(socket === undefined ? gone : { status: 200, body: '' });
    });
    this.#connectionsUrl = `${endpoint.url}/${stage}`;
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
    });
    return { endpoint, server };
  }
}

async function statusOf({ connect, timeoutMilliseconds }: WebSocketApi, event: object): Promise<number> {
  const invocation = await connect.invokeWithin(timeoutMilliseconds, event);
  if (invocation === undefined) return 504;
  const status = invocation.ok
    ? (JSON.parse(invocation.payload) as { statusCode?: unknown } | null)?.statusCode
    : undefined;
  return typeof status === 'number' ? status : 502;
}

/** Ends an upgrade without a connection. */
export function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n\r\n`);
}
