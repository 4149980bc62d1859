import type { RandomKey } from '@ringmaster/base';
import { attribute, type Ops, type Tensor } from '@ringmaster/tensorflow';

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

/** See `Kernels.dropoutMask`; TensorFlow hashes the key once more, so the bits are others than our own kernel's. */
export function dropoutMask(
  ops: Ops,
  shape: readonly number[],
  dropped: number,
  key: RandomKey,
): Tensor {
  const { runtime } = ops;
  const size = shape.reduce((product, extent) => product * extent, 1);
  return runtime.scope(() => {
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
  });
}
