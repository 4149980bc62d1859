import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { RingmasterError } from '@ringmaster/protocol/errors';

/** An address to listen on. */
export interface Address {
  /** Numeric. */
  readonly ip: string;
  readonly loopback: boolean;
  /** Numeric: for a wildcard, an address of this machine that others can reach. */
  readonly reachable: string;
  /** How others write that in a URL. */
  readonly advertised: string;
}

/** @throws ADDRESS_UNAVAILABLE when the name is unknown */
export async function resolveAddress(host: string): Promise<Address> {
  const ip = await lookup(host).then(
    ({ address }) => address,
    () => {
      throw new RingmasterError('ADDRESS_UNAVAILABLE', { host, reason: 'the name is unknown' });
    },
  );
  const wildcard = ip === '0.0.0.0' || ip === '::';
  const reachable = wildcard ? (firstExternal() ?? '127.0.0.1') : ip;
  return {
    ip,
    loopback: ip.startsWith('127.') || ip === '::1',
    reachable,
    advertised: inUrl(reachable),
  };
}

/** An address as it is written in URLs and ZeroMQ endpoints. */
export function inUrl(ip: string): string {
  return isIPv6(ip) ? `[${ip}]` : ip;
}

function firstExternal(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
