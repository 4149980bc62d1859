import type { Tensor } from '@ringmaster/tensorflow';
import { attend, type AttendOptions } from './attend.js';
import type { Past } from './key-value-cache.js';
import type { Pass } from './layer.js';
import type { Value } from './tape.js';

// Attention of a pass that generates, which does not go back: nothing is recorded of what a cache keeps.

/**
 * The same as `attend` for tokens that come after others, of which a cache keeps keys and values; those of these tokens
 * join them.
 * @param name Name of the layer, for the cache.
 * @param bias Added to the scores, float32 [A,Q,K] of the first pass, after it [A,1,C]; null for none.
 */
export function attendToPast(
  pass: Pass,
  name: string,
  [queries, keys, values]: readonly [Value, Value, Value],
  bias: Value | null,
  { cache }: Past,
  options: AttendOptions,
): Value {
  const isFirst = cache.isEmpty;
  cache.append(pass, name, keys.tensor, values.tensor);
  if (isFirst) return attend(pass, [queries, keys, values], bias, options);
  pass.tape.release(keys);
  pass.tape.release(values);
  return attendToKept(pass, queries, cache.of(name), bias, options, cache.lengthsWithNext);
}

/**
 * The same as `attend` to a memory, whose keys and values a cache keeps from the first pass on.
 * @param name Name of the layer, for the cache.
 * @param memory Keys and values of the first pass; null after it.
 */
export function attendToMemory(
  pass: Pass,
  name: string,
  queries: Value,
  memory: readonly [Value, Value] | null,
  { cache }: Past,
  options: AttendOptions,
): Value {
  if (memory === null)
    return attendToKept(pass, queries, cache.ofMemory(name), null, options, options.to.lengths);
  const [keys, values] = memory;
  cache.keepMemory(pass, name, options.to, { keys: keys.tensor, values: values.tensor });
  return attend(pass, [queries, keys, values], null, options);
}

/** What one query of each sequence reads, T[B,AD], of kept keys and values; it and the bias are used up. */
function attendToKept(
  { tape, ops, kernels }: Pass,
  queries: Value,
  kept: { readonly keys: Tensor; readonly values: Tensor },
  bias: Value | null,
  options: AttendOptions,
  lengths: Int32Array | null,
): Value {
  const { context } = ops.runtime.scope(() =>
    kernels.attention(queries.tensor, ops.factor(kept.keys), ops.factor(kept.values), {
      ...options,
      sequences: options.from.sequences,
      causal: false,
      lengths,
      bias: bias?.tensor ?? null,
      dropout: null,
    }),
  );
  tape.release(queries);
  if (bias !== null) tape.release(bias);
  return tape.input(context);
}
