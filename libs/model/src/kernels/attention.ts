import { bitsFor, powerOfTwo } from '@ringmaster/base';
import type { Ops, Tensor } from '@ringmaster/tensorflow';
import {
  triple,
  type Attended,
  type AttentionOptions,
  type Kernels,
  type Sight,
} from './kernels.js';

type Parts = Pick<
  Kernels,
  'splitHeads' | 'mergeHeads' | 'attentionSoftmax' | 'attentionSoftmaxGradient' | 'applyMask'
>;

/** Added to a score that must not count; its exponential is exactly 0. */
const NEVER = -1e9;

/** Self-attention of batched products and of kernels between them. Takes ownership of `packed`. */
export function attend(
  ops: Ops,
  kernels: Parts,
  packed: Tensor,
  bias: Tensor | null,
  { sequences, heads, sight, mask }: AttentionOptions,
): Attended {
  return ops.runtime.scope(() => {
    const split = kernels.splitHeads(packed, bias, sequences, heads);
    ops.runtime.free(packed);
    const { queries, keys, values } = split;
    const scores = ops.batchMatmul(queries, keys, { transposeY: true });
    const probabilities = kernels.attentionSoftmax(scores, sightBias(ops, sight, scores));
    ops.runtime.free(scores);
    const dropped = mask === null ? probabilities : kernels.applyMask(probabilities, mask);
    const output = ops.transpose(ops.batchMatmul(dropped, values), [0, 2, 1, 3]);
    const context = ops.reshape(output, [packed.shape[0] ?? 0, -1]);
    return { context, saved: [queries, keys, values, probabilities, dropped] };
  });
}

/** The gradient through `attend`. */
export function attendGradient(
  ops: Ops,
  kernels: Parts,
  dContext: Tensor,
  saved: readonly Tensor[],
  { sequences, heads, mask }: AttentionOptions,
): ReturnType<Kernels['selfAttentionGradient']> {
  const [queries, keys, values] = triple(saved.slice(0, 3));
  const [probabilities, dropped] = saved.slice(3);
  if (probabilities === undefined || dropped === undefined) throw new Error('nothing was saved');
  return ops.runtime.scope(() => {
    const byToken = ops.reshape(dContext, [sequences, -1, heads, queries.shape[3] ?? 0]);
    const dy = ops.transpose(byToken, [0, 2, 1, 3]);
    const dValues = ops.batchMatmul(dropped, dy, { transposeX: true });
    const dDropped = ops.batchMatmul(dy, values, { transposeY: true });
    ops.runtime.free(dy);
    const dScores = kernels.attentionSoftmaxGradient(probabilities, dDropped, mask);
    ops.runtime.free(dDropped);
    const dQueries = ops.batchMatmul(dScores, keys);
    const dKeys = ops.batchMatmul(dScores, queries, { transposeX: true });
    return kernels.mergeHeads({ queries: dQueries, keys: dKeys, values: dValues });
  });
}

/** What to add to scores T[B,A,Q,K] so that nobody sees what it must not; null where everybody may see everything. */
function sightBias(ops: Ops, { causal, lengths }: Sight, { shape }: Tensor): Tensor | null {
  const length = shape[3] ?? 0;
  // Padding is on the right, so a causal mask hides it from everything that counts.
  if (causal) return causalBias(ops, length);
  return lengths === null ? null : paddingBias(ops, lengths, length);
}

/** [T,T]: query t sees keys 0 to t. Cut from one of few tables. */
function causalBias(ops: Ops, length: number): Tensor {
  const { runtime } = ops;
  const size = powerOfTwo(bitsFor(length));
  const whole = runtime.constant(`causal${size}`, () =>
    runtime.upload(
      Float32Array.from({ length: size * size }, (_, index) =>
        index % size > Math.floor(index / size) ? NEVER : 0,
      ),
      [size, size],
    ),
  );
  return ops.slice(whole, [0, 0], [length, length]);
}

/** [B,1,1,T]: every query sees the first `lengths[b]` keys. */
function paddingBias(ops: Ops, lengths: Int32Array, length: number): Tensor {
  const values = new Float32Array(lengths.length * length);
  lengths.forEach((real, sequence) => {
    values.fill(NEVER, sequence * length + real, (sequence + 1) * length);
  });
  return ops.runtime.upload(values, [lengths.length, 1, 1, length]);
}
