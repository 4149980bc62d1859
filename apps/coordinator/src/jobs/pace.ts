import type { StepReport } from '@ringmaster/protocol';

const STEPS_SEEN = 20;

/** How fast a job runs: medians over its newest steps, so that a checkpoint or an evaluation does not show. */
export class Pace {
  #recent: StepReport[] = [];

  add(reports: readonly StepReport[]): void {
    this.#recent = [...this.#recent, ...reports].slice(-STEPS_SEEN);
  }

  get tokensPerSecond(): number | null {
    return median(this.#recent.map(({ tokens, seconds }) => tokens / Math.max(seconds, 1e-9)));
  }

  get secondsPerStep(): number | null {
    return median(this.#recent.map(({ seconds }) => seconds));
  }
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle] ?? upper;
  return (lower + upper) / 2;
}
