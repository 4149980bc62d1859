import type { RandomKey } from '@ringmaster/base';
import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Tensor } from '../runtime/tensor.js';

import { asType } from './composed.js';
import { typed } from './native.js';

/** What dropout drops: each element with probability `dropped` / 65,536, as the random numbers of the key have it. */
export interface Dropout {
  readonly dropped: number;
  readonly key: RandomKey;
}

export interface DropoutKernels {
  /**
   * The mask of a dropout: float32 of `shape`, 0 where it drops and elsewhere what makes the mean 1. A function of its
   * arguments only: Philox4x32-10 with that key, sixteen bits an element.
   */
  dropoutMask(shape: readonly number[], dropout: Dropout): Tensor;

  /** x ∘ mask: T. */
  applyMask(x: Tensor, mask: Tensor): Tensor;
}

/** The key of a dropout, int32 [2]; [0] for none. */
export function dropoutKey(runtime: Runtime, dropout: Dropout | null): Tensor {
  const words = dropout === null ? [] : [dropout.key.low, dropout.key.high];
  return runtime.upload(Int32Array.from(words), [words.length]);
}

/** native/dropout.h */
export function nativeDropout({ runtime }: Ops): DropoutKernels {
  return {
    dropoutMask: (shape, { dropped, key: { low, high } }) =>
      runtime.scope(() => {
        const inputs = [runtime.integers(shape), runtime.upload(Int32Array.of(low, high), [2])];
        const attributes = [attribute.type('T', 'float32'), attribute.integer('dropped', dropped)];
        return runtime.execute('RingmasterDropoutMask', inputs, attributes);
      }),

    applyMask: (x, mask) => runtime.execute('RingmasterApplyMask', [x, mask], typed(x)),
  };
}

const LEVELS = 2 ** 16;
const DRAW = [
  attribute.type('dtype', 'int32'),
  attribute.type('T', 'int32'),
  attribute.type('Tseed', 'int32'),
];
const HALVE = [attribute.type('T', 'int32'), attribute.type('type', 'int16')];
const SHORT = [attribute.type('T', 'int16')];
const SHORT_RESHAPE = [...SHORT, attribute.type('Tshape', 'int32')];
const SHORT_SLICE = [...SHORT, attribute.type('Index', 'int32')];

/** TensorFlow hashes the key of a mask once more, so its bits are others than the native kernel's. */
export function composedDropout(ops: Ops): DropoutKernels {
  const { runtime } = ops;
  return {
    dropoutMask: (shape, { dropped, key }) =>
      runtime.scope(() => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const words = runtime.execute(
          'StatelessRandomUniformFullInt',
          [
            runtime.integers([Math.ceil(size / 2)]),
            runtime.upload(Int32Array.of(key.low, key.high), [2]),
          ],
          DRAW,
        );
        const pairs = runtime.execute('Bitcast', [words], HALVE);
        const threshold = runtime.constant(`short${dropped}`, () =>
          ops.cast(runtime.integer(dropped - LEVELS / 2), 'int16'),
        );
        const draws = runtime.execute(
          'Slice',
          [
            runtime.execute('Reshape', [pairs, runtime.integers([-1])], SHORT_RESHAPE),
            runtime.integers([0]),
            runtime.integers([size]),
          ],
          SHORT_SLICE,
        );
        const keep = runtime.execute(
          'GreaterEqual',
          [runtime.execute('Reshape', [draws, runtime.integers(shape)], SHORT_RESHAPE), threshold],
          SHORT,
        );
        return ops.chain(ops.cast(keep, 'float32')).multiply(LEVELS / (LEVELS - dropped)).value;
      }),

    applyMask: (x, mask) =>
      runtime.scope(() => asType(ops, x.dtype, ops.chain(ops.float32(x)).multiply(mask).value)),
  };
}
