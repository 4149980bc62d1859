import { log } from '@ringmaster/base';
import { attribute } from '../runtime/attributes.js';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { triple, typed } from './native.js';

export interface NegativeSamplingKernels {
  /**
   * Negative sampling (Mikolov et al., "Distributed representations of words and phrases and their compositionality",
   * 2013), SUMMED over K rows: the vectors x [K,H] of the window of a row, each or their mean, tell the row's own sample
   * from others, which are rows of a table [V,H], by logistic regression.
   */
  negativeSampling(x: Tensor, table: Tensor, options: NegativeSamplingOptions): NegativeSampling;
}

export interface NegativeSamplingOptions {
  /** First row and end of the window of each row [K,2], which the row itself is within and no part of. */
  readonly windows: Int32Array;
  /** [K,S]: rows of the table, the row's own first; −1 for none. */
  readonly samples: Int32Array;
  /** Whether each vector of a window is an example, as in skip-gram, or their mean is one. */
  readonly examples: 'each' | 'mean';
}

export interface NegativeSampling {
  /** Nats, of all examples of each row [K]. */
  readonly losses: Tensor;
  /** [K,H]. */
  readonly dx: Tensor;
  /** [V,H]. */
  readonly dTable: Tensor;
}

/** native/negative-sampling.h */
export function nativeNegativeSampling({ runtime }: Ops): NegativeSamplingKernels {
  return {
    negativeSampling: (x, table, { windows, samples, examples }) =>
      runtime.scope(() => {
        const rows = x.shape[0] ?? 0;
        const inputs = [
          x,
          table,
          runtime.upload(windows, [rows, 2]),
          runtime.upload(samples, [rows, samples.length / Math.max(1, rows)]),
        ];
        const attributes = [...typed(x), attribute.integer('mean', examples === 'mean' ? 1 : 0)];
        const [losses, dx, dTable] = triple(
          runtime.executeMany('RingmasterNegativeSampling', inputs, attributes, 3),
        );
        return { losses, dx, dTable };
      }),
  };
}

/** Every pair of an example and a sample is a row of its own: memory by the hundred bytes for each number of x. */
export function composedNegativeSampling(ops: Ops): NegativeSamplingKernels {
  const { runtime } = ops;
  const indices = (values: readonly number[]) =>
    runtime.upload(Int32Array.from(values), [values.length]);
  const column = (values: readonly number[]) =>
    runtime.upload(Float32Array.from(values), [values.length, 1]);
  return {
    negativeSampling: (x, table, options) =>
      runtime.scope(() => {
        const rows = x.shape[0] ?? 0;
        const { members, shares, examples, owners } = examplesOf(rows, options);
        const isMean = options.examples === 'mean';
        const read = ops.gatherRows(x, indices(members));
        const shared = ops.chain(read).multiply(column(shares)).value;
        const vectors = isMean ? ops.scatterRows(shared, indices(examples), owners.length) : shared;
        const pairs = pairsOf(rows, options.samples, owners);
        const ofPairs = indices(pairs.map(({ example }) => example));
        const samples = indices(pairs.map(({ sample }) => sample));
        const left = ops.gatherRows(vectors, ofPairs);
        const right = ops.gatherRows(table, samples);
        const scores = ops.reshape(ops.rowSums(ops.chain(left).multiply(right).value), [-1, 1]);
        const found = ops.chain(scores).sigmoid().value;
        const slopes = ops
          .chain(found)
          .subtract(column(pairs.map(({ isOwn }) => (isOwn ? 1 : 0)))).value;
        const probabilities = runtime.download(found);
        const losses = new Float32Array(rows);
        for (const [at, { row, isOwn }] of pairs.entries()) {
          const probability = probabilities[at] ?? 0;
          losses[row] =
            (losses[row] ?? 0) - log(Math.max(isOwn ? probability : 1 - probability, 2 ** -126));
        }
        const dVectors = ops.scatterRows(
          ops.chain(right).multiply(slopes).value,
          ofPairs,
          owners.length,
        );
        const dMembers = isMean ? ops.gatherRows(dVectors, indices(examples)) : dVectors;
        return {
          losses: runtime.upload(losses, [rows]),
          dx: ops.scatterRows(
            ops.chain(dMembers).multiply(column(shares)).value,
            indices(members),
            rows,
          ),
          dTable: ops.scatterRows(
            ops.chain(left).multiply(slopes).value,
            samples,
            table.shape[0] ?? 0,
          ),
        };
      }),
  };
}

/** Rows of x that examples are made of, with their shares; the example of each, and the row that an example is of. */
function examplesOf(rows: number, { windows, examples: kind }: NegativeSamplingOptions) {
  const members: number[] = [];
  const shares: number[] = [];
  const examples: number[] = [];
  const owners: number[] = [];
  for (let row = 0; row < rows; row++) {
    const first = windows[2 * row] ?? 0;
    const end = windows[2 * row + 1] ?? 0;
    for (let member = first; member < end; member++) {
      if (member === row) continue;
      if (kind === 'each' || owners.at(-1) !== row) owners.push(row);
      members.push(member);
      examples.push(owners.length - 1);
      shares.push(kind === 'each' ? 1 : 1 / (end - first - 1));
    }
  }
  return { members, shares, examples, owners };
}

function pairsOf(rows: number, samples: Int32Array, owners: readonly number[]) {
  const count = samples.length / Math.max(1, rows);
  return owners.flatMap((row, example) =>
    Array.from(samples.subarray(row * count, (row + 1) * count), (sample, at) => ({
      row,
      example,
      sample,
      isOwn: at === 0,
    })).filter(({ sample }) => sample >= 0),
  );
}
