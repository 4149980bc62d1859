import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { composedHeads, nativeHeads, type HeadKernels } from './attention-heads.js';
import type { AttentionMask } from './attention-mask.js';
import { composedParts, nativeParts } from './attention-parts.js';
import {
  attendHeads,
  attendHeadsGradient,
  type Attended,
  type Parts,
} from './attention-products.js';
import { dropoutKey, type Dropout } from './dropout.js';
import { lengthsTensor, pair, single, typed, zeroBias } from './native.js';

export interface SelfAttentionKernels {
  /**
   * softmax(q kᵀ / √D) ∘ mask · v of every head (Vaswani et al., 2017) for packed T[B·T,3AD] + bias [3AD], whose rows
   * hold the queries of all A heads, then the keys, then the values: T[B·T,AD]. Takes ownership of `packed`.
   */
  selfAttention(packed: Tensor, bias: Tensor | null, options: SelfAttentionOptions): Attended;

  /**
   * The gradient through `selfAttention` of dContext T[B·T,AD]: dPacked T[B·T,3AD] and, whether there is a bias or not,
   * dBias [3AD].
   */
  selfAttentionGradient(
    dContext: Tensor,
    bias: Tensor | null,
    saved: Attended['saved'],
    options: SelfAttentionOptions,
  ): { readonly dPacked: Tensor; readonly dBias: Tensor };
}

export interface SelfAttentionOptions extends AttentionMask {
  readonly sequences: number;
  readonly heads: number;
  /** Dropout of the probabilities [B,A,T,T]; null for none. */
  readonly dropout: Dropout | null;
}

/** native/self-attention.h for float32; bfloat16 has products that are twice as fast as those, which are of float32. */
export function nativeSelfAttention(ops: Ops): SelfAttentionKernels {
  const { runtime } = ops;
  const parts = selfAttentionInParts(ops, { ...nativeHeads(ops), ...nativeParts(ops) });
  const attributes = (x: Tensor, { sequences, heads, causal, dropout }: SelfAttentionOptions) => [
    ...typed(x),
    attribute.integer('sequences', sequences),
    attribute.integer('heads', heads),
    attribute.integer('causal', causal ? 1 : 0),
    attribute.integer('dropped', dropout?.dropped ?? 0),
  ];
  return {
    selfAttention(packed, bias, options) {
      if (packed.dtype !== 'float32') return parts.selfAttention(packed, bias, options);
      return runtime.scope(() => {
        const inputs = [
          packed,
          bias ?? zeroBias(runtime, packed),
          lengthsTensor(runtime, options.lengths),
          dropoutKey(runtime, options.dropout),
        ];
        const given = attributes(packed, options);
        const context = runtime.execute('RingmasterSelfAttention', inputs, given);
        return { context, saved: [packed] };
      });
    },

    selfAttentionGradient(dContext, bias, saved, options) {
      if (dContext.dtype !== 'float32')
        return parts.selfAttentionGradient(dContext, bias, saved, options);
      return runtime.scope(() => {
        const packed = single(saved);
        const inputs = [
          dContext,
          packed,
          bias ?? zeroBias(runtime, packed),
          lengthsTensor(runtime, options.lengths),
          dropoutKey(runtime, options.dropout),
        ];
        const operation = 'RingmasterSelfAttentionGradient';
        const [dPacked, dBias] = pair(
          runtime.executeMany(operation, inputs, attributes(dContext, options), 2),
        );
        return { dPacked, dBias };
      });
    },
  };
}

export function composedSelfAttention(ops: Ops): SelfAttentionKernels {
  return selfAttentionInParts(ops, { ...composedHeads(ops), ...composedParts(ops) });
}

/** Self-attention of the parts of it; queries are divided by √D where they are split. */
export function selfAttentionInParts(ops: Ops, parts: HeadKernels & Parts): SelfAttentionKernels {
  const whole = (options: SelfAttentionOptions) => ({ ...options, scale: 1, bias: null });
  return {
    selfAttention: (packed, bias, options) =>
      ops.runtime.scope(() => {
        const heads = parts.splitHeads(packed, bias, options.sequences, options.heads);
        ops.runtime.free(packed);
        return attendHeads(ops, parts, heads, whole(options));
      }),

    selfAttentionGradient: (dContext, _bias, saved, options) =>
      ops.runtime.scope(() => {
        const given = whole(options);
        const { heads } = attendHeadsGradient(ops, parts, dContext, saved, given, false);
        return parts.mergeHeads(heads);
      }),
  };
}
