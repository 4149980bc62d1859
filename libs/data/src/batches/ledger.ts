import { randomKey } from '@ringmaster/base';
import { permutation } from '../order.js';

/** What decides which samples a step consumes. */
export interface OrderSpec {
  /** Sequences a step, a multiple of `microbatches`. */
  readonly sequences: number;
  readonly microbatches: number;
  readonly seed: number;
}

/** Steps of one pass over `samples`; the last one may be short. */
export function stepsPerEpoch(
  samples: number,
  { sequences }: Pick<OrderSpec, 'sequences'>,
): number {
  return Math.ceil(samples / sequences);
}

/**
 * The samples of one microbatch; none when the epoch ends before it. Nothing is kept between calls: the order is a
 * permutation that can be read anywhere, so any step takes as long as the first.
 * @param samples Samples of the train split, as its task counts them.
 * @param step From 0.
 */
export function microbatchSamples(
  samples: number,
  spec: OrderSpec,
  step: number,
  microbatch: number,
): { readonly epoch: number; readonly samples: readonly number[] } {
  const steps = stepsPerEpoch(samples, spec);
  const epoch = Math.floor(step / steps);
  const sampleAt = permutation(samples, randomKey(spec.seed, 'order', epoch));
  const size = spec.sequences / spec.microbatches;
  const start = Math.min(samples, (step % steps) * spec.sequences + microbatch * size);
  const end = Math.min(samples, start + size);
  return { epoch, samples: Array.from({ length: end - start }, (_, at) => sampleAt(start + at)) };
}

/**
 * Which samples of the train split a step consumes, by microbatch; at an epoch's end the last microbatches are short or
 * empty. It is computed, never recorded: for any step, at once.
 * @param samples Samples of the train split, as its task counts them.
 * @param step From 0.
 */
export function ledgerOf(
  samples: number,
  spec: OrderSpec,
  step: number,
): readonly (readonly number[])[] {
  return Array.from(
    { length: spec.microbatches },
    (_, microbatch) => microbatchSamples(samples, spec, step, microbatch).samples,
  );
}

/**
 * What trainers report of the samples that they consumed: the sum, modulo 2^32 as int32, of a hash of each sample's
 * number. It does not depend on their order, and digests of parts add up (`| 0`) to that of the whole; a sample that is
 * missing, taken twice or replaced by another shows but for a chance of about 2^-32.
 */
export function ledgerDigest(samples: Iterable<number>): number {
  let digest = 0;
  for (const sample of samples) digest = (digest + hash(sample)) | 0;
  return digest;
}

/** The finalizer of MurmurHash3 (Appleby, 2011) over both halves of a number below 2^53. */
function hash(sample: number): number {
  let mixed = Math.imul(Math.floor(sample / 2 ** 32) + 1, 0x9e3779b1) ^ (sample >>> 0);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
