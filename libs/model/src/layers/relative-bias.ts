import { log } from '@ringmaster/base';

import { weights, type Layer, type ParameterSpec, type Pass } from './layer.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface RelativeBiasOptions {
  readonly heads: number;
  /** Distances that are told apart, in both directions together where there are two. */
  readonly buckets: number;
  /** Keys from here on have the same bias, however far they are. */
  readonly farthest: number;
  /** Whether keys after a query have buckets of their own; they are as near as the query's own without. */
  readonly bidirectional: boolean;
  readonly deviation: number;
}

/**
 * A bias of the scores of attention by the distance of query and key, learned for each head (Raffel et al., "T5", 2020,
 * section 2.1). All layers of a stack share it.
 */
export class RelativeBias implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #weight: string;
  readonly #options: RelativeBiasOptions;

  constructor(name: string, options: RelativeBiasOptions) {
    const { buckets, heads, deviation } = options;
    this.#options = options;
    this.#weight = `${name}.weight`;
    this.parameters = [weights(this.#weight, [buckets, heads], deviation)];
  }

  /** Float32 [A,T,T] for the queries and keys of a stream; [A,1,C] for one token after those of a cache of C. */
  forward(pass: Pass, { length, past }: Stream): Value {
    const { tape, ops, weight } = pass;
    const { runtime } = ops;
    const { heads, buckets } = this.#options;
    const first = past?.cache.commonLength ?? 0;
    const shape = first === 0 ? [length, length] : [length, past?.cache.capacity ?? 0];
    const numbers = bucketsOf(first, shape, this.#options);
    const indices = runtime.upload(numbers, [numbers.length]);
    const output = runtime.scope(() => {
      const byDistance = ops.gatherRows(weight(this.#weight), indices);
      return ops.reshape(ops.transpose(byDistance, [1, 0]), [heads, ...shape]);
    });
    const recorded = { inputs: [], saved: [indices], parameters: [this.#weight] };
    return tape.record(output, recorded, (dy, give) => {
      give.parameter(this.#weight, (sum) => {
        const byHead = ops.reshape(dy, [heads, numbers.length]);
        const byDistance = ops.transpose(byHead, [1, 0]);
        return plus(pass, sum, ops.scatterRows(byDistance, indices, buckets));
      });
    });
  }
}

/** The bucket of each query and key, row by row [Q·K]; the first query is as far as key `first`. */
function bucketsOf(
  first: number,
  [queries = 0, keys = 0]: readonly number[],
  options: RelativeBiasOptions,
): Int32Array {
  const ahead = Int32Array.from({ length: keys }, (_, distance) => bucketOf(distance, options));
  const behind = Int32Array.from({ length: first + queries }, (_, distance) =>
    bucketOf(-distance, options),
  );
  return Int32Array.from({ length: queries * keys }, (_, index) => {
    const distance = (index % keys) - Math.floor(index / keys) - first;
    return (distance < 0 ? behind[-distance] : ahead[distance]) ?? 0;
  });
}

/**
 * The bucket of a key `distance` tokens after a query: half of those of a direction hold one distance each, the others
 * ever more, up to `farthest`.
 */
export function bucketOf(
  distance: number,
  { buckets, farthest, bidirectional }: Omit<RelativeBiasOptions, 'heads' | 'deviation'>,
): number {
  const count = bidirectional ? buckets / 2 : buckets;
  const first = bidirectional && distance > 0 ? count : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = count / 2;
  if (far < exact) return first + far;
  // As transformers computes it, in float32: some distances lie on the border of two buckets.
  const { fround } = Math;
  const ratio = fround(fround(log(fround(far / exact))) / fround(log(farthest / exact)));
  const bucket = exact + Math.floor(fround(ratio * (count - exact)));
  return first + Math.min(bucket, count - 1);
}
