import { z } from 'zod';

/** Seconds of a recovery, by phase. */
export const recoverySchema = z.object({
  /** From the last sign of life of what failed until the coordinator knew. */
  detect: z.number(),
  /** Until every survivor had ended the old generation. */
  abort: z.number(),
  /** Until the new ring was linked, without the transfer. */
  form: z.number(),
  /** The longest that a rank took the state over, which is no part of `form`. */
  transfer: z.number(),
  /** Until the first step of the new generation was applied. */
  firstStep: z.number(),
});
export type Recovery = z.infer<typeof recoverySchema>;

/** One failure, told in one paragraph. */
export const incidentViewSchema = z.object({
  id: z.int(),
  at: z.string(),
  job: z.string().nullable(),
  worker: z.string().nullable(),
  step: z.int().nullable(),
  generation: z.int().nullable(),
  what: z.string(),
  /** How long it took until the run went on, by phase; null while it has not, and where nothing had to be formed anew. */
  recovery: recoverySchema.nullable(),
});
export type IncidentView = z.infer<typeof incidentViewSchema>;
