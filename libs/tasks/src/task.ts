import type { Dataset, SpecialTokens } from '@ringmaster/data';
import type { Batch, HeadKind, Model, WindowSampling } from '@ringmaster/model';
import type { RandomKey } from '@ringmaster/base';
import type {
  DataManifest,
  DataSplit,
  ModelKind,
  PairedTexts,
  TaskName,
} from '@ringmaster/protocol';
import type { Predictions } from './prediction/prediction.js';

/**
 * What a model is trained for: what a sample is, how it becomes part of a batch, what an evaluation finds, and what the
 * finished model answers. Everything is a pure function of the prepared data and the arguments. The columns that a task
 * needs of its documents, and the metrics that it has, are where job files are checked: `job-file/tasks.ts` of
 * `@ringmaster/protocol`.
 */
export interface Task<Query = unknown> {
  /** Name in job files and manifests. */
  readonly name: TaskName;
  readonly head: HeadKind;
  /** Most microbatches that an evaluation looks at, evenly spread over the split. */
  readonly evaluationMicrobatches: number;
  /**
   * Samples of a split, known from the manifest alone.
   * @param context Longest sequence of the model, in tokens.
   */
  count(manifest: DataManifest, split: DataSplit, context: number): number;
  /** @throws DATA_LABELS_MISSING; DATA_SHARD_INVALID when a shard is first read */
  samples(dataset: Dataset, split: DataSplit, reader: Reader): SampleSet;
  /**
   * Special tokens that samples need and a tokenizer does not have, as a phrase; null where nothing is missing.
   * @param context Longest sequence of the model, in tokens.
   */
  lacks?(tokenizer: SpecialTokens, context: number): string | null;
  /** Labels in the order of their ids; null when nothing is labelled. */
  labels(manifest: DataManifest): string[] | null;
  /** Numbers of the data that a metric is compared with; they stand among the metrics of the finished model. */
  baselines?(manifest: DataManifest): Record<string, number>;
  measures(request: MeasuresRequest): Measures;
  readonly predictions: Predictions<Query>;
}

/** What of a model decides how its samples look. */
export interface Reader {
  readonly kind: ModelKind;
  /** How an encoder–decoder is given texts; null for the others. */
  readonly texts: PairedTexts | null;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** How words and windows are drawn for a model that learns from those; null for the others. */
  readonly windows: WindowSampling | null;
}

/** The samples of one split, each a number in [0, count). */
export interface SampleSet {
  readonly count: number;
  /**
   * @param samples At least one; each becomes a sequence, in this order.
   * @param keys Key of what is random about a sample, such as which tokens are masked.
   */
  collate(samples: readonly number[], keys: (sample: number) => RandomKey): Batch;
}

export interface MeasuresRequest {
  /** Labels in the order of their ids; none when nothing is labelled. */
  readonly labels: readonly string[];
  /** Most sequences of a microbatch. */
  readonly sequences: number;
  /** The metric that is wanted, beside those that cost nothing more; null for all of them. */
  readonly metric: string | null;
}

/** Metrics by name; the loss is in nats for each unit that is counted. */
export interface Metrics extends Record<string, number> {
  readonly loss: number;
}

/**
 * How a model is judged. Each microbatch is measured by itself, on whichever worker, as numbers of one count; the metrics
 * are a function of those of all microbatches in their order. So they have the same bits for any number of workers.
 */
export interface Measures {
  /** Numbers that a microbatch is measured by. */
  readonly length: number;
  /** @returns the numbers of a microbatch [length], such as sums and counts */
  measure(model: Pick<Model, 'evaluate'>, batch: Batch): Float64Array;
  /**
   * @param parts What each microbatch was measured by.
   * @returns null where nothing was counted
   */
  metrics(parts: readonly Float64Array[]): Metrics | null;
}
