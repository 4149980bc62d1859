import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** What a service tells the manager that started it, such as systemd: `sd_notify(3)`. */
export type ServiceState = 'ready' | 'stopping';

interface LibC {
  socket: (family: number, type: number, protocol: number) => number;
  sendto: (
    socket: number,
    bytes: Buffer,
    length: number,
    flags: number,
    address: Buffer,
    addressLength: number,
  ) => number;
  close: (socket: number) => number;
}

const UNIX = 1;
const DATAGRAM = 2;
/** Bytes of `sockaddr_un` on Linux: the family and a path with its ending zero. */
const ADDRESS_BYTES = 2 + 108;

/**
 * Tells the service manager that started this process what it does now. Where none asks to be told, which is where
 * NOTIFY_SOCKET is not set, nothing happens. A manager that takes no message is told of by a warning on stderr: it counts
 * the service as not started, which is its to decide.
 */
export function notifyServiceManager(state: ServiceState): void {
  const path = process.env['NOTIFY_SOCKET'] ?? '';
  if (path !== '' && !hasSent(path, state))
    process.emitWarning(`the service manager takes no message at ${path} (NOTIFY_SOCKET)`);
}

/** Sends one datagram. Node has no datagram sockets of the Unix family, so the C library is called. */
function hasSent(path: string, state: ServiceState): boolean {
  const message = Buffer.from(state === 'ready' ? 'READY=1' : 'STOPPING=1');
  const address = unixAddress(path);
  if (address.length > ADDRESS_BYTES) return false;
  const { socket, sendto, close } = libC();
  const file = socket(UNIX, DATAGRAM, 0);
  if (file < 0) return false;
  const sent = sendto(file, message, message.length, 0, address, address.length);
  close(file);
  return sent === message.length;
}

/** `sockaddr_un` of a path, or of an abstract name, which begins with `@`. */
function unixAddress(path: string): Buffer {
  const isAbstract = path.startsWith('@');
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  const family = Buffer.alloc(2);
  new Uint16Array(family.buffer, family.byteOffset, 1)[0] = UNIX;
  return Buffer.concat([family, name]);
}

/** The functions of the C library; loaded by those only whom a service manager has started. */
function libC(): LibC {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const library = koffi.load(null);
  return {
    socket: library.func('int socket(int family, int type, int protocol)') as LibC['socket'],
    sendto: library.func(
      'long sendto(int socket, const void *bytes, size_t length, int flags, const void *address, uint32_t addressLength)',
    ) as LibC['sendto'],
    close: library.func('int close(int file)') as LibC['close'],
  };
}
