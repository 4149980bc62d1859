import { z } from 'zod';
import { stepReportSchema } from '../messages/trainer.js';

/** Where the time of one step went, on one rank. */
export const stepTimesSchema = stepReportSchema.pick({
  step: true,
  startedAt: true,
  seconds: true,
  phases: true,
  attempts: true,
  microbatches: true,
});
export type StepTimes = z.infer<typeof stepTimesSchema>;

/** Where the time of a job's newest steps went, as GET /v1/jobs/ID/profile tells it. */
export const profileViewSchema = z.object({
  job: z.string(),
  /** The generation whose ranks these are: the newest that has made a step. */
  generation: z.int(),
  /** The last 100 steps of each rank, ascending; none of a job that ended more than ten minutes ago. */
  ranks: z.array(z.object({ rank: z.int(), worker: z.string(), steps: z.array(stepTimesSchema) })),
});
export type ProfileView = z.infer<typeof profileViewSchema>;
