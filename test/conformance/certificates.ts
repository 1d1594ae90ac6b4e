/** X.509 certificates for a server on this machine, good ones and bad ones, made anew for each run. */
import { createPublicKey, createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

const der = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
};
const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const time = (at: Date): Buffer =>
  der(0x18, Buffer.from(`${at.toISOString().replace(/[-:T]|\.\d+Z$/g, '')}Z`));

const sha256WithRsa = sequence(objectId('2a864886f70d01010b'), der(0x05));
const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(name)))));
const extension = (oid: string, value: Buffer): Buffer => sequence(objectId(oid), der(0x04, value));

const yes = der(0x01, Buffer.from([0xff]));

export interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
  /** PEM. */
  readonly certificate: string;
}

interface Facts {
  readonly name: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signedWith: KeyObject;
  /** Days from now. */
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly Buffer[];
}

const day = 86_400_000;

function certificate({ name, issuer, publicKey, signedWith, from, until, extensions }: Facts): string {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)]);
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    sha256WithRsa,
    commonName(issuer),
    sequence(time(new Date(Date.now() + from * day)), time(new Date(Date.now() + until * day))),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = createSign('sha256').update(signed).sign(signedWith);
  const whole = sequence(signed, sha256WithRsa, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** An authority of its own, which nobody trusts who is not told to. */
export function createAuthority(name: string): Issuer {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const facts = { name, issuer: name, publicKey: createPublicKey(privateKey), signedWith: privateKey };
  const mayIssue = extension('551d13', sequence(yes));
  return {
    name,
    key: privateKey,
    certificate: certificate({ ...facts, from: -2, until: 2, extensions: [mayIssue] }),
  };
}

/**
 * A server's key and certificate, as PEM.
 *
 * @param host - the DNS name that it is good for
 * @param until - days from now after which it is not
 */
export function createServerCertificate(
  authority: Issuer,
  host: string,
  until = 1,
): { readonly key: string; readonly cert: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const names = extension('551d11', sequence(der(0x82, Buffer.from(host))));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: certificate({
      name: host,
      issuer: authority.name,
      publicKey: createPublicKey(privateKey),
      signedWith: authority.key,
      from: -2,
      until,
      extensions: [names],
    }),
  };
}
