import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';

import { biasOf, type ScoresOptions } from './attention-mask.js';
import type { Tile } from './attention-tiles.js';
import { asType } from './composed.js';
import { dropoutKey, type Dropout, type DropoutKernels } from './dropout.js';
import { lengthsTensor, none, pair, typed } from './native.js';

/** From the scores of a tile to its probabilities and back: a part of attention where that is not one operation. */
export interface TileKernels {
  /** softmax(scale · scores + bias) ∘ mask of scores T[B,A,count,seen]. */
  tileProbabilities(scores: Tensor, options: TileOptions): TileProbabilities;

  /** The gradient through `tileProbabilities` of `dDropped` T[B,A,count,seen]. */
  tileGradient(
    dDropped: Tensor,
    scores: Tensor,
    moments: Tensor,
    options: TileOptions,
  ): TileGradient;

  /**
   * The gradient of scores through softmax(scale · scores) of `dProbabilities` T[…,K], where the probabilities T[…,K] were
   * kept: T[…,K].
   */
  softmaxGradient(dProbabilities: Tensor, probabilities: Tensor, scale: number): Tensor;
}

export interface TileOptions extends ScoresOptions {
  readonly tile: Tile;
  /** Q. */
  readonly queries: number;
  /** K. */
  readonly keys: number;
}

export interface TileProbabilities {
  /** After dropout, T[B,A,count,seen]. */
  readonly dropped: Tensor;
  /**
   * float32 [B,A,count,2]: the largest score of each row and what its powers are multiplied with, of which the gradient
   * computes the probabilities again; [0] for kernels that need none.
   */
  readonly moments: Tensor;
}

export interface TileGradient {
  /** The probabilities after dropout again, T[B,A,count,seen]. */
  readonly dropped: Tensor;
  /** T[B,A,count,seen]. */
  readonly dScores: Tensor;
}

/** native/attention-tile.h */
export function nativeTile({ runtime }: Ops): TileKernels {
  const masks = ({ lengths, bias, dropout }: TileOptions) => [
    lengthsTensor(runtime, lengths),
    bias ?? none(runtime),
    dropoutKey(runtime, dropout),
  ];
  const attributes = (x: Tensor, options: TileOptions) => [
    ...typed(x),
    attribute.float('scale', options.scale),
    attribute.integer('causal', options.causal ? 1 : 0),
    attribute.integer('dropped', options.dropout?.dropped ?? 0),
    attribute.integer('first', options.tile.first),
    attribute.integer('queries', options.queries),
    attribute.integer('keys', options.keys),
  ];
  return {
    tileProbabilities: (scores, options) =>
      runtime.scope(() => {
        const inputs = [scores, ...masks(options)];
        const given = attributes(scores, options);
        const operation = 'RingmasterTileProbabilities';
        const [dropped, moments] = pair(runtime.executeMany(operation, inputs, given, 2));
        return { dropped, moments };
      }),

    tileGradient: (dDropped, scores, moments, options) =>
      runtime.scope(() => {
        const inputs = [dDropped, scores, moments, ...masks(options)];
        const given = attributes(scores, options);
        const operation = 'RingmasterTileGradient';
        const [dropped, dScores] = pair(runtime.executeMany(operation, inputs, given, 2));
        return { dropped, dScores };
      }),

    softmaxGradient: (dProbabilities, probabilities, scale) =>
      runtime.execute(
        'RingmasterSoftmaxGradient',
        [dProbabilities, probabilities],
        [...typed(probabilities), attribute.float('scale', scale)],
      ),
  };
}

export function composedTile(ops: Ops, dropouts: DropoutKernels): TileKernels {
  const times = (x: Tensor, factor: number) =>
    factor === 1 ? x : ops.chain(x).multiply(factor).value;
  const probabilitiesOf = (scores: Tensor, options: TileOptions): Tensor => {
    const wide = times(ops.float32(scores), options.scale);
    const bias = biasOf(ops, options, options.tile);
    return ops.softmax(bias === null ? wide : ops.chain(wide).add(bias).value);
  };
  const maskOf = ({ shape }: Tensor, { dropout, tile }: TileOptions): Tensor | null =>
    dropout === null ? null : dropouts.dropoutMask(shape, ofTile(dropout, tile));
  const masked = (x: Tensor, mask: Tensor | null) =>
    mask === null ? x : ops.chain(x).multiply(mask).value;
  const throughSoftmax = (d: Tensor, probabilities: Tensor, scale: number) => {
    const sums = ops.rowSums(ops.chain(d).multiply(probabilities).value);
    return times(ops.chain(d).subtract(sums).multiply(probabilities).value, scale);
  };
  return {
    tileProbabilities: (scores, options) =>
      ops.runtime.scope(() => {
        const probabilities = probabilitiesOf(scores, options);
        const dropped = masked(probabilities, maskOf(scores, options));
        const moments = ops.runtime.upload(new Float32Array(0), [0]);
        return { dropped: asType(ops, scores.dtype, dropped), moments };
      }),

    tileGradient: (dDropped, scores, _moments, options) =>
      ops.runtime.scope(() => {
        const probabilities = probabilitiesOf(scores, options);
        const mask = maskOf(scores, options);
        const d = masked(ops.float32(dDropped), mask);
        const dScores = throughSoftmax(d, probabilities, options.scale);
        return {
          dropped: asType(ops, scores.dtype, masked(probabilities, mask)),
          dScores: asType(ops, scores.dtype, dScores),
        };
      }),

    softmaxGradient: (dProbabilities, probabilities, scale) =>
      ops.runtime.scope(() => {
        const wide = ops.float32(probabilities);
        const dScores = throughSoftmax(ops.float32(dProbabilities), wide, scale);
        return asType(ops, probabilities.dtype, dScores);
      }),
  };
}

/** Each tile draws with a key of its own; the first one with that of all. */
function ofTile({ dropped, key: { low, high } }: Dropout, { first }: Tile): Dropout {
  return { dropped, key: { low, high: high ^ first } };
}
