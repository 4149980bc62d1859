import { z } from 'zod';

/** A size of a model. What is larger is no size but a mistake, and costs nothing to refuse. */
export const size = z.int().positive().max(0x7fffffff);

/** Keys of the shape of every model, whatever its family. */
export const commonSizes = {
  vocabulary: size,
  /** Longest sequence, in tokens. */
  context: size,
  /** Classes of a classification head. */
  labels: size.exactOptional(),
  /** Whether the token embeddings are the weights of the decoder of tokens too; they are unless said otherwise. */
  tied: z.boolean().exactOptional(),
};

/** Keys of the shape of a transformer. */
export const transformerSizes = {
  ...commonSizes,
  layers: size.max(1024),
  /** Width of the residual stream (H). */
  hidden: size,
  /** Attention heads (A); they divide `hidden`. */
  heads: size,
  /** Width inside of the feed-forward networks. */
  intermediate: size,
  /** Rate of every dropout that has no key of its own, in [0, 1). */
  dropout: z.number().min(0).lt(1),
  /** Rate of the dropout of attention probabilities, where it is another. */
  attentionDropout: z.number().min(0).lt(1).exactOptional(),
};

/** The shape of any model. */
export type Shape = Readonly<z.output<z.ZodObject<typeof commonSizes>>> & {
  /** Name of its family in job files. */
  readonly architecture: string;
};

/** A schema of shapes whose heads must divide their width. */
export function withWholeHeads<Sizes extends { hidden: number; heads: number }>(
  schema: z.ZodType<Sizes>,
): z.ZodType<Readonly<Sizes>> {
  return schema.refine(({ hidden, heads }) => hidden % heads === 0, {
    path: ['heads'],
    error: 'they do not divide hidden',
  });
}
