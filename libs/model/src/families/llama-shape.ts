import { z } from 'zod';
import { rotaryScaling } from './rotary-scaling.js';
import { size, transformerSizes } from './shape.js';

/** LLaMA, and the families that are settings of it. */
export type LlamaName = 'llama' | 'mistral' | 'qwen2' | 'qwen3';

/** The shape of a model of one of these families. */
export function llamaShape<Name extends LlamaName>(architecture: Name) {
  return z
    .object({
      architecture: z.literal(architecture),
      ...transformerSizes,
      /** Heads of keys and values (G); they divide those of queries. */
      keyValueHeads: size,
      /** Width of a head (D), even. */
      headSize: size,
      /** What is added to mean squares. */
      epsilon: z.number().positive(),
      rotaryBase: z.number().min(1),
      rotaryScaling,
      /** Which projections of attention have biases. */
      bias: z.enum(['none', 'inputs', 'all']),
      /** Whether the token embeddings are the weights of the decoder of tokens too. */
      tied: z.boolean(),
    })
    .refine(({ heads, keyValueHeads }) => heads % keyValueHeads === 0, {
      path: ['keyValueHeads'],
      error: 'they do not divide heads',
    })
    .refine(({ headSize }) => headSize % 2 === 0, {
      path: ['headSize'],
      error: 'it is odd, and positions turn pairs',
    });
}

export type Llama<Name extends LlamaName = LlamaName> = Readonly<
  z.output<ReturnType<typeof llamaShape<Name>>>
>;
