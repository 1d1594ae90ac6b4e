/** Which addresses a connection to an upstream may have. Its name is configured, but DNS decides its address. */
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { isLoopback } from '../settings/index.ts';

const listOf = (
  kind: 'ipv4' | 'ipv6',
  networks: readonly (readonly [network: string, prefix: number])[],
): BlockList => {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, kind);
  return list;
};

const refusedIpv4 = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;
const refusedIpv6 = [
  // Unspecified, loopback and the IPv4-compatible form.
  ['::', 96],
  ['::ffff:0:0', 96],
  ['fd00:ec2::', 32],
  ['fe80::', 10],
  ['ff00::', 8],
] as const;

const loopback = {
  ipv4: /* @__PURE__ */ listOf('ipv4', [['127.0.0.0', 8]]),
  ipv6: /* @__PURE__ */ listOf('ipv6', [['::1', 128]]),
};
/**
 * Never an upstream: loopback, link-local (the cloud's metadata service among them), multicast, unspecified and reserved
 * addresses, and IPv4-mapped IPv6 addresses. Two lists, because one list would match the last as IPv4 addresses.
 */
const refused = {
  ipv4: /* @__PURE__ */ listOf('ipv4', refusedIpv4),
  ipv6: /* @__PURE__ */ listOf('ipv6', [
    ...refusedIpv6,
    // As NAT64 would reach it (RFC 6052 section 2.1).
    ...refusedIpv4.map(([network, prefix]) => [`64:ff9b::${network}`, 96 + prefix] as const),
  ]),
};

/** Whether a connection to the host of `url` may use this address. A loopback host may use loopback addresses only. */
export function isPermitted(url: URL, { address, family }: LookupAddress): boolean {
  // A list matches nothing if the text is not an address.
  if (isIP(address) !== family) return false;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  return isLoopback(url) ? loopback[kind].check(address, kind) : !refused[kind].check(address, kind);
}

/** The name of an upstream resolves to an address that is not permitted. */
class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly code = 'EADDRREFUSED';
}

type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A `lookup` for connections to `url`'s host that refuses a response with even one address that is not permitted.
 *
 * @param resolve - resolves all addresses; a test replaces the system's resolver
 */
export const guardedLookup =
  (url: URL, resolve: Resolve = dnsLookup): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every((address) => isPermitted(url, address))) {
        callback(
          new AddressRefused('the name of an upstream resolves to an address that is not permitted'),
          [],
        );
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
