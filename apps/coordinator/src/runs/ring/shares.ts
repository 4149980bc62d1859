import type { StepReport } from '@ringmaster/protocol';
import type { Run } from '../run.js';

/** Weight of the newest step in the smoothed figures: about the last ten count. */
const NEWEST = 0.2;

/** Part of a step's time that new shares must save to be worth a planned change. */
const WORTHWHILE = 0.15;

/**
 * Deals microbatches 0 … M−1 to ranks in contiguous blocks, so that the rank that takes longest is done as early as
 * can be. Every rank gets one where there are enough.
 * @param seconds Time that each rank needs for a microbatch; equal ones give blocks whose sizes differ by one at most,
 * the longer blocks first.
 * @returns The microbatches of each rank: a partition.
 */
export function dealShares(microbatches: number, seconds: readonly number[]): number[][] {
  const sizes: number[] = seconds.map((_, rank) => (rank < microbatches ? 1 : 0));
  for (let left = microbatches - seconds.length; left > 0; left--) {
    let soonest = 0;
    seconds.forEach((each, rank) => {
      const done = ((sizes[rank] ?? 0) + 1) * each;
      if (done < ((sizes[soonest] ?? 0) + 1) * (seconds[soonest] ?? 0)) soonest = rank;
    });
    sizes[soonest] = (sizes[soonest] ?? 0) + 1;
  }
  return blocks(sizes);
}

/** Deals microbatches like `dealShares`, with none for ranks that still take the state over. */
export function dealAmong(
  microbatches: number,
  seconds: readonly number[],
  takesPart: (rank: number) => boolean,
): number[][] {
  const shares = dealShares(
    microbatches,
    seconds.filter((_, rank) => takesPart(rank)),
  );
  let next = 0;
  return seconds.map((_, rank) => (takesPart(rank) ? (shares[next++] ?? []) : []));
}

/** Whether other shares would shorten a step of `stepSeconds` enough to be worth a change. */
export function isWorthwhile(
  present: readonly (readonly number[])[],
  better: readonly (readonly number[])[],
  seconds: readonly number[],
  stepSeconds: number,
): boolean {
  return longest(present, seconds) - longest(better, seconds) >= WORTHWHILE * stepSeconds;
}

function longest(shares: readonly (readonly number[])[], seconds: readonly number[]): number {
  return Math.max(...shares.map((share, rank) => share.length * (seconds[rank] ?? 0)));
}

function blocks(sizes: readonly number[]): number[][] {
  let next = 0;
  return sizes.map((size) => Array.from({ length: size }, () => next++));
}

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

/** Seconds a microbatch of each of these trainers. A trainer without measurements gets the median of the others. */
export function speedsOf(run: Run, trainers: readonly string[]): number[] {
  const known = trainers.map((id) => run.observed.trainers[id]?.microbatchSeconds ?? null);
  const measured = known.filter((seconds) => seconds !== null).sort((a, b) => a - b);
  const median = measured[measured.length >> 1] ?? 1;
  return known.map((seconds) => Math.max(seconds ?? median, 1e-9));
}

function smooth(before: number | null, newest: number): number {
  return before === null ? newest : before + NEWEST * (newest - before);
}
