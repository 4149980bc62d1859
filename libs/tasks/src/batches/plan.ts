import { microbatchSamples, stepsPerEpoch, type Dataset, type OrderSpec } from '@ringmaster/data';
import type { Batch } from '@ringmaster/model';
import { randomKey } from '@ringmaster/base';
import { RingmasterError, type DataSplit } from '@ringmaster/protocol';
import type { Reader, SampleSet, Task } from '../task.js';

/** What decides which samples a step consumes, and how they look. */
export interface BatchSpec extends OrderSpec, Reader {}

/** A microbatch to train on. */
export interface TrainMicrobatch {
  /** Numbers of the samples that it consumes, one a sequence. */
  readonly samples: readonly number[];
  readonly batch: Batch;
}

/** The train split as microbatches, each a function of (data, specification, step, number). */
export interface TrainBatches {
  readonly samples: number;
  readonly stepsPerEpoch: number;
  /** Null when the epoch has no sample left for it. */
  microbatch(step: number, microbatch: number): TrainMicrobatch | null;
}

type Sampling = Pick<Task, 'count' | 'samples'>;

/**
 * @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING; JOB_FILE_INVALID when sequences is no multiple of microbatches;
 *   DATA_SHARD_INVALID when a shard is first read.
 */
export function trainBatches(task: Sampling, dataset: Dataset, spec: BatchSpec): TrainBatches {
  const set = sampleSet(task, dataset, 'train', spec);
  if (spec.sequences % spec.microbatches !== 0)
    throw new RingmasterError('JOB_FILE_INVALID', {
      key: 'batch.sequences',
      reason: 'must be a multiple of microbatches',
    });
  return {
    samples: set.count,
    stepsPerEpoch: stepsPerEpoch(set.count, spec),
    microbatch(step, microbatch) {
      const { epoch, samples } = microbatchSamples(set.count, spec, step, microbatch);
      if (samples.length === 0) return null;
      const keys = (sample: number) => randomKey(spec.seed, 'mask', epoch, sample);
      return { samples, batch: set.collate(samples, keys) };
    },
  };
}

/** A split to evaluate on: always the same microbatches in the same order, whatever the seed. */
export interface EvaluationBatches {
  readonly microbatches: number;
  microbatch(index: number): Batch;
}

/** Most sequences of a microbatch of an evaluation. */
export function evaluationSequences({
  sequences,
  microbatches,
}: Pick<BatchSpec, 'sequences' | 'microbatches'>): number {
  return Math.ceil(sequences / microbatches);
}

/** @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING; DATA_SHARD_INVALID when a shard is first read. */
export function evaluationBatches(
  task: Sampling,
  dataset: Dataset,
  split: DataSplit,
  spec: Omit<BatchSpec, 'seed'>,
): EvaluationBatches {
  const set = sampleSet(task, dataset, split, spec);
  const size = evaluationSequences(spec);
  return {
    microbatches: Math.ceil(set.count / size),
    microbatch(index) {
      const start = index * size;
      const end = Math.min(set.count, start + size);
      const samples = Array.from({ length: end - start }, (_, at) => start + at);
      return set.collate(samples, (sample) => randomKey(0, 'evaluation-mask', split, sample));
    },
  };
}

function sampleSet(task: Sampling, dataset: Dataset, split: DataSplit, reader: Reader): SampleSet {
  if (task.count(dataset.manifest, split, reader.context) === 0)
    throw new RingmasterError('DATA_SPLIT_EMPTY', { split, reason: 'it makes no sample' });
  return task.samples(dataset, split, reader);
}
