import type { Counters } from '@ringmaster/model';
import type { Better, JobSpec } from '@ringmaster/protocol';
import type { Metrics } from '@ringmaster/tasks';

/** Without early stopping the best loss is still kept in the state. */
const NEVER = { metric: 'loss', patience: Infinity, minimumDelta: 0 } as const;

/**
 * What an evaluation makes of a state's counters. A pure function of numbers that are equal on every rank, so all of
 * them stop after the same one.
 * @param metrics What it found; null when there was nothing to count.
 * @param better Which values of each metric are better.
 * @returns Also whether it was the best evaluation so far.
 */
export function afterEvaluation(
  counters: Counters,
  metrics: Metrics | null,
  better: Readonly<Record<string, Better>>,
  { metric, patience, minimumDelta }: NonNullable<JobSpec['earlyStopping']> = NEVER,
): { readonly counters: Counters; readonly improved: boolean } {
  const evaluations = counters.evaluations + 1;
  const value = metrics?.[metric];
  if (value === undefined) return { counters: { ...counters, evaluations }, improved: false };
  const { best, step } = counters;
  const gain =
    best === null ? Infinity : (value - best.metric) * (better[metric] === 'lower' ? -1 : 1);
  if (gain > minimumDelta) {
    const found = { best: { metric: value, step }, evaluationsSinceBest: 0 };
    return { counters: { ...counters, evaluations, ...found }, improved: true };
  }
  const evaluationsSinceBest = counters.evaluationsSinceBest + 1;
  const stopped = evaluationsSinceBest >= patience;
  return {
    counters: { ...counters, evaluations, evaluationsSinceBest, stopped },
    improved: false,
  };
}

/**
 * Evaluations that a run has made when it goes on from `step`: one every `every` steps and one at the end. Together
 * with their number in the state it tells whether one is due.
 */
export function evaluationsBy(step: number, steps: number, every: number): number {
  const last = step >= steps && step % every !== 0 ? 1 : 0;
  return Math.floor(step / every) + last;
}
