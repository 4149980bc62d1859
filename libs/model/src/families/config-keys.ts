import { z } from 'zod';
import { size } from './shape.js';

/** Keys of `config.json` that several families have, as they are read. What is not supported is refused by its key. */

export { size };
export const layers = z.int().positive().max(1024);
export const probability = z.number().min(0).lt(1).default(0.1);
/** A switch that must be off. */
export const no = z.literal(false).nullish();
/** A switch that must be on. */
export const yes = z.literal(true).nullish();

/** Keys of what is neither cross-attending nor untied. */
export const oneStack = {
  vocab_size: size,
  tie_word_embeddings: yes,
  add_cross_attention: no,
  is_encoder_decoder: no,
};

/** The rate of the dropout of attention probabilities of a shape, where it is another than that of all else. */
export function attentionDropoutOf(rate: number, dropout: number): { attentionDropout?: number } {
  return rate === dropout ? {} : { attentionDropout: rate };
}
