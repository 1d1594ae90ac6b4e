import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { responseHeaders } from '../response-headers.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whole `Set-Cookie` values. */
  readonly cookies?: readonly string[];
  /** Text, or bytes that are sent unchanged. */
  readonly body?: string | Buffer;
  /** The code of this result in the log, if any. */
  readonly code?: string;
}

/** A JSON response. */
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

/** Our origin, and the error page of the app. */
export interface ErrorPage {
  readonly baseUrl: string;
  readonly signInErrorPath: string;
}

/** Redirects to the error page of the app, with no received data in the address. */
export const redirectToErrorPage = (
  { baseUrl, signInErrorPath }: ErrorPage,
  parameters: { readonly code: string; readonly reference: string; readonly reason?: string },
): HttpResponse => ({
  ...redirect(303, `${baseUrl}${signInErrorPath}?${new URLSearchParams({ ...parameters }).toString()}`),
  code: parameters.code,
});

/** The response in API Gateway's payload format 2.0, where cookies are separate from headers. */
export const writeResponse = (
  response: HttpResponse,
  reference: string,
): APIGatewayProxyStructuredResultV2 => ({
  statusCode: response.status,
  headers: {
    ...responseHeaders,
    'x-request-id': reference,
    ...response.headers,
  },
  ...(response.cookies === undefined || response.cookies.length === 0
    ? {}
    : { cookies: [...response.cookies] }),
  ...(Buffer.isBuffer(response.body)
    ? { body: response.body.toString('base64'), isBase64Encoded: true }
    : { body: response.body ?? '' }),
});
