import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { asType, biased } from './composed.js';
import { pair, triple, typed, zeroBias } from './native.js';

/** Queries T[B,A,Q,D], keys and values T[B,G,K,D] of the heads of attention. */
export interface Heads {
  readonly queries: Tensor;
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Heads out of packed projections and back: a part of self-attention where that is not one operation. */
export interface HeadKernels {
  /**
   * Packed T[B·T,3AD], whose rows hold the queries of all A heads, then the keys, then the values, plus bias [3AD], null
   * for none: queries / √D, keys and values, T[B,A,T,D] each.
   */
  splitHeads(packed: Tensor, bias: Tensor | null, sequences: number, heads: number): Heads;

  /** The gradient through `splitHeads`: dPacked T[B·T,3AD] and dBias [3AD]. */
  mergeHeads(gradients: Heads): { readonly dPacked: Tensor; readonly dBias: Tensor };
}

/** native/attention-heads.h */
export function nativeHeads({ runtime }: Ops): HeadKernels {
  return {
    splitHeads(packed, bias, sequences, heads) {
      const attributes = [
        ...typed(packed),
        attribute.integer('sequences', sequences),
        attribute.integer('heads', heads),
      ];
      const inputs = [packed, bias ?? zeroBias(runtime, packed)];
      const [queries, keys, values] = triple(
        runtime.executeMany('RingmasterSplitHeads', inputs, attributes, 3),
      );
      return { queries, keys, values };
    },

    mergeHeads({ queries, keys, values }) {
      const inputs = [queries, keys, values];
      const [dPacked, dBias] = pair(
        runtime.executeMany('RingmasterMergeHeads', inputs, typed(queries), 2),
      );
      return { dPacked, dBias };
    },
  };
}

export function composedHeads(ops: Ops): HeadKernels {
  return {
    splitHeads: (packed, bias, sequences, heads) =>
      ops.runtime.scope(() => {
        const wide = biased(ops, packed, bias);
        const depth = (packed.shape.at(-1) ?? 0) / (3 * heads);
        const split = ops.reshape(wide, [sequences, -1, 3, heads, depth]);
        const byHead = ops.unstack(ops.transpose(split, [2, 0, 3, 1, 4]));
        const [queries, keys, values] = triple(byHead);
        const scaled = ops.chain(queries).multiply(1 / Math.sqrt(depth)).value;
        return {
          queries: asType(ops, packed.dtype, scaled),
          keys: asType(ops, packed.dtype, keys),
          values: asType(ops, packed.dtype, values),
        };
      }),

    mergeHeads: ({ queries, keys, values }) =>
      ops.runtime.scope(() => {
        const [sequences = 0, heads = 0, length = 0, depth = 0] = queries.shape;
        const unscaled = ops.chain(ops.float32(queries)).multiply(1 / Math.sqrt(depth)).value;
        const byHead = ops.stack([unscaled, ops.float32(keys), ops.float32(values)]);
        const shape = [sequences * length, 3 * heads * depth];
        const packed = ops.reshape(ops.transpose(byHead, [1, 3, 0, 2, 4]), shape);
        return { dPacked: asType(ops, queries.dtype, packed), dBias: ops.columnSums(packed) };
      }),
  };
}
