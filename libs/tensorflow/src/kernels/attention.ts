import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';

import type { ScoresOptions } from './attention-mask.js';
import { composedParts, nativeParts } from './attention-parts.js';
import {
  attendHeads,
  attendHeadsGradient,
  type Attended,
  type Parts,
} from './attention-products.js';
import { dropoutKey } from './dropout.js';
import { lengthsTensor, none, quadruple, typed } from './native.js';

export interface AttentionKernels {
  /**
   * softmax(scale · q kᵀ + bias) ∘ mask · v of every head, for queries T[B·Q,AD], keys and values T[B·K,GD], which may be
   * of other sequences: T[B·Q,AD]. A/G query heads after the other read the same keys and values (Ainslie et al., "GQA",
   * 2023).
   */
  attention(queries: Tensor, keys: Tensor, values: Tensor, options: AttentionOptions): Attended;

  /** The gradient through `attention` of dContext T[B·Q,AD]; that of the bias where it is wanted. */
  attentionGradient(
    dContext: Tensor,
    saved: Attended['saved'],
    options: AttentionOptions,
    wantsBias: boolean,
  ): AttentionGradient;
}

export interface AttentionOptions extends ScoresOptions {
  /** B. */
  readonly sequences: number;
  /** A. */
  readonly heads: number;
  /** G, which divides A. */
  readonly keyValueHeads: number;
}

export interface AttentionGradient {
  /** T[B·Q,AD]. */
  readonly dQueries: Tensor;
  /** T[B·K,GD]. */
  readonly dKeys: Tensor;
  /** T[B·K,GD]. */
  readonly dValues: Tensor;
  /** float32 [A,Q,K]; null where it is not wanted. */
  readonly dBias: Tensor | null;
}

/** native/attention.h for float32; bfloat16 has products that are twice as fast as those, which are of float32. */
export function nativeAttention(ops: Ops): AttentionKernels {
  const { runtime } = ops;
  const parts = attentionInParts(ops, nativeParts(ops));
  const attributes = (x: Tensor, options: AttentionOptions) => [
    ...typed(x),
    attribute.integer('sequences', options.sequences),
    attribute.integer('heads', options.heads),
    attribute.integer('key_value_heads', options.keyValueHeads),
    attribute.integer('causal', options.causal ? 1 : 0),
    attribute.float('scale', options.scale),
    attribute.integer('dropped', options.dropout?.dropped ?? 0),
  ];
  return {
    attention(queries, keys, values, options) {
      if (queries.dtype !== 'float32') return parts.attention(queries, keys, values, options);
      return runtime.scope(() => {
        const inputs = [
          queries,
          keys,
          values,
          lengthsTensor(runtime, options.lengths),
          options.bias ?? none(runtime),
          dropoutKey(runtime, options.dropout),
        ];
        const given = attributes(queries, options);
        const context = runtime.execute('RingmasterAttention', inputs, given);
        return { context, saved: [queries, keys, values] };
      });
    },

    attentionGradient(dContext, saved, options, wantsBias) {
      if (dContext.dtype !== 'float32')
        return parts.attentionGradient(dContext, saved, options, wantsBias);
      return runtime.scope(() => {
        const inputs = [
          dContext,
          ...saved,
          lengthsTensor(runtime, options.lengths),
          options.bias ?? none(runtime),
          dropoutKey(runtime, options.dropout),
        ];
        const given = [
          ...attributes(dContext, options),
          attribute.integer('wants_scores', wantsBias ? 1 : 0),
        ];
        const [dQueries, dKeys, dValues, dScores] = quadruple(
          runtime.executeMany('RingmasterAttentionGradient', inputs, given, 4),
        );
        return { dQueries, dKeys, dValues, dBias: wantsBias ? overSequences(ops, dScores) : null };
      });
    },
  };
}

export function composedAttention(ops: Ops): AttentionKernels {
  return attentionInParts(ops, composedParts(ops));
}

/** Attention of products of TensorFlow and the kernels between them. */
export function attentionInParts(ops: Ops, parts: Parts): AttentionKernels {
  return {
    attention: (queries, keys, values, options) =>
      ops.runtime.scope(() => {
        const { sequences, heads, keyValueHeads } = options;
        const byHead = {
          queries: split(ops, queries, sequences, heads),
          keys: split(ops, keys, sequences, keyValueHeads),
          values: split(ops, values, sequences, keyValueHeads),
        };
        return attendHeads(ops, parts, byHead, options);
      }),

    attentionGradient: (dContext, saved, options, wantsBias) =>
      ops.runtime.scope(() => {
        const found = attendHeadsGradient(ops, parts, dContext, saved, options, wantsBias);
        return {
          dQueries: merge(ops, found.heads.queries),
          dKeys: merge(ops, found.heads.keys),
          dValues: merge(ops, found.heads.values),
          dBias: found.dBias,
        };
      }),
  };
}

/** T[B·T,AD] → T[B,A,T,D]. */
function split(ops: Ops, x: Tensor, sequences: number, heads: number): Tensor {
  const depth = (x.shape.at(-1) ?? 0) / heads;
  return ops.transpose(ops.reshape(x, [sequences, -1, heads, depth]), [0, 2, 1, 3]);
}

/** T[B,A,T,D] → T[B·T,AD]. */
function merge(ops: Ops, x: Tensor): Tensor {
  const [sequences = 0, , length = 0] = x.shape;
  return ops.reshape(ops.transpose(x, [0, 2, 1, 3]), [sequences * length, -1]);
}

/** The sum of x [B,A,Q,K] over the sequences, [A,Q,K]. */
function overSequences(ops: Ops, x: Tensor): Tensor {
  const [sequences = 0, ...shape] = x.shape;
  return ops.reshape(ops.columnSums(ops.reshape(x, [sequences, -1])), shape);
}
