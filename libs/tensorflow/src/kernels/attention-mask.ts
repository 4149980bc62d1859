import { bitsFor, powerOfTwo } from '@ringmaster/base';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';

import { TILE_QUERIES, type Tile } from './attention-tiles.js';
import type { Dropout } from './dropout.js';

/** Which keys of its own sequence a query attends to. */
export interface AttentionMask {
  /** None after itself, where the last query stands at the last key. */
  readonly causal: boolean;
  /** None beyond the real length of each sequence [B]; null where all are full. */
  readonly lengths: Int32Array | null;
}

/** What becomes of scores. */
export interface ScoresOptions extends AttentionMask {
  readonly scale: number;
  /** Added to the scores: float32 [A,Q,K]; null for none. */
  readonly bias: Tensor | null;
  /** Dropout of the probabilities [B,A,Q,K]; null for none. */
  readonly dropout: Dropout | null;
}

/** Added to a score that must not count; its exponential is exactly 0. */
const NEVER = -1e9;

/** What is added to the scores of a tile, T[B,A,count,seen], and broadcasts to them: null for nothing. */
export function biasOf(
  ops: Ops,
  { causal, lengths, bias }: ScoresOptions,
  tile: Tile,
): Tensor | null {
  // Padding is on the right, so a causal mask hides it from everything that counts.
  const mask = causal
    ? causalBias(ops, tile)
    : lengths === null
      ? null
      : paddingBias(ops, lengths, tile.seen);
  if (bias === null) return mask;
  const { first, count, seen } = tile;
  const whole = bias.shape[1] === count && bias.shape[2] === seen;
  const own = whole ? bias : ops.slice(bias, [0, first, 0], [-1, count, seen]);
  return mask === null ? own : ops.chain(own).add(mask).value;
}

/** [count,seen]: a query sees one key more than the query before it, and the last one all. Cut from one of few tables. */
function causalBias(ops: Ops, { count, seen }: Tile): Tensor {
  const { runtime } = ops;
  const size = powerOfTwo(bitsFor(seen));
  const rows = Math.max(TILE_QUERIES, powerOfTwo(bitsFor(count)));
  const width = size + rows;
  const table = runtime.constant(`causal${rows},${size}`, () =>
    runtime.upload(
      Float32Array.from({ length: rows * width }, (_, index) =>
        index % width > Math.floor(index / width) + size ? NEVER : 0,
      ),
      [rows, width],
    ),
  );
  return ops.slice(table, [0, size + count - seen], [count, seen]);
}

/** [B,1,1,K]: every query sees the first `lengths[b]` keys. */
function paddingBias(ops: Ops, lengths: Int32Array, keys: number): Tensor {
  const values = new Float32Array(lengths.length * keys);
  lengths.forEach((real, sequence) => {
    values.fill(NEVER, sequence * keys + real, (sequence + 1) * keys);
  });
  return ops.runtime.upload(values, [lengths.length, 1, 1, keys]);
}
