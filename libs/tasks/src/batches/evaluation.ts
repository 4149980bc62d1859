import type { Dataset } from '@ringmaster/data';
import type { Batch } from '@ringmaster/model';
import type { DataSplit } from '@ringmaster/protocol';
import type { Task } from '../task.js';
import { evaluationBatches, type BatchSpec, type EvaluationBatches } from './plan.js';

/** The microbatches that a task evaluates on, by split; an empty split has none. */
export class EvaluationSplits {
  readonly #splits: Readonly<Record<DataSplit, EvaluationBatches | null>>;
  readonly #most: number;

  constructor(task: Task, dataset: Dataset, spec: BatchSpec) {
    const open = (split: DataSplit) =>
      dataset.manifest.splits[split].documents === 0
        ? null
        : evaluationBatches(task, dataset, split, spec);
    this.#splits = { train: open('train'), validation: open('validation'), test: open('test') };
    this.#most = task.evaluationMicrobatches;
  }

  count(split: DataSplit): number {
    return Math.min(this.#most, this.#splits[split]?.microbatches ?? 0);
  }

  microbatch(split: DataSplit, index: number): Batch {
    const batches = this.#splits[split];
    if (batches === null) throw new Error(`the ${split} split is empty`);
    return batches.microbatch(Math.floor((index * batches.microbatches) / this.count(split)));
  }
}
