import { randomBytes, randomInt } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event, Observer, Pull, Router } from 'zeromq';
import { RingFailure } from './failure.js';
import type { ThreadOptions } from './options.js';

/**
 * Has a socket listen at a fresh address: any, or one of the ports that it may have.
 * @returns the address
 * @throws RingFailure RING_BIND_FAILED
 */
export async function listen(socket: Pull | Router, options: ThreadOptions): Promise<string> {
  const addresses = await addressesOf(options);
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
async function addressesOf(options: ThreadOptions): Promise<readonly string[]> {
  const { transport, host, ports, directory } = options;
  if (transport === 'tcp') {
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
  if (directory === undefined) throw new Error('ipc needs a directory');
  const address = `ipc://${join(directory, randomBytes(6).toString('hex'))}`;
  const refuse = (reason: string) =>
    new RingFailure('RING_BIND_FAILED', { endpoint: address, reason });
  const status = await stat(directory).catch((error: unknown) => {
    throw refuse(String(error));
  });
  // Whoever can enter the directory could connect and be heard.
  if ((status.mode & 0o077) !== 0) throw refuse('its directory is open to other users');
  return [address];
}

/** ZeroMQ leaves the file of an ipc socket behind. */
export async function removeAddress(address: string): Promise<void> {
  const [, path] = /^ipc:\/\/(.+)$/.exec(address) ?? [];
  if (path !== undefined) await rm(path, { force: true });
}

/** Hands on the events of a socket; resolves when ZeroMQ has destroyed it, and with it every message of it. */
export async function watch(observer: Observer, handle: (event: Event) => void): Promise<void> {
  for (;;) {
    const event = await observer.receive();
    if (event.type === 'end') return;
    handle(event);
  }
}
