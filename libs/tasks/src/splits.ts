import {
  evaluationBatches,
  type BatchSpec,
  type Dataset,
  type EvaluationBatches,
} from '@ringmaster/data';
import type { MicrobatchInput } from '@ringmaster/model';
import type { DataSplit } from '@ringmaster/protocol';

/** The microbatches that a task evaluates on, by split; an empty split has none. */
export class EvaluationSplits {
  readonly #splits: Readonly<Record<DataSplit, EvaluationBatches | null>>;
  readonly #most: number;

  /** @param most Microbatches of a split that are looked at, evenly spread over it. */
  constructor(dataset: Dataset, spec: BatchSpec, most: number) {
    const open = (split: DataSplit) =>
      dataset.manifest.splits[split].documents === 0
        ? null
        : evaluationBatches(dataset, split, spec);
    this.#splits = { train: open('train'), validation: open('validation'), test: open('test') };
    this.#most = most;
  }

  count(split: DataSplit): number {
    return Math.min(this.#most, this.#splits[split]?.microbatches ?? 0);
  }

  microbatch(split: DataSplit, index: number): MicrobatchInput {
    const batches = this.#splits[split];
    if (batches === null) throw new Error(`the ${split} split is empty`);
    return batches.microbatch(Math.floor((index * batches.microbatches) / this.count(split)));
  }

  /** Every microbatch of a split, in order. */
  *all(split: DataSplit): Generator<MicrobatchInput> {
    for (let index = 0; index < this.count(split); index++) yield this.microbatch(split, index);
  }
}
