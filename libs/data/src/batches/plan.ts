import { randomKey } from '@ringmaster/base';
import { RingmasterError, type DataManifest, type DataSplit } from '@ringmaster/protocol';
import { causalSamples, causalSampleSet } from './causal.js';
import type { Dataset } from './dataset.js';
import { labelledSampleSet } from './labelled.js';
import { microbatchSamples, stepsPerEpoch, type OrderSpec } from './ledger.js';
import { maskedSamples, maskedSampleSet } from './masked.js';
import type { MicrobatchInput, SampleSet } from './microbatch.js';

export type Objective = 'masked-language-model' | 'causal-language-model' | 'text-classification';

/** What decides which samples a step consumes, and how they are made. */
export interface BatchSpec extends OrderSpec {
  readonly objective: Objective;
  /** Longest sequence, in tokens. */
  readonly context: number;
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

/** A microbatch to train on. */
export interface TrainMicrobatch {
  /** Numbers of the samples that it consumes, one a sequence. */
  readonly samples: readonly number[];
  readonly input: MicrobatchInput;
}

/** The train split as microbatches, each a function of (data, specification, step, number). */
export interface TrainBatches {
  readonly samples: number;
  readonly stepsPerEpoch: number;
  /** Null when the epoch has no sample left for it. */
  microbatch(step: number, microbatch: number): TrainMicrobatch | null;
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
      const maskKey = (sample: number) => randomKey(spec.seed, 'mask', epoch, sample);
      return { samples, input: set.collate(samples, maskKey) };
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
