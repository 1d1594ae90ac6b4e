/** The connection to CIS2: whom it trusts, and how old a TLS it still speaks. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createAuthority, createServerCertificate } from './certificates.ts';

const trusted = createAuthority('An authority of this test');
const stranger = createAuthority('Another authority');
const good = createServerCertificate(trusted, 'localhost');

const directory = mkdtempSync(join(tmpdir(), 'cis2-bff-transport-'));
const authorities = join(directory, 'authorities.pem');
writeFileSync(authorities, trusted.certificate);

let server: Server | undefined;
/** How many requests the server had: none, where the connection was refused. */
let requests = 0;
afterEach(() => {
  server?.close();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What comes of a request to a server with these options, by a client that trusts the first authority. */
async function outcome(options: ServerOptions, address = 'localhost'): Promise<string> {
  requests = 0;
  server = createServer(options, (_, response) => {
    requests += 1;
    response.end('{}');
  });
  // What the client makes of it is what counts here.
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server?.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'fetch-once.ts'), `https://${address}:${String(port)}/`],
    { env: { ...process.env, NODE_OPTIONS: '', NODE_EXTRA_CA_CERTS: authorities } },
  );
  return stdout.trim();
}

describe('a certificate', () => {
  test('of a trusted authority, for this host, at this time, is taken [CIS2-TLS]', async () => {
    expect(await outcome(good)).toBe('responded with 200');
    expect(requests).toBe(1);
  });

  test.each([
    [
      'of an authority that is not trusted',
      createServerCertificate(stranger, 'localhost'),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    [
      'for another host',
      createServerCertificate(trusted, 'elsewhere.example'),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    ['that has expired', createServerCertificate(trusted, 'localhost', -1), 'CERT_HAS_EXPIRED'],
    [
      'that vouches for itself',
      { key: stranger.key.export({ type: 'pkcs8', format: 'pem' }) as string, cert: stranger.certificate },
      'DEPTH_ZERO_SELF_SIGNED_CERT',
    ],
  ])('%s is refused, and nothing is sent [CIS2-TLS]', async (_, certificate, why) => {
    expect(await outcome(certificate)).toBe(`provider_unavailable ${why}`);
    expect(requests).toBe(0);
  });
});

describe('a server that speaks', () => {
  /** OpenSSL’s own default would keep a server from offering old versions, and the test from showing anything. */
  const old = { ciphers: 'DEFAULT@SECLEVEL=0' };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s and nothing else is served [CIS2-SEC-003]',
    async (version) => {
      expect(await outcome({ ...good, minVersion: version, maxVersion: version })).toBe('responded with 200');
    },
  );

  test.each(['TLSv1', 'TLSv1.1'] as const)(
    '%s at most is refused, and nothing is sent [CIS2-SEC-003]',
    async (version) => {
      const refused = await outcome({ ...good, ...old, minVersion: 'TLSv1', maxVersion: version });
      expect(refused).toMatch(/^provider_unavailable .*(?:protocol version|unsupported protocol)/);
      expect(requests).toBe(0);
      // The server does speak it, to whoever asks.
      const { port } = server?.address() as AddressInfo;
      const careless = connect({
        ...old,
        port,
        host: 'localhost',
        minVersion: 'TLSv1',
        rejectUnauthorized: false,
      });
      await once(careless, 'secureConnect');
      expect(careless.getProtocol()).toBe(version);
      careless.destroy();
    },
  );
});
