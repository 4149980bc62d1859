import { z } from 'zod';
import { size } from './config-keys.js';
import { commonSizes } from './shape.js';

// What the baselines have in common: models without attention between tokens, which `transformers` does not know. Their
// checkpoints have a layout of our own, of which reference/baselines.py has the modules of PyTorch.

/** Standard deviation of the initial token embeddings. */
export const EMBEDDING_DEVIATION = 0.1;

/** Keys of the shape of a baseline. */
export const baselineSizes = {
  ...commonSizes,
  /** Width of the token embeddings (H). */
  hidden: size,
  /** Rate of every dropout, in [0, 1). */
  dropout: z.number().min(0).lt(1),
};

/** Keys of `config.json` of every baseline. */
export const baselineKeys = {
  vocab_size: size,
  hidden_size: size,
  max_position_embeddings: size,
  dropout: z.number().min(0).lt(1),
};

type Sizes = Readonly<z.output<z.ZodObject<typeof baselineSizes>>>;

/** The sizes that the keys of a `config.json` say. */
export function sizesIn(keys: z.output<z.ZodObject<typeof baselineKeys>>) {
  return {
    vocabulary: keys.vocab_size,
    context: keys.max_position_embeddings,
    hidden: keys.hidden_size,
    dropout: keys.dropout,
  };
}

/** The keys of `config.json` that say the sizes of a baseline, beside its vocabulary. */
export function keysOf({ context, hidden, dropout }: Sizes) {
  return { hidden_size: hidden, max_position_embeddings: context, dropout };
}
