import { z85 } from '@ringmaster/base';
import type { Logger } from 'pino';
import { Reply } from 'zeromq';

export interface Admission {
  close(): void;
}

/**
 * Lets only clients with a known public key (Z85) in. Without it CURVE would admit whoever knows the server's key.
 * It answers every CURVE handshake of this process (ZAP, RFC 27 of ZeroMQ).
 */
export async function admit(
  isKnown: (publicKey: string) => boolean,
  log: Logger,
): Promise<Admission> {
  const socket = new Reply();
  await socket.bind('inproc://zeromq.zap.01');
  const serve = async () => {
    for await (const [version = '', id = '', , address = '', , mechanism, key] of socket) {
      const known =
        mechanism?.toString() === 'CURVE' && key?.byteLength === 32 && isKnown(z85(key));
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
