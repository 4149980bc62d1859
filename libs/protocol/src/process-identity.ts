import { z } from 'zod';

/**
 * A process that cannot be mistaken for another: not for a later one with its id, not for one with its id in another
 * PID namespace, and not for one of another host, be it of the same name.
 */
export const processIdentitySchema = z.object({
  /** Where the id means this process: a hash of the host's boot and of the PID namespace, 16 hexadecimal digits. */
  namespace: z.string(),
  /** Process id in that namespace. */
  pid: z.int(),
  /** When it started, in the kernel's ticks since boot. */
  startTime: z.int(),
});

export type ProcessIdentity = z.infer<typeof processIdentitySchema>;
