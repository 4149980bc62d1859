import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { asType } from './composed.js';
import { pair, typed } from './native.js';

export interface RotationKernels {
  /**
   * Rotary positions (Su et al., "RoFormer", 2021) of x T[B·T,AD], sequences of T rows: in every head elements d and
   * d + D/2 of token t are turned by an angle whose cosine and sine are elements d and d + D/2 of row t of `table`
   * [≥ T, D]: T[B·T,AD]. `back` turns by the negative angle, which is the gradient.
   */
  rotate(x: Tensor, table: Tensor, length: number, direction: 'forth' | 'back'): Tensor;
}

/** native/rotation.h */
export function nativeRotation({ runtime }: Ops): RotationKernels {
  return {
    rotate: (x, table, length, direction) =>
      runtime.execute(
        'RingmasterRotate',
        [x, table],
        [
          ...typed(x),
          attribute.integer('length', length),
          attribute.integer('back', direction === 'back' ? 1 : 0),
        ],
      ),
  };
}

export function composedRotation(ops: Ops): RotationKernels {
  return {
    rotate: (x, table, length, direction) =>
      ops.runtime.scope(() => {
        const half = (table.shape[1] ?? 0) / 2;
        const cosines = ops.slice(table, [0, 0], [length, half]);
        const sines = ops.slice(table, [0, half], [length, half]);
        const sign = direction === 'back' ? -1 : 1;
        // [2,B·A,T,D/2]: the first halves of all heads, and the second ones.
        const heads = (x.shape.at(-1) ?? 0) / (2 * half);
        const split = ops.reshape(ops.float32(x), [-1, length, heads, 2, half]);
        const [first, second] = pair(ops.unstack(ops.transpose(split, [3, 0, 2, 1, 4])));
        const turn = (from: Tensor, other: Tensor, by: number) => {
          const across = ops.chain(other).multiply(sines).multiply(by).value;
          return ops.chain(from).multiply(cosines).add(across).value;
        };
        const turned = ops.stack([turn(first, second, -sign), turn(second, first, sign)]);
        return asType(ops, x.dtype, ops.reshape(ops.transpose(turned, [1, 3, 2, 0, 4]), x.shape));
      }),
  };
}
