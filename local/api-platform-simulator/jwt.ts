import { compactVerify, decodeJwt, decodeProtectedHeader, errors } from 'jose';
import type { Clock } from '../cis2-simulator/expiring-map.ts';
import type { JwksKeys } from './jwks-cache.ts';
import { badRequest, TokenError } from './token-error.ts';

/** How far another clock may be off, in seconds. */
const clockSkewSeconds = 10;

/** A JWT as it was sent: nothing in it is believed before its signature has been checked. */
export interface DecodedJwt {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The form field that a JWT came in: part of every error about it. */
export type JwtField = 'client_assertion' | 'subject_token';

/** @throws TokenError when it is no JWT */
export function decode(token: string, field: JwtField): DecodedJwt {
  try {
    return { token, header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    throw badRequest(`Malformed JWT in ${field}`);
  }
}

/** The checks that both JWTs have to pass, each throwing TokenError. */
export const checks = (jwt: DecodedJwt, field: JwtField, now: Clock) => {
  const { header, claims } = jwt;
  const { exp } = claims;
  return {
    algorithm(known: readonly string[]): void {
      if (typeof header['alg'] === 'string' && known.includes(header['alg'])) return;
      const names = known.map((name) => `'${name}'`).join(' or ');
      throw badRequest(`Invalid 'alg' header in ${field} JWT - unsupported JWT algorithm - must be ${names}`);
    },
    notExpired(): void {
      if (typeof exp === 'number' && exp + clockSkewSeconds <= now()) {
        throw badRequest(`Invalid 'exp' claim in ${field} JWT - JWT has expired`);
      }
    },
    kid(): void {
      if (typeof header['kid'] !== 'string' || header['kid'] === '') {
        throw badRequest(`Missing 'kid' header in ${field} JWT`);
      }
    },
    typ(): void {
      if (typeof header['typ'] !== 'string' || header['typ'].toUpperCase() !== 'JWT') {
        throw badRequest(`Invalid 'typ' header in ${field} JWT - must be 'JWT'`);
      }
    },
    exp(): number {
      if (exp === undefined) throw badRequest(`Missing 'exp' claim in ${field} JWT`);
      if (typeof exp !== 'number' || !Number.isInteger(exp)) {
        throw badRequest(`Invalid 'exp' claim in ${field} JWT - must be an integer`);
      }
      return exp;
    },
  };
};

/**
 * @returns false when no key has the token's `kid`
 * @throws TokenError when a key has it and did not sign this
 */
export async function isSigned(
  { token }: DecodedJwt,
  keys: JwksKeys,
  algorithms: readonly string[],
): Promise<boolean> {
  try {
    await compactVerify(token, keys, { algorithms: [...algorithms] });
    return true;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return false;
    throw new TokenError(401, 'public_key error', 'JWT signature verification failed');
  }
}

export const noMatchingKey = (field: JwtField): TokenError =>
  new TokenError(401, 'invalid_request', `Invalid 'kid' header in ${field} JWT - no matching public key`);
