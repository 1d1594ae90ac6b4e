/** The cipher, seen from outside: another implementation of the standard opens what ours has sealed. */
import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { open, seal, Secret } from '../../lambdas/common/index.ts';

const plain = Buffer.from('a session');
const context = 'this test|1';

async function webCryptoKey(bytes: Uint8Array<ArrayBuffer>, use: 'encrypt' | 'decrypt') {
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, [use]);
}

test('a seal is AES-GCM with a key of 256 bits, a nonce of 96, and a whole tag: NIST SP 800-38D [ASVS-11.3.2]', async () => {
  const key = Uint8Array.from(randomBytes(32));
  const sealed = Uint8Array.from(seal(new Secret(Buffer.from(key)), context, plain));
  expect(sealed).toHaveLength(12 + plain.length + 16);
  const parameters = {
    name: 'AES-GCM',
    iv: sealed.subarray(0, 12),
    additionalData: Uint8Array.from(Buffer.from(context)),
    tagLength: 128,
  };
  const opened = await crypto.subtle.decrypt(
    parameters,
    await webCryptoKey(key, 'decrypt'),
    sealed.subarray(12),
  );
  expect(Buffer.from(opened)).toEqual(plain);
});

test('what another implementation has sealed, ours opens [ASVS-11.3.2]', async () => {
  const key = Uint8Array.from(randomBytes(32));
  const iv = Uint8Array.from(randomBytes(12));
  const additionalData = Uint8Array.from(Buffer.from(context));
  const parameters = { name: 'AES-GCM', iv, additionalData, tagLength: 128 };
  const content = await crypto.subtle.encrypt(
    parameters,
    await webCryptoKey(key, 'encrypt'),
    Uint8Array.from(plain),
  );
  expect(open(new Secret(Buffer.from(key)), context, Buffer.concat([iv, Buffer.from(content)]))).toEqual(
    plain,
  );
});
