import { attend, type AttendOptions } from './attend.js';
import type { Pass } from './layer.js';
import type { Past } from './key-value-cache.js';
import type { Value } from './tape.js';

/**
 * The same as `attend` for tokens that come after others, of which a cache keeps keys and values; those of these tokens
 * join them. Nothing is recorded: a pass that generates does not go back.
 * @param name Name of the layer, for the cache.
 */
export function attendToPast(
  pass: Pass,
  name: string,
  vectors: readonly [Value, Value, Value],
  { cache }: Past,
  options: AttendOptions,
): Value {
  const { tape, ops, kernels } = pass;
  const [queries, keys, values] = vectors;
  const isFirst = cache.isEmpty;
  cache.append(pass, name, keys.tensor, values.tensor);
  if (isFirst) return attend(pass, vectors, null, options);
  const kept = cache.of(name);
  const { context } = ops.runtime.scope(() =>
    kernels.attention(queries.tensor, ops.factor(kept.keys), ops.factor(kept.values), {
      ...options,
      sequences: options.from.sequences,
      causal: false,
      lengths: cache.lengthsWithNext,
      bias: null,
      dropout: null,
    }),
  );
  for (const value of vectors) tape.release(value);
  return tape.input(context);
}
