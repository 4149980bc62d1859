import type { Ops } from '../runtime/ops.js';
import type { DataType, Tensor } from '../runtime/tensor.js';

import type { AddLeadingKernels } from './add-leading.js';
import type { Heads } from './attention-heads.js';
import type { ScoresOptions } from './attention-mask.js';
import type { TileGradient, TileKernels, TileOptions } from './attention-tile.js';
import { tilesOf, type Tile } from './attention-tiles.js';
import { asType } from './composed.js';

export interface Attended {
  /** What the heads have read: T[B·Q,AD]. */
  readonly context: Tensor;
  /** What the gradient needs besides its arguments, as it suits the kernels. */
  readonly saved: readonly Tensor[];
}

/** What attention is made of besides products. */
export interface Parts extends AddLeadingKernels, TileKernels {
  /** How many queries are computed together, at most. */
  readonly tileQueries: number;
}

/** What is computed of which heads, and with what. */
interface Work {
  readonly ops: Ops;
  readonly parts: Parts;
  readonly heads: Heads;
  readonly options: ScoresOptions;
}

interface HeadsGradient {
  /** T[B,A,count,D]. */
  readonly dQueries: Tensor;
  /** T[B,G,seen,D]. */
  readonly dKeys: Tensor;
  /** T[B,G,seen,D]. */
  readonly dValues: Tensor;
  /** float32 [A,count,K]; null where it is not wanted. */
  readonly dBias: Tensor | null;
}

/**
 * Attention of batched products and of kernels between them, some queries at a time. Where G key and value heads serve A
 * query heads, A/G after the other, the queries of those are the rows of one product. Where a context is one tile, its
 * probabilities are kept for the gradient, or with dropout its scores; where it is several, both are computed again: memory
 * grows with the length and not with its square (Dao et al., "FlashAttention", 2022).
 */
export function attendHeads(
  ops: Ops,
  parts: Parts,
  heads: Heads,
  options: ScoresOptions,
): Attended {
  const { queries, keys, values } = heads;
  return ops.runtime.scope(() => {
    const [sequences = 0, , length = 0] = queries.shape;
    const work = { ops, parts, heads, options };
    const tiles = tilesFor(work);
    const attended = tiles.map((tile) =>
      ops.runtime.scope(() => {
        const part = headsOf(ops, heads, tile);
        const scores = scoresOf(ops, part, tile);
        const { dropped, moments } = parts.tileProbabilities(scores, tileOptions(work, tile));
        if (tiles.length > 1) ops.runtime.free(scores);
        const product = ops.batchMatmul(grouped(ops, dropped, part.values), part.values);
        const again = tiles.length > 1 ? [moments] : [moments, scores];
        const kept = tiles.length > 1 || options.dropout !== null ? again : [dropped];
        return { read: shaped(ops, product, part.queries.shape), kept };
      }),
    );
    const tokens = attended.map(({ read }) => read);
    const output = ops.transpose(joined(ops, tokens, 2), [0, 2, 1, 3]);
    const context = ops.reshape(output, [sequences * length, -1]);
    const kept = attended.flatMap((tile) => tile.kept);
    return { context, saved: [queries, keys, values, ...kept] };
  });
}

/** The gradient through `attendHeads`; that of the bias [A,Q,K] where it is wanted. */
export function attendHeadsGradient(
  ops: Ops,
  parts: Parts,
  dContext: Tensor,
  saved: readonly Tensor[],
  options: ScoresOptions,
  wantsBias: boolean,
): { readonly heads: Heads; readonly dBias: Tensor | null } {
  const [queries, keys, values, ...kept] = saved;
  if (!queries || !keys || !values)
    throw new Error('Something that attention has saved is missing');
  const work = { ops, parts, heads: { queries, keys, values }, options };
  return ops.runtime.scope(() => {
    const [sequences = 0, heads = 0, length = 0, depth = 0] = queries.shape;
    const byToken = ops.reshape(dContext, [sequences, length, heads, depth]);
    const dy = ops.transpose(byToken, [0, 2, 1, 3]);
    const tiles = tilesFor(work);
    const dQueries: Tensor[] = [];
    const dBias: Tensor[] = [];
    const sums = { keys: new LeadingSum(ops, parts), values: new LeadingSum(ops, parts) };
    // From the last tile on, which sees all keys: to its gradients those of the others are added.
    for (const [index, tile] of [...tiles.entries()].reverse()) {
      const ofTile = tiles.length > 1 ? kept.slice(index, index + 1) : kept;
      const found = ops.runtime.scope(() => tileGradient(work, dy, tile, ofTile, wantsBias));
      dQueries.unshift(found.dQueries);
      if (found.dBias !== null) dBias.unshift(found.dBias);
      sums.keys.add(found.dKeys);
      sums.values.add(found.dValues);
    }
    return {
      heads: {
        queries: joined(ops, dQueries, 2),
        keys: sums.keys.as(keys.dtype),
        values: sums.values.as(values.dtype),
      },
      dBias: wantsBias ? joined(ops, dBias, 1) : null,
    };
  });
}

/** A sum of tensors T[B,G,k,D] of which none is longer than the first: float32, where there is more than one. */
class LeadingSum {
  readonly #ops: Ops;
  readonly #parts: Parts;
  #sum: Tensor | null = null;
  #count = 0;

  constructor(ops: Ops, parts: Parts) {
    this.#ops = ops;
    this.#parts = parts;
  }

  /** Takes ownership of x. */
  add(x: Tensor): void {
    this.#count += 1;
    if (this.#sum === null) {
      this.#sum = x;
      return;
    }
    const sum = this.#count === 2 ? this.#ops.float32(this.#sum) : this.#sum;
    this.#sum = this.#parts.addLeading(sum, x);
    this.#ops.runtime.free(x);
  }

