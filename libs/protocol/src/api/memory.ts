import { z } from 'zod';

const bytes = z.int().min(0);

/** The memory that training a specification takes of every worker that takes part, in bytes, reckoned before it begins. */
export const memoryNeedsSchema = z.object({
  /** What every trainer takes: the sum of the parts. */
  bytes,
  /**
   * What a worker must have to be asked: the same where sequences fill the context, and without the activations where they
   * are as long as their texts.
   */
  least: bytes,
  parts: z.object({
    /** Of the runtime and what TensorFlow allocates, libraries apart, which all trainers of a host share. */
    runtime: bytes,
    /** Of the parameters; frozen, averaged and best ones included. */
    weights: bytes,
    /** Of the optimizer's moments, and what its updates need beside them. */
    moments: bytes,
    /** Of the gradients: as they are summed, and as they are handed over. */
    gradients: bytes,
    /** Of what one microbatch keeps for its backward pass, and needs during it. */
    activations: bytes,
  }),
  /**
   * What rank 0 may take beside these: a copy of what of a checkpoint is not written yet when the next update is due.
   * Nothing, where steps take longer than writing it.
   */
  checkpoint: bytes,
});
export type MemoryNeeds = z.infer<typeof memoryNeedsSchema>;
