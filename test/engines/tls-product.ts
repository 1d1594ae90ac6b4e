/** The product behind a TLS proxy, as other engines than Chromium need it: they take `Secure` cookies over https only. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import tls from 'node:tls';
import { Bff, type BffOptions } from '../support/bff.ts';

/** Self-signed, for localhost. */
export function makeCertificate(folder: string): { readonly key: Buffer; readonly cert: Buffer } {
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

export class TlsProduct {
  readonly baseUrl: string;
  readonly #bff: Bff;
  readonly #proxy: tls.Server;
  readonly #port: number;
  readonly #sockets: Set<net.Socket>;
  readonly #network: { delayMs: number };

  private constructor(
    bff: Bff,
    proxy: tls.Server,
    port: number,
    sockets: Set<net.Socket>,
    network: { delayMs: number },
  ) {
    this.baseUrl = `https://localhost:${String(port)}`;
    this.#bff = bff;
    this.#proxy = proxy;
    this.#port = port;
    this.#sockets = sockets;
    this.#network = network;
  }

  static async start(
    certificate: ReturnType<typeof makeCertificate>,
    options: BffOptions = {},
  ): Promise<TlsProduct> {
    let bffPort = 0;
    const sockets = new Set<net.Socket>();
    const network = { delayMs: 0 };
    const slowly = (): Transform =>
      network.delayMs === 0
        ? new PassThrough()
        : new Transform({
            transform: (chunk, _, done) => void setTimeout(() => done(null, chunk), network.delayMs),
          });
    const proxy = tls.createServer(certificate, (socket) => {
      const upstream = net.connect(bffPort, '127.0.0.1');
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        upstream.destroy();
      });
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      socket.pipe(slowly()).pipe(upstream).pipe(slowly()).pipe(socket);
    });
    // A browser that does not like the certificate says so in the handshake.
    proxy.on('tlsClientError', () => undefined);
    proxy.listen(0, 'localhost');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const bff = await Bff.start({ 'base-url': `https://localhost:${String(port)}`, ...options });
    bffPort = Number(/Proxy to +http:\/\/localhost:(\d+)/.exec(bff.output)?.[1]);
    return new TlsProduct(bff, proxy, port, sockets, network);
  }

  /** The simulator pulls this person's smartcard out of the reader. */
  async pullSmartcard(uid: string): Promise<void> {
    const panel = String(/Panel +(\S+)/.exec(this.#bff.output)?.[1]);
    const response = await fetch(`${panel}/api/pull`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-control-panel': '1' },
      body: JSON.stringify({ uid }),
    });
    if (!response.ok) throw new Error(`the simulator refused: ${await response.text()}`);
  }

  /** From now on every piece of data waits this long, each way. */
  delay(delayMs: number): void {
    this.#network.delayMs = delayMs;
    for (const socket of this.#sockets) socket.destroy();
  }

  async down(): Promise<void> {
    if (!this.#proxy.listening) return;
    const closed = once(this.#proxy, 'close');
    this.#proxy.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async up(): Promise<void> {
    if (this.#proxy.listening) return;
    this.#proxy.listen(this.#port, 'localhost');
    await once(this.#proxy, 'listening');
  }

  async stop(): Promise<void> {
    await this.down();
    await this.#bff.stop();
  }
}