  as(type: DataType): Tensor {
    if (this.#sum === null) throw new Error('There is nothing to sum');
    return asType(this.#ops, type, this.#sum);
  }
}

/** @param kept of the tile: its probabilities, or moments and scores, or moments alone */
function tileGradient(
  work: Work,
  dy: Tensor,
  tile: Tile,
  kept: readonly Tensor[],
  wantsBias: boolean,
): HeadsGradient {
  const { ops } = work;
  const part = headsOf(ops, work.heads, tile);
  const { queries, keys, values } = part;
  const dRead = grouped(ops, tokensOf(ops, dy, tile), values);
  const { dropped, dScores } = scoresGradient(work, part, tile, kept, dRead);
  const dValues = ops.batchMatmul(grouped(ops, dropped, values), dRead, { transposeX: true });
  const dGrouped = grouped(ops, dScores, keys);
  const dQueries = ops.batchMatmul(dGrouped, keys);
  const dKeys = ops.batchMatmul(dGrouped, grouped(ops, queries, keys), { transposeX: true });
  return {
    dQueries: shaped(ops, dQueries, queries.shape),
    dKeys,
    dValues,
    dBias: wantsBias ? biasGradient(work, dScores) : null,
  };
}

/** Probabilities after dropout and the gradient of the scores, T[B,A,count,seen], from what was read, T[B,G,A/G·count,D]. */
function scoresGradient(
  work: Work,
  part: Heads,
  tile: Tile,
  kept: readonly Tensor[],
  dRead: Tensor,
): TileGradient {
  const { ops, parts, heads, options } = work;
  const [first, second] = kept;
  if (!first) throw new Error('Something that attention has saved is missing');
  const [sequences = 0, count = 0] = heads.queries.shape;
  return ops.runtime.scope(() => {
    const dProducts = ops.batchMatmul(dRead, part.values, { transposeY: true });
    const dDropped = shaped(ops, dProducts, [sequences, count, tile.count, tile.seen]);
    const isWhole = tile.count === heads.queries.shape[2];
    if (isWhole && options.dropout === null) {
      const dScores = parts.softmaxGradient(dDropped, first, options.scale);
      return { dropped: first, dScores };
    }
    const scores = second ?? scoresOf(ops, part, tile);
    return parts.tileGradient(dDropped, scores, first, tileOptions(work, tile));
  });
}

/** T[B,A,count,seen], before scale and bias; nothing else holds its memory. */
function scoresOf(ops: Ops, { queries, keys }: Heads, { count, seen }: Tile): Tensor {
  const [sequences = 0, heads = 0] = queries.shape;
  return ops.runtime.scope(() => {
    const products = ops.batchMatmul(grouped(ops, queries, keys), keys, { transposeY: true });
    return shaped(ops, products, [sequences, heads, count, seen]);
  });
}

function tileOptions({ heads, options }: Work, tile: Tile): TileOptions {
  const [queries = 0, keys = 0] = [heads.queries.shape[2], heads.keys.shape[2]];
  return { ...options, tile, queries, keys };
}

function tilesFor({ parts, heads, options }: Work): Tile[] {
  const [queries = 0, keys = 0] = [heads.queries.shape[2], heads.keys.shape[2]];
  return tilesOf(queries, keys, options.causal, parts.tileQueries);
}

/** Queries of a tile, and the keys and values that they see. */
function headsOf(ops: Ops, { queries, keys, values }: Heads, tile: Tile): Heads {
  const seen = { first: 0, count: tile.seen };
  return {
    queries: tokensOf(ops, queries, tile),
    keys: tokensOf(ops, keys, seen),
    values: tokensOf(ops, values, seen),
  };
}

/** Tokens first to first + count of x T[B,A,T,D]: x itself where they are all. */
function tokensOf(ops: Ops, x: Tensor, { first, count }: Pick<Tile, 'first' | 'count'>): Tensor {
  return count === x.shape[2] ? x : ops.slice(x, [0, 0, first, 0], [-1, -1, count, -1]);
}

/** Tiles one after the other along a dimension: a tile itself where it is the only one. */
function joined(ops: Ops, tiles: readonly Tensor[], dimension: number): Tensor {
  const [only] = tiles;
  return only !== undefined && tiles.length === 1 ? only : ops.concatenate(tiles, dimension);
}

/** x T[B,A,Q,C] as T[B,G,A/G·Q,C], for products with `other` T[B,G,…]: x itself where G is A. */
function grouped(ops: Ops, x: Tensor, other: Tensor): Tensor {
  const [sequences = 0, heads = 0, , width = 0] = x.shape;
  const groups = other.shape[1] ?? 0;
  return groups === heads ? x : ops.reshape(x, [sequences, groups, -1, width]);
}

/** x under a shape of as many elements: x itself where it has it. */
function shaped(ops: Ops, x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.every((extent, at) => extent === shape[at]) ? x : ops.reshape(x, shape);
}

/** float32 [A,count,K] from the gradient of a tile's scores, T[B,A,count,seen], which stand after the scale. */
function biasGradient({ ops, heads, options }: Work, dScores: Tensor): Tensor {
  const [sequences = 0, ...shape] = dScores.shape;
  const sums = ops.columnSums(ops.reshape(ops.float32(dScores), [sequences, -1]));
  const { scale } = options;
  const unscaled = scale === 1 ? sums : ops.chain(sums).multiply(1 / scale).value;
  const seen = ops.reshape(unscaled, shape);
  const keys = heads.keys.shape[2] ?? 0;
  return keys === seen.shape[2] ? seen : ops.padTo(seen, 2, keys);
}
