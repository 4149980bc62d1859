import { randomKey } from '@ringmaster/protocol';

import { attribute } from './attributes.js';
import type { Ops } from './ops.js';
import type { Tensor } from './tensor.js';

/** Which microbatch a draw belongs to; with the module path it keys every random number of training. */
export interface RandomScope {
  readonly seed: number;
  readonly step: number;
  readonly microbatch: number;
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

/**
 * A dropout mask: float32 of `shape`, each element 0 with probability `rate` (rounded to 1/65,536) and otherwise
 * 1 / (1 − rate), so that the mean is 1. A function of its arguments only: TensorFlow's Philox keyed by
 * (seed, step, microbatch, path). Sixteen bits an element, because drawing them is most of the cost.
 */
export function dropoutMask(
  ops: Ops,
  shape: readonly number[],
  rate: number,
  { seed, step, microbatch }: RandomScope,
  path: string,
): Tensor {
  const { runtime } = ops;
  const size = shape.reduce((product, extent) => product * extent, 1);
  const dropped = Math.round(rate * LEVELS);
  const key = randomKey(seed, 'dropout', step, microbatch, path);
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
