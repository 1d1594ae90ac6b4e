/** Where a connection to an upstream may lead. A name is configured; what it resolves to is up to whoever runs DNS. */
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
 * Never an upstream: this machine and its neighbours (the cloud's metadata service among them), everybody, nobody, and
 * IPv4 addresses in the dress of IPv6. Two lists, for one list would take those last for the IPv4 addresses themselves.
 */
const refused = {
  ipv4: /* @__PURE__ */ listOf('ipv4', refusedIpv4),
  ipv6: /* @__PURE__ */ listOf('ipv6', [
    ...refusedIpv6,
    // As NAT64 would reach it (RFC 6052 section 2.1).
    ...refusedIpv4.map(([network, prefix]) => [`64:ff9b::${network}`, 96 + prefix] as const),
  ]),
};

/** Whether a connection to `url`'s host may lead to this address. A loopback host leads to loopback and nowhere else. */
export function isPermitted(url: URL, { address, family }: LookupAddress): boolean {
  // A list finds nothing in what is no address.
  if (isIP(address) !== family) return false;
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  return isLoopback(url) ? loopback[kind].check(address, kind) : !refused[kind].check(address, kind);
}

/** An upstream's name leads to where none of ours can be. */
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
 * @param resolve - asks for every address; the system's resolver unless a test says otherwise
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
        callback(new AddressRefused('the name of an upstream leads to an address that none can have'), []);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
