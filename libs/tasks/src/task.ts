import type { TrainMicrobatch } from '@ringmaster/data';
import type { HeadKind, MicrobatchInput, Model } from '@ringmaster/model';
import type { DataSplit } from '@ringmaster/protocol';

/**
 * What a model is trained for: which microbatch a step and a number mean, and how the result is judged. Everything is
 * a pure function of the prepared data, the specification and the arguments.
 */
export interface Task {
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
  evaluationMicrobatch(split: DataSplit, microbatch: number): MicrobatchInput;
  /**
   * Metrics of a model on a split; empty when the split is.
   * @param breathe Awaited between microbatches, to let other work in.
   */
  judge(
    model: Model,
    split: DataSplit,
    breathe: () => Promise<void>,
  ): Promise<Record<string, number>>;
}
