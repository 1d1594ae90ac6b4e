/**
 * Stands in for the AWS SDK's SHA-256 at bundling time: Node's own, as the SDK uses it too, without the one in JavaScript that
 * it has for runtimes without any.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

/** SHA-256, or HMAC-SHA-256 with a secret. */
export class Sha256 {
  readonly digestLength = 32;
  readonly #secret: KeyObject | undefined;
  #chunks: Uint8Array[] = [];

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) return;
    // Node takes a key as a `KeyObject` in a third of the time that it needs for the same bytes.
    this.#secret =
      typeof secret === 'string'
        ? createSecretKey(secret, 'utf8')
        : createSecretKey(
            ArrayBuffer.isView(secret)
              ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
              : new Uint8Array(secret),
          );
  }

  update(data: Uint8Array): void {
    this.#chunks.push(data);
  }

  digest(): Promise<Uint8Array> {
    const [only = new Uint8Array(), ...more] = this.#chunks;
    const data = more.length === 0 ? only : Buffer.concat(this.#chunks);
    // One call in place of an object for each hash: several are made for each request.
    return Promise.resolve(
      this.#secret === undefined
        ? hash('sha256', data, 'buffer')
        : createHmac('sha256', this.#secret).update(data).digest(),
    );
  }

  reset(): void {
    this.#chunks = [];
  }
}
