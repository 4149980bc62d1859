import { BlockList, isIPv6 } from 'node:net';

/** Networks that are not of the public internet (the registries of IANA, RFC 6890). */
const reserved = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  reserved.addSubnet(network, bits, 'ipv4');

/** Global unicast addresses (RFC 4291), of which those that stand for others in IPv4 are taken out. */
const unicast = new BlockList();
unicast.addSubnet('2000::', 3, 'ipv6');
const embedded = new BlockList();
for (const [network, bits] of [
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
] as const)
  embedded.addSubnet(network, bits, 'ipv6');

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Whether an IP address is one of the public internet: not of a private network, of this machine, of a link or a group. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return !reserved.check(address, 'ipv4');
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined) return !reserved.check(mapped, 'ipv4');
  return unicast.check(address, 'ipv6') && !embedded.check(address, 'ipv6');
}
