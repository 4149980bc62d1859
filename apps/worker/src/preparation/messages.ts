import { z } from 'zod';

/** What the process is told that does tasks. */
export const taskCommandSchema = z.discriminatedUnion('type', [
  /** Do the task of a lease. */
  z.object({
    type: z.literal('do'),
    lease: z.string(),
    location: z.object({
      url: z.string(),
      token: z.string().nullable(),
      fingerprint: z.string().nullable(),
    }),
  }),
  /** Nobody wants it any more. */
  z.object({ type: z.literal('withdraw'), lease: z.string() }),
]);

/** What it tells: the end of each task that was not withdrawn. */
export const taskMessageSchema = z.object({
  type: z.literal('ended'),
  lease: z.string(),
  /** Why the answer was not sent; null where it was. */
  reason: z.string().nullable(),
});

export type TaskCommand = z.infer<typeof taskCommandSchema>;
export type TaskMessage = z.infer<typeof taskMessageSchema>;
