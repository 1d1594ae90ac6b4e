import { randomUUID } from 'node:crypto';
import { json, type HttpResponse } from '../control-panel/http.ts';

type TokenErrorCode =
  | 'invalid_request'
  | 'invalid_grant'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'public_key error'
  | 'unknown_error';

/** A token request that is refused, with what the caller is sent. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly status: number;
  readonly code: TokenErrorCode;

  constructor(status: number, code: TokenErrorCode, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

export const badRequest = (description: string): TokenError =>
  new TokenError(400, 'invalid_request', description);

/** The platform's error body: OAuth's two members (RFC 6749 section 5.2) and an id that its support can look up. */
export const errorResponse = (status: number, error: string, description: string): HttpResponse =>
  json(
    status,
    { error, error_description: description, message_id: `rrt-${randomUUID()}` },
    `${error}: ${description}`,
  );
