import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { systemCode } from '@ringmaster/base';

/**
 * The address of this host that packets to an endpoint have as their source; nothing is sent.
 * @throws what the system says where no route leads there
 */
export async function addressTowards(endpoint: string): Promise<string> {
  const { hostname, port } = new URL(endpoint);
  const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''));
  return withSocket(family === 6, async (socket) => {
    // A UDP socket is connected when the kernel has found a route.
    socket.connect(Number(port), address);
    await once(socket, 'connect');
    return socket.address().address;
  });
}

/** Whether an address is one of this host. One whose link is down is so still. */
export async function isOwnAddress(address: string): Promise<boolean> {
  return withSocket(isIPv6(address), async (socket) => {
    try {
      socket.bind({ address, port: 0, exclusive: true });
      await once(socket, 'listening');
      return true;
    } catch (error) {
      // Any other reason says nothing of the address.
      return systemCode(error) !== 'EADDRNOTAVAIL';
    }
  });
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

async function withSocket<Result>(v6: boolean, work: (socket: Socket) => Promise<Result>) {
  const socket = createSocket(v6 ? 'udp6' : 'udp4');
  try {
    return await work(socket);
  } finally {
    socket.close();
  }
}
