import type { Dataset } from '@ringmaster/data';
import {
  windowsOf,
  type Batch,
  type HeadKind,
  type Model,
  type ModelConfig,
} from '@ringmaster/model';
import { kindOf, pairedTextsOf, taskIn, type DataSplit, type JobSpec } from '@ringmaster/protocol';
import { EvaluationSplits } from './batches/evaluation.js';
import { evaluationSequences, trainBatches, type TrainMicrobatch } from './batches/plan.js';
import type { Measures, Reader } from './task.js';
import { tasks } from './tasks.js';

/** What of a model decides how its samples look. */
function readerOf(model: ModelConfig): Reader {
  const { architecture, context } = model;
  return {
    kind: kindOf(architecture),
    texts: pairedTextsOf(architecture),
    context,
    windows: windowsOf(model),
  };
}

/** The task of a job on its data: which microbatch a step and a number mean, and how the result is judged. */
export interface BoundTask {
  /** Name in job files and manifests. */
  readonly name: string;
  readonly head: HeadKind;
  /** Labels in the order of their ids; null when nothing is labelled. */
  readonly labels: string[] | null;
  /** Optimizer steps of one pass over the train split. */
  readonly stepsPerEpoch: number;
  /** One microbatch of one step; null when the epoch has no sample left for it. */
  trainMicrobatch(step: number, microbatch: number): TrainMicrobatch | null;
  /** Microbatches that an evaluation on this split has; 0 when the split is empty. */
  evaluationMicrobatches(split: DataSplit): number;
  evaluationMicrobatch(split: DataSplit, microbatch: number): Batch;
  /** What evaluations during the run find; the metric that may stop it among them. */
  readonly measures: Measures;
  /**
   * Every metric of a model on a split; none when the split is empty.
   * @param breathe Awaited between microbatches, to let other work in.
   */
  judge(
    model: Model,
    split: DataSplit,
    breathe: () => Promise<void>,
  ): Promise<Record<string, number>>;
}

/**
 * Binds the task of a job to its data.
 * @param model What the job trains; its context is its longest sequence, in tokens.
 * @throws DATA_SPLIT_EMPTY, DATA_LABELS_MISSING
 */
export function bindTask(spec: JobSpec, dataset: Dataset, model: ModelConfig): BoundTask {
  const task = tasks[taskIn(spec)];
  const reader = readerOf(model);
  const batch = { ...spec.batch, ...reader, seed: spec.seed };
  const train = trainBatches(task, dataset, batch);
  const splits = new EvaluationSplits(task, dataset, batch);
  const labels = task.labels(dataset.manifest);
  const measures = (metric: string | null) =>
    task.measures({
      labels: labels ?? [],
      sequences: evaluationSequences(spec.batch),
      metric,
    });
  return {
    name: task.name,
    head: task.head,
    labels,
    stepsPerEpoch: train.stepsPerEpoch,
    trainMicrobatch: (step, microbatch) => train.microbatch(step, microbatch),
    evaluationMicrobatches: (split) => splits.count(split),
    evaluationMicrobatch: (split, microbatch) => splits.microbatch(split, microbatch),
    measures: measures(spec.earlyStopping?.metric ?? 'loss'),
    async judge(model, split, breathe) {
      const all = measures(null);
      const parts: Float64Array[] = [];
      for (let index = 0; index < splits.count(split); index++) {
        await breathe();
        parts.push(all.measure(model, splits.microbatch(split, index)));
      }
      const found = all.metrics(parts);
      return found === null ? {} : { ...found, ...task.baselines?.(dataset.manifest) };
    },
  };
}
