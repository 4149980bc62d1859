import type { Logger } from 'pino';
import { Reply } from 'zeromq';

export interface Admission {
  close(): void;
}

/** Z85, RFC 32 of ZeroMQ: the text form of CURVE keys. */
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

function decodeZ85(text: string): Buffer {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let group = 0; group < text.length / 5; group++) {
    let value = 0;
    for (const letter of text.slice(group * 5, group * 5 + 5)) {
      value = value * 85 + Z85.indexOf(letter);
    }
    bytes.writeUInt32BE(value, group * 4);
  }
  return bytes;
}

/**
 * Lets only clients with one of these public keys in. Without it CURVE would admit whoever knows the server's key.
 * It answers every CURVE handshake of this process (ZAP, RFC 27 of ZeroMQ).
 */
export async function admit(publicKeys: readonly string[], log: Logger): Promise<Admission> {
  const admitted = new Set(publicKeys.map((key) => decodeZ85(key).toString('hex')));
  const socket = new Reply();
  await socket.bind('inproc://zeromq.zap.01');
  const serve = async () => {
    for await (const [version = '', id = '', , address = '', , mechanism, key] of socket) {
      const known = mechanism?.toString() === 'CURVE' && admitted.has(key?.toString('hex') ?? '');
      if (!known)
        log.warn({ address: address.toString() }, 'a client with an unknown key was refused');
      await socket.send(
        known
          ? [version, id, '200', 'OK', 'worker', '']
          : [version, id, '400', 'unknown key', '', ''],
      );
    }
  };
  serve().catch((error: unknown) => {
    log.error({ err: error }, 'the authentication of the control plane failed');
  });
  return {
    close: () => {
      socket.close();
    },
  };
}
