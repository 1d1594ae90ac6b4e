import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole `Set-Cookie` values. */
  readonly cookies?: readonly string[];
  /** Text, or the very bytes. */
  readonly body?: string | Buffer;
  /** What the log calls this outcome, where its status does not say. */
  readonly code?: string;
}

/** A JSON answer. */
export const json = (body: unknown): HttpResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** A redirect that never repeats a method or a body: 302 and 303 only (RFC 9700 section 4.12). */
export const redirect = (
  status: 302 | 303,
  location: string,
  cookies: readonly string[] = [],
): HttpResponse => ({
  status,
  headers: { location },
  cookies,
});

/** Our origin, and the app's page for a person whom we refuse. */
export interface ErrorPage {
  readonly baseUrl: string;
  readonly signInErrorPath: string;
}

/** Sends a person to the app's error page, with nothing in the address that anybody sent us. */
export const redirectToErrorPage = (
  { baseUrl, signInErrorPath }: ErrorPage,
  parameters: { readonly code: string; readonly reference: string; readonly reason?: string },
): HttpResponse => ({
  ...redirect(303, `${baseUrl}${signInErrorPath}?${new URLSearchParams({ ...parameters }).toString()}`),
  code: parameters.code,
});

/** Headers of every answer under `/auth` and `/api`. An answer's own header of the same name wins. */
export const defaultHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

/** The answer as API Gateway wants it (payload format 2.0: cookies apart from headers). */
export const writeResponse = (
  response: HttpResponse,
  reference: string | undefined,
): APIGatewayProxyStructuredResultV2 => ({
  statusCode: response.status,
  headers: {
    ...defaultHeaders,
    ...(reference === undefined ? {} : { 'x-request-id': reference }),
    ...response.headers,
  },
  ...(response.cookies === undefined || response.cookies.length === 0
    ? {}
    : { cookies: [...response.cookies] }),
  ...(Buffer.isBuffer(response.body)
    ? { body: response.body.toString('base64'), isBase64Encoded: true }
    : { body: response.body ?? '' }),
});
