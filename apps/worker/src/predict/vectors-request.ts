import { vectorForms } from '@ringmaster/model/vectors';
import { z } from 'zod';

/** What is asked of a table of word vectors. */
export const vectorsRequest = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('neighbours'), words: z.array(z.string()).min(1), top: z.int() }),
  z.strictObject({
    ask: z.literal('analogy'),
    words: z.tuple([z.string(), z.string(), z.string()]),
    top: z.int(),
  }),
  z.strictObject({ ask: z.literal('convert'), path: z.string(), form: z.enum(vectorForms) }),
]);
export type VectorsRequest = z.output<typeof vectorsRequest>;
