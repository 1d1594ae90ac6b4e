/**
 * Stands in for the AWS SDK's SHA-256 at bundling time: Node's own, as the SDK uses it too, without the one in JavaScript that
 * it has for runtimes without any.
 */
import { createHash, createHmac } from 'node:crypto';

type Hash = ReturnType<typeof createHash>;
type Hmac = ReturnType<typeof createHmac>;

/** SHA-256, or HMAC-SHA-256 with a secret. */
export class Sha256 {
  readonly digestLength = 32;
  readonly #secret: string | ArrayBuffer | ArrayBufferView | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret;
    this.#hash = this.#begin();
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    // Of a hash more can be digested later; an HMAC is over with its digest.
    const finished = 'copy' in this.#hash ? this.#hash.copy() : this.#hash;
    return Promise.resolve(new Uint8Array(finished.digest()));
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    if (this.#secret === undefined) return createHash('sha256');
    const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(this.#secret)
      ? this.#secret
      : Buffer.from(this.#secret as string);
    return createHmac('sha256', Buffer.from(buffer, byteOffset, byteLength));
  }
}
