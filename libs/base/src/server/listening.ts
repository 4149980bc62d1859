import { RingmasterError } from '@ringmaster/protocol/errors';
import { systemCode } from '../file-errors.js';

/**
 * Ports to try: the given one alone, or the one of the last time and then any that is free.
 * @param isAwaited Whether somebody elsewhere knows the one of the last time and no other way: then it is that one or none.
 */
export function portsToTry(
  given: number | null,
  last: string | null,
  isAwaited: boolean,
): number[] {
  if (given !== null) return [given];
  if (last === null) return [0];
  return isAwaited ? [Number(last)] : [Number(last), 0];
}

/**
 * Listens on the first port that is free.
 * @throws PORT_IN_USE, PORT_NOT_PERMITTED, ADDRESS_UNAVAILABLE
 */
export async function listenOnFirst(
  host: string,
  ports: readonly number[],
  listen: (port: number) => Promise<unknown>,
): Promise<void> {
  for (const [index, port] of ports.entries()) {
    try {
      await listen(port);
      return;
    } catch (error) {
      const isLast = index === ports.length - 1;
      if (systemCode(error) === 'EADDRINUSE' && !isLast) continue;
      throw explainListening(error, host, port);
    }
  }
}

function explainListening(error: unknown, host: string, port: number): unknown {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new RingmasterError('PORT_IN_USE', { host, port });
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return new RingmasterError('ADDRESS_UNAVAILABLE', { host, reason: 'it is not its address' });
    case 'EACCES':
      return new RingmasterError('PORT_NOT_PERMITTED', { port });
    default:
      return error;
  }
}
