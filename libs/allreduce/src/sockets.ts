import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event, Observer } from 'zeromq';
import { RingFailure } from './failure.js';
import type { ThreadOptions } from './options.js';

/** What encryption adds to a message (33 bytes in CurveZMQ, RFC 26), which the size limit of a socket counts. */
export const CURVE_BYTES = 64;

/** A fresh address to listen at. */
export async function listenAddress(options: ThreadOptions): Promise<string> {
  const { transport, host, directory } = options;
  if (transport === 'tcp') return host.includes(':') ? `tcp://[${host}]:*` : `tcp://${host}:*`;
  if (directory === undefined) throw new Error('ipc needs a directory');
  const address = `ipc://${join(directory, randomBytes(6).toString('hex'))}`;
  const refuse = (reason: string) =>
    new RingFailure('RING_BIND_FAILED', { endpoint: address, reason });
  const status = await stat(directory).catch((error: unknown) => {
    throw refuse(String(error));
  });
  // Whoever can enter the directory could connect and be heard.
  if ((status.mode & 0o077) !== 0) throw refuse('its directory is open to other users');
  return address;
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
