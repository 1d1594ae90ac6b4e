/** The JWTs that CIS2 signs: ID tokens, logout tokens, UserInfo. One rule for their headers, keys and signatures. */
// Each from its own file: other modules import the index of the package, and would add these to what a start loads.
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { compactVerify } from 'jose/jws/compact/verify';
import { decodeJwt } from 'jose/jwt/decode';
import { importJWK } from 'jose/key/import';
import { withoutNulls } from '../common/index.ts';
import type { Claims } from './claims.ts';
import { signingAlgorithm } from './jwt.ts';
import type { Jwks, Provider } from './provider.ts';

type Jwk = Jwks['keys'][number];

/** A JWT with the header of CIS2's signatures. It is not trusted before its signature has been verified. */
export interface SignedJwt {
  /** As it came. */
  readonly token: string;
  readonly keyId: string | undefined;
  /** Without the members that are `null`. */
  readonly claims: Claims;
}

/** A check of the form and header of a JWT, for the log. */
export type JwtCheck = 'form' | 'alg' | 'crit' | 'typ' | 'kid';

/**
 * Parses a compact JWS, and refuses a header that leaves a choice to its author (RFC 8725 sections 3.1, 3.11).
 *
 * @param types - allowed values of `typ`, in capitals; it may be absent
 * @param refuse - throws, naming the check that failed
 */
export function readJwt(
  token: string,
  types: readonly string[],
  refuse: (check: JwtCheck, cause?: unknown) => never,
): SignedJwt {
  let header: Claims;
  let claims: Claims;
  try {
    header = decodeProtectedHeader(token);
    claims = withoutNulls(decodeJwt(token));
  } catch (error) {
    return refuse('form', error);
  }
  const { alg, typ, kid } = withoutNulls(header);
  if (alg !== signingAlgorithm) return refuse('alg');
  if (Object.hasOwn(header, 'crit')) return refuse('crit');
  const type = typeof typ === 'string' ? typ.toUpperCase().replace(/^APPLICATION\//, '') : typ;
  if (type !== undefined && !types.some((known) => known === type)) return refuse('typ');
  if (kid !== undefined && typeof kid !== 'string') return refuse('kid');
  return { token, keyId: kid, claims };
}

/** The same JWT without the members that are `null`, for a reader that takes none. Its signature no longer fits. */
export function rewritten({ token, claims }: SignedJwt): string {
  const [header = '', , signature = ''] = token.split('.');
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}

/**
 * The result of a verification: `key` if the key may be one that we do not know yet, `rate limited` if in addition the keys
 * were requested a moment ago without success.
 */
export type SignatureVerdict = 'good' | 'signature' | 'key' | 'rate limited';

/**
 * Verifies a signature with CIS2's keys. The keys are fetched again at once for an unknown key, but not for
 * a flood of them.
 *
 * @throws ProviderUnavailable when no keys are available
 */
export async function verifySignature(
  jwt: SignedJwt,
  provider: Provider,
  signal: AbortSignal,
): Promise<SignatureVerdict> {
  const verdict = await verifyWith(jwt, await provider.keys(signal));
  if (verdict !== 'key') return verdict;
  const jwks = await provider.refetchKeys(signal);
  if (jwks === undefined) return 'rate limited';
  const again = await verifyWith(jwt, jwks);
  if (again === 'key') provider.limitRefetches();
  return again;
}

/** Maximum number of keys that are tried for one token. */
const maxCandidates = 50;

/** Keys of the cached set that have been imported: each is used for many tokens. */
const imported = new WeakMap<Jwk, ReturnType<typeof importJWK>>();

const importKey = (jwk: Jwk): ReturnType<typeof importJWK> => {
  const { n = '', e = '' } = jwk;
  const key = imported.get(jwk) ?? importJWK({ kty: 'RSA', n, e }, signingAlgorithm);
  imported.set(jwk, key);
  return key;
};

/** A key may be listed twice, or two keys under one name: any of them may have signed. */
async function verifyWith(
  { token, keyId }: SignedJwt,
  { keys }: Jwks,
): Promise<Exclude<SignatureVerdict, 'rate limited'>> {
  const candidates = keys.filter(
    ({ kty, kid, use, alg, key_ops: operations }) =>
      kty === 'RSA' &&
      (keyId === undefined || kid === keyId) &&
      (use === undefined || use === 'sig') &&
      (alg === undefined || alg === signingAlgorithm) &&
      (!Array.isArray(operations) || operations.includes('verify')),
  );
  for (const jwk of candidates.slice(0, maxCandidates)) {
    try {
      await compactVerify(token, await importKey(jwk), { algorithms: [signingAlgorithm] });
      return 'good';
    } catch {
      // Another key may fit.
    }
  }
  return candidates.length === 0 || keyId === undefined ? 'key' : 'signature';
}
