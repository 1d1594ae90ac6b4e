import type { OutboundRequest } from './http-client.ts';

/** What the OpenID library gives `fetch` beside the address, as far as it is used. */
export interface FetchInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The request of a `fetch` by the OpenID library. Its bodies are forms. */
export const fetchRequest = (
  address: string,
  { method = 'GET', headers = {}, body }: FetchInit,
): OutboundRequest => ({
  method,
  url: new URL(address),
  headers,
  body: body instanceof URLSearchParams ? Buffer.from(body.toString()) : undefined,
});
