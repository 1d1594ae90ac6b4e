import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { CommandFailed } from '../../ops/errors.ts';
import { readPrivateKey } from '../../ops/keys/private-key.ts';
import { poolKey } from '../support/key-pool.ts';

const { privateKey, publicKey, privateJwk } = poolKey(1_000);
const jwk = privateJwk as Record<string, string>;
const pkcs8 = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const pkcs1 = privateKey.export({ format: 'pem', type: 'pkcs1' }).toString();
const publicPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey;
const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

const pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString();
const without = (...names: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));

test.each([
  ['PKCS#8', pkcs8],
  ['PKCS#1', pkcs1],
  ['PEM with Windows line ends', pkcs8.replaceAll('\n', '\r\n')],
  ['PEM with words before it and its public half behind', `Key of our app\n${pkcs8}${publicPem}`],
  ['a JWK', JSON.stringify(jwk)],
  ['a JWK behind a byte order mark', `\uFEFF${JSON.stringify(jwk)}`.trim()],
  ['a JWK Set of one key', JSON.stringify({ keys: [jwk] })],
  ['a JWK with members we do not need', JSON.stringify({ ...jwk, alg: 'RS512', use: 'sig', x5t: 'abc' })],
])('%s gives the private members of the key and nothing else', (_, text) => {
  expect(readPrivateKey(text, 'key').jwk).toEqual(jwk);
});

test('the kid of a JWK is kept, and PEM has none', () => {
  expect(readPrivateKey(JSON.stringify({ ...jwk, kid: 'our-app-1' }), 'key').kid).toBe('our-app-1');
  expect(readPrivateKey(pkcs8, 'key').kid).toBeUndefined();
});

describe('what is not one RSA private key is refused in one line that quotes nothing of it', () => {
  test.each([
    ['nothing', '', 'is empty'],
    ['a text', 'c2VjcmV0', 'neither a PEM file nor a JWK'],
    ['broken JSON', '{"kty":"RSA","d":"c2VjcmV0"', 'neither a PEM file nor JSON'],
    ['a public key', publicPem, 'a public key, not a private key'],
    ['a public JWK', JSON.stringify(without('d', 'p', 'q', 'dp', 'dq', 'qi')), 'a public key'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', 'no private key'],
    ['two keys', pkcs8 + pkcs1, 'holds 2 private keys'],
    ['half a PEM file', pkcs8.slice(0, 400), 'no private key'],
    ['a PEM file with holes', pkcs8.replace(/\n.{60}/, '\n'), 'cannot be read as one'],
    [
      'an encrypted key',
      privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'example' }),
      'is encrypted',
    ],
    [
      'an encrypted PKCS#1 key',
      privateKey.export({ format: 'pem', type: 'pkcs1', cipher: 'aes-256-cbc', passphrase: 'example' }),
      'is encrypted',
    ],
    [
      'a key of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----',
      'OpenSSH',
    ],
    ['an EC key', pem(ec), 'an EC key; CIS2 needs RSA'],
    ['an EC JWK', JSON.stringify(ec.export({ format: 'jwk' })), 'an EC key; CIS2 needs RSA'],
    ['an RSA-PSS key', pem(pss), 'a key of the type rsa-pss; CIS2 needs RSA'],
    ['a short key', pem(short), 'of 1024 bits; at least 2048 are needed'],
    ['a short JWK', JSON.stringify(short.export({ format: 'jwk' })), 'of 1024 bits'],
    ['a symmetric JWK', '{"kty":"oct","k":"c2VjcmV0"}', 'no RSA key'],
    ['a JWK without its primes', JSON.stringify(without('p', 'q', 'dp', 'dq', 'qi')), 'not a whole RSA'],
    ['a JWK for encryption', JSON.stringify({ ...jwk, use: 'enc' }), 'not for signing'],
    ['a JWK with a strange kid', JSON.stringify({ ...jwk, kid: 'a b' }), 'the kid in key is not'],
    ['a JWK with a kid that is a number', JSON.stringify({ ...jwk, kid: 7 }), 'the kid in key is not'],
    ['a JWK Set of two', JSON.stringify({ keys: [jwk, jwk] }), 'exactly one key'],
    ['an empty JWK Set', '{"keys":[]}', 'exactly one key'],
    ['a JWK Set of something else', '{"keys":[7]}', 'exactly one key'],
  ])('%s', (_, text, message) => {
    let failure: unknown;
    try {
      readPrivateKey(String(text), 'key');
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(CommandFailed);
    const { code, message: said } = failure as CommandFailed;
    expect(code).toBe('key_unusable');
    expect(said).toContain(message);
    expect(said).not.toMatch(/\n|c2VjcmV0|MII|[A-Za-z0-9_-]{40}/);
  });
});
