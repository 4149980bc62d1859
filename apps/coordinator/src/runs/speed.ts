import type { StepReport } from '@ringmaster/protocol';
import type { Run } from './run.js';

/** Weight of the newest step in the smoothed figures: about the last ten count. */
const NEWEST = 0.2;

/** The run with what one rank reports of its steps taken into account. */
export function withSpeed(run: Run, trainer: string, reports: readonly StepReport[]): Run {
  const { observed } = run;
  let { slowestStep, stepSeconds } = observed;
  let microbatchSeconds = observed.trainers[trainer]?.microbatchSeconds ?? null;
  for (const { seconds, phases, microbatches, attempts } of reports) {
    slowestStep = Math.max(slowestStep, seconds);
    stepSeconds = smooth(stepSeconds, seconds);
    if (microbatches === 0) continue;
    const each = (phases.compute + phases.quantise) / (microbatches * attempts);
    microbatchSeconds = smooth(microbatchSeconds, each);
  }
  const heard = observed.trainers[trainer]?.heard ?? 0;
  const trainers = { ...observed.trainers, [trainer]: { heard, microbatchSeconds } };
  return { ...run, observed: { ...observed, slowestStep, stepSeconds, trainers } };
}

/** Seconds that a microbatch takes each of these trainers. Who is not known yet is taken to be like the middle one of the others. */
export function speedsOf(run: Run, trainers: readonly string[]): number[] {
  const known = trainers.map((id) => run.observed.trainers[id]?.microbatchSeconds ?? null);
  const measured = known.filter((seconds) => seconds !== null).sort((a, b) => a - b);
  const middle = measured[measured.length >> 1] ?? 1;
  return known.map((seconds) => Math.max(seconds ?? middle, 1e-9));
}

function smooth(before: number | null, newest: number): number {
  return before === null ? newest : before + NEWEST * (newest - before);
}
