import { randomInt } from 'node:crypto';
import type { Event, Observer, Pull, Router } from 'zeromq';
import { RingFailure } from './failure.js';
import type { ThreadOptions } from './options.js';

/**
 * Has a socket listen at a fresh address: any, or one of the ports that it may have.
 * @returns the address
 * @throws RingFailure RING_BIND_FAILED
 */
export async function listen(socket: Pull | Router, options: ThreadOptions): Promise<string> {
  const addresses = addressesOf(options);
  for (const [index, address] of addresses.entries()) {
    try {
      await socket.bind(address);
      return socket.lastEndpoint ?? address;
    } catch (error) {
      if (isInUse(error) && index + 1 < addresses.length) continue;
      const { host, ports } = options;
      const [endpoint, reason] =
        isInUse(error) && ports !== undefined
          ? [`${host}:${ports.first}-${ports.last}`, 'every port of the range is in use']
          : [address, String(error)];
      throw new RingFailure('RING_BIND_FAILED', { endpoint, reason });
    }
  }
  throw new Error('there is no address to listen at');
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/** The addresses at which a socket may listen, in the order in which they are tried. */
function addressesOf({ host, ports }: ThreadOptions): readonly string[] {
  const at = host.includes(':') ? `tcp://[${host}]` : `tcp://${host}`;
  if (ports === undefined) return [`${at}:*`];
  // From anywhere in the range: a port that was just given up is not the first to be taken again.
  const count = ports.last - ports.first + 1;
  const start = randomInt(count);
  return Array.from(
    { length: count },
    (_, turn) => `${at}:${ports.first + ((start + turn) % count)}`,
  );
}

/** Hands on the events of a socket; resolves when ZeroMQ has destroyed it, and with it every message of it. */
export async function watch(observer: Observer, handle: (event: Event) => void): Promise<void> {
  for (;;) {
    const event = await observer.receive();
    if (event.type === 'end') return;
    handle(event);
  }
}
