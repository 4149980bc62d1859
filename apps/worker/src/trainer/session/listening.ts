import type { RingOptions } from '@ringmaster/allreduce';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import { addressTowards, isLoopback } from '../../network/addresses.js';

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
}: RingPlace): Promise<Pick<RingOptions, 'ports' | 'seal'> & { readonly host: string }> {
  const host = address ?? (await routeTowards(control));
  return { host, seal: !isLoopback(host), ...(ports === null ? {} : { ports }) };
}

async function routeTowards(endpoint: string): Promise<string> {
  try {
    return await addressTowards(endpoint);
  } catch (error) {
    const reason = `no route leads to the coordinator: ${String(error)}`;
    throw new RingmasterError('RING_BIND_FAILED', { endpoint, reason });
  }
}
