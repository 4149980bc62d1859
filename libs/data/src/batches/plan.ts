import {
  randomKey,
  RingmasterError,
  type DataManifest,
  type DataSplit,
} from '@ringmaster/protocol';
import { permutation } from '../order.js';
import { causalSamples, causalSampleSet } from './causal.js';
import type { Dataset } from './dataset.js';
import { labelledSampleSet } from './labelled.js';
import { maskedSamples, maskedSampleSet } from './masked.js';
import type { MicrobatchInput, SampleSet } from './microbatch.js';

export type Objective = 'masked-language-model' | 'causal-language-model' | 'text-classification';

/** What decides which samples a step consumes, and how they are made. */
export interface BatchSpec {
  readonly objective: Objective;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** Sequences a step, a multiple of `microbatches`. */
  readonly sequences: number;
  readonly microbatches: number;
  readonly seed: number;
}

/** Samples of a split, from the manifest alone. */
export function countSamples(
  manifest: DataManifest,
  split: DataSplit,
  { objective, context }: Pick<BatchSpec, 'objective' | 'context'>,
): number {
  const entry = manifest.splits[split];
  switch (objective) {
    case 'masked-language-model':
      return maskedSamples(entry, context);
    case 'causal-language-model':
      return causalSamples(entry, context);
    case 'text-classification':
      return entry.documents;
  }
}

/** Steps of one pass over `samples`; the last one may be short. */
export function stepsPerEpoch(
  samples: number,
  { sequences }: Pick<BatchSpec, 'sequences'>,
): number {
  return Math.ceil(samples / sequences);
}

type OrderSpec = Pick<BatchSpec, 'sequences' | 'microbatches' | 'seed'>;

/**
 * The samples of one microbatch; none when the epoch ends before it. Nothing is kept between calls: the order is a
 * permutation that can be read anywhere.
 * @param samples Samples of the train split (`countSamples`).
 * @param step From 0.
 */
function microbatchSamples(
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
 * @param samples Samples of the train split (`countSamples`).
 * @param step From 0.
 */
export function ledger(
  samples: number,
  spec: OrderSpec,
  step: number,
): readonly (readonly number[])[] {
  return Array.from(
    { length: spec.microbatches },
    (_, microbatch) => microbatchSamples(samples, spec, step, microbatch).samples,
  );
}

/** The train split as microbatches, each a function of (data, specification, step, number). */
export interface TrainBatches {
  readonly samples: number;
  readonly stepsPerEpoch: number;
  /** Null when the epoch has no sample left for it. */
  microbatch(step: number, microbatch: number): MicrobatchInput | null;
}

/**
 * @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING; JOB_FILE_INVALID when sequences is no multiple of microbatches;
 *   DATA_SHARD_INVALID when a shard is first read.
 */
export function trainBatches(dataset: Dataset, spec: BatchSpec): TrainBatches {
  const set = sampleSet(dataset, 'train', spec);
  if (spec.sequences % spec.microbatches !== 0)
    throw new RingmasterError('JOB_FILE_INVALID', {
      key: 'batch.sequences',
      reason: 'must be a multiple of microbatches',
    });
  return {
    samples: set.samples,
    stepsPerEpoch: stepsPerEpoch(set.samples, spec),
    microbatch(step, microbatch) {
      const { epoch, samples } = microbatchSamples(set.samples, spec, step, microbatch);
      if (samples.length === 0) return null;
      return set.collate(samples, (sample) => randomKey(spec.seed, 'mask', epoch, sample));
    },
  };
}

/** A split to evaluate on: always the same microbatches in the same order, whatever the seed. */
export interface EvaluationBatches {
  readonly samples: number;
  readonly microbatches: number;
  microbatch(index: number): MicrobatchInput;
}

/** @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING; DATA_SHARD_INVALID when a shard is first read. */
export function evaluationBatches(
  dataset: Dataset,
  split: DataSplit,
  spec: Omit<BatchSpec, 'seed'>,
): EvaluationBatches {
  const set = sampleSet(dataset, split, spec);
  const size = Math.ceil(spec.sequences / spec.microbatches);
  return {
    samples: set.samples,
    microbatches: Math.ceil(set.samples / size),
    microbatch(index) {
      const start = index * size;
      const end = Math.min(set.samples, start + size);
      const samples = Array.from({ length: end - start }, (_, at) => start + at);
      return set.collate(samples, (sample) => randomKey(0, 'evaluation-mask', split, sample));
    },
  };
}

function sampleSet(
  dataset: Dataset,
  split: DataSplit,
  { objective, context }: Pick<BatchSpec, 'objective' | 'context'>,
): SampleSet {
  const reader = dataset.splits[split];
  const { tokenizer } = dataset.manifest;
  if (countSamples(dataset.manifest, split, { objective, context }) === 0)
    throw new RingmasterError('DATA_SPLIT_EMPTY', { split, reason: 'it makes no sample' });
  switch (objective) {
    case 'masked-language-model':
      return maskedSampleSet(reader, tokenizer, context);
    case 'causal-language-model':
      return causalSampleSet(reader, tokenizer, context);
    case 'text-classification':
      return labelledSampleSet(dataset, reader, context);
  }
}
