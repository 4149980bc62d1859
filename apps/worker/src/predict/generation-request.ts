import { chatMessageSchema } from '@ringmaster/tasks';
import { z } from 'zod';

const count = z.int().positive();
const share = z.number().positive().max(1).nullable();

/** What `ringmaster generate` asks of the process that runs a model. */
export const generationRequest = z.object({
  /** A text as a user writes it, or a conversation that the model's chat template makes one of. */
  from: z.union([
    z.strictObject({ prompt: z.string() }),
    z.strictObject({ messages: z.array(chatMessageSchema).min(1) }),
  ]),
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
