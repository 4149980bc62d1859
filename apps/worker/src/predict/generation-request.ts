import { z } from 'zod';

const count = z.int().positive();
const share = z.number().positive().max(1).nullable();

/** What `ringmaster generate` asks of the process that runs a model. */
export const generationRequest = z.object({
  prompt: z.string(),
  maxTokens: count,
  temperature: z.number().min(0),
  topK: count.nullable(),
  topP: share,
  minP: share,
  repetitionPenalty: z.number().positive(),
  beams: count,
  stop: z.array(z.string().min(1)),
  seed: z.int().min(0),
});

export type GenerationRequest = z.output<typeof generationRequest>;
