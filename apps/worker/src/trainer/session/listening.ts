import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { RingOptions } from '@ringmaster/allreduce';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';

/** What a trainer is told of where its rings are to listen. */
export const ringPlaceSchema = z.object({
  /** Endpoint of the coordinator: the address from which it is reached is one that others reach, too. */
  control: z.string(),
  /** The address to listen at, where that is not so. */
  address: z.string().nullable(),
  /** Null for any. */
  ports: z.object({ first: z.int(), last: z.int() }).nullable(),
});

export type RingPlace = z.infer<typeof ringPlaceSchema>;

/**
 * How a ring listens that is made now: the address of a host may have changed since the last one. Whatever leaves the
 * machine is sealed.
 * @throws RING_BIND_FAILED where no route leads to the coordinator
 */
export async function listening({
  control,
  address,
  ports,
}: RingPlace): Promise<Pick<RingOptions, 'host' | 'ports' | 'seal'>> {
  const host = address ?? (await addressTowards(control));
  return { host, seal: !isLoopback(host), ...(ports === null ? {} : { ports }) };
}

/** The address of this host that packets to an endpoint have as their source; nothing is sent. */
async function addressTowards(endpoint: string): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  try {
    const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''));
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      // A UDP socket is connected when the kernel has found a route.
      socket.connect(Number(port), address);
      await once(socket, 'connect');
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch (error) {
    const reason = `no route leads to the coordinator: ${String(error)}`;
    throw new RingmasterError('RING_BIND_FAILED', { endpoint, reason });
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
