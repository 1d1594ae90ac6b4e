import { createHash, randomBytes } from 'node:crypto';
import {
  calculateJwkThumbprint,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';

const alg = 'RS256';

/** One of the simulator's key pairs: RS256, what CIS2 signs ID tokens with unless asked otherwise. */
export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  /** The public half as text (SPKI), for tokens that are wrong on purpose. */
  readonly publicPem: string;
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
  verifies(token: string): Promise<boolean>;
}

/**
 * CIS2 names its keys in plain base64, with `/`, `+` and `=`: a client that puts a `kid` into a URL or a path unescaped
 * must be found out here. So the name is a digest of the key's thumbprint that has all three.
 */
async function keyId(publicJwk: JWK): Promise<string> {
  const thumbprint = await calculateJwkThumbprint(publicJwk);
  for (let attempt = 0; ; attempt += 1) {
    const name = createHash('sha256')
      .update(`${thumbprint}.${String(attempt)}`)
      .digest('base64');
    if (name.includes('/') && name.includes('+')) return name;
  }
}

const signWith = (
  privateKey: CryptoKey,
  claims: JWTPayload,
  header: Readonly<Record<string, unknown>>,
): Promise<string> => new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(privateKey);

export async function createSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await keyId(jwk);
  return {
    kid,
    publicJwk: { ...jwk, kid, use: 'sig', alg },
    publicPem: await exportSPKI(publicKey),
    sign: (claims, header) => signWith(privateKey, claims, { typ: 'JWT', kid, ...header }),
    verifies: (token) =>
      compactVerify(token, publicKey, { algorithms: [alg] }).then(
        () => true,
        () => false,
      ),
  };
}

/** The simulator's keys: one signs; which are published can be changed while a client looks on. */
export class KeyRing {
  readonly #keys: { readonly key: SigningKey; published: boolean }[];

  private constructor(first: SigningKey) {
    this.#keys = [{ key: first, published: true }];
  }

  static async create(): Promise<KeyRing> {
    return new KeyRing(await createSigningKey());
  }

  /** The key that signs: the newest. */
  get signing(): SigningKey {
    const newest = this.#keys[0];
    if (newest === undefined) throw new Error('the ring is never empty');
    return newest.key;
  }

  /** The body of the keys endpoint: the public halves of the published keys, the newest first. */
  get published(): readonly JWK[] {
    return this.#keys.filter(({ published }) => published).map(({ key }) => key.publicJwk);
  }

  /** Every key there has been since the start, the newest first. */
  get all(): readonly { readonly kid: string; readonly published: boolean; readonly signing: boolean }[] {
    return this.#keys.map(({ key, published }, index) => ({
      kid: key.kid,
      published,
      signing: index === 0,
    }));
  }

  /**
   * A new key is published and signs from now on: a client that keeps published keys meets a name it does not know.
   *
   * @param options.withdraw - take the keys before it out of the published set at once, as after a theft
   */
  async rotate({ withdraw }: { readonly withdraw: boolean }): Promise<void> {
    const key = await createSigningKey();
    if (withdraw) for (const entry of this.#keys) entry.published = false;
    this.#keys.unshift({ key, published: true });
  }

  /** The claims of a token that one of these keys signed, whether or not it has expired; undefined for anything else. */
  async verify(token: string): Promise<JWTPayload | undefined> {
    const key = this.#named(token);
    return key !== undefined && (await key.verifies(token)) ? decodeJwt(token) : undefined;
  }

  #named(token: string): SigningKey | undefined {
    try {
      const { kid } = decodeProtectedHeader(token);
      return this.#keys.find(({ key }) => key.kid === kid)?.key;
    } catch {
      return undefined;
    }
  }
}

/** An unguessable value of 256 bits in base64url. */
export const randomValue = (): string => randomBytes(32).toString('base64url');

/** Left half of the SHA-256, for `at_hash`, `c_hash` and `s_hash` (OpenID Connect Core 3.1.3.6 and 3.3.2.11). */
export const halfHash = (value: string): string =>
  createHash('sha256').update(value, 'ascii').digest().subarray(0, 16).toString('base64url');
