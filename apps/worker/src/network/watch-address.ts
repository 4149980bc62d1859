import { setTimeout as sleep } from 'node:timers/promises';
import { detection } from '@ringmaster/protocol';
import { isLoopback, isOwnAddress } from './addresses.js';

/** Settles once an address is no longer one of this host, or at the next look after `ended` is aborted. */
export async function untilAddressIsGone(address: string, ended: AbortSignal): Promise<void> {
  // Loopback stays.
  if (isLoopback(address)) return new Promise(() => undefined);
  while (!ended.aborted && (await isOwnAddress(address)))
    await sleep(detection.addressMs, undefined, { ref: false });
}
