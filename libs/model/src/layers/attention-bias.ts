import type { Ops } from '../engine/ops.js';
import type { Tensor } from '../engine/tensor.js';

/** Added to a score that must not count; its exponential is exactly 0. */
const NEVER = -1e9;

/** [T,T]: query t sees keys 0 to t. Cut from one table for the whole context. */
export function causalBias(ops: Ops, length: number, context: number): Tensor {
  const { runtime } = ops;
  const whole = runtime.constant(`causal${context}`, () =>
    runtime.upload(
      Float32Array.from({ length: context * context }, (_, index) =>
        index % context > Math.floor(index / context) ? NEVER : 0,
      ),
      [context, context],
    ),
  );
  return ops.slice(whole, [0, 0], [length, length]);
}

/** [B,1,1,T]: every query sees the first `lengths[b]` keys; null where no sequence is padded. */
export function paddingBias(ops: Ops, lengths: Int32Array, length: number): Tensor | null {
  if (lengths.every((real) => real === length)) return null;
  const values = new Float32Array(lengths.length * length);
  lengths.forEach((real, sequence) => {
    values.fill(NEVER, sequence * length + real, (sequence + 1) * length);
  });
  return ops.runtime.upload(values, [lengths.length, 1, 1, length]);
}
