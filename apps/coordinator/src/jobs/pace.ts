import type { JobView, ProfileView, StepReport } from '@ringmaster/protocol';

/** Medians are taken over so many steps. */
const STEPS_SEEN = 20;
/** A profile has so many. */
const STEPS_KEPT = 100;

/** How fast a job runs: medians over its newest steps, so that a checkpoint or an evaluation does not show. */
export class Pace {
  #recent: StepReport[] = [];
  #generation = 0;
  readonly #ranks = new Map<number, { readonly worker: string; readonly recent: StepReport[] }>();

  /** Takes what one rank of a generation reports. Only rank 0's makes the pace of the job. */
  add(generation: number, rank: number, worker: string, reports: readonly StepReport[]): void {
    if (rank === 0) this.#recent = [...this.#recent, ...reports].slice(-STEPS_SEEN);
    if (generation < this.#generation) return;
    if (generation > this.#generation) this.#ranks.clear();
    this.#generation = generation;
    const before = this.#ranks.get(rank)?.recent ?? [];
    this.#ranks.set(rank, { worker, recent: [...before, ...reports].slice(-STEPS_KEPT) });
  }

  get tokensPerSecond(): number | null {
    return median(this.#recent.map(({ tokens, seconds }) => tokens / Math.max(seconds, 1e-9)));
  }

  get secondsPerStep(): number | null {
    return median(this.#recent.map(({ seconds }) => seconds));
  }

  /** What each rank of the newest generation does in a step. */
  get ranks(): JobView['ranks'] {
    return this.#byRank.map(([rank, { worker, recent }]) => {
      const seen = recent.slice(-STEPS_SEEN);
      const middle = (of: (report: StepReport) => number) => median(seen.map(of)) ?? 0;
      return {
        rank,
        worker,
        microbatches: seen.at(-1)?.microbatches ?? 0,
        phases: {
          compute: middle(({ phases }) => phases.compute),
          quantise: middle(({ phases }) => phases.quantise),
          send: middle(({ phases }) => phases.send),
          wait: middle(({ phases }) => phases.wait),
          update: middle(({ phases }) => phases.update),
        },
        link: seen.at(-1)?.link ?? null,
      };
    });
  }

  /** The newest steps of each rank of the newest generation. */
  get profile(): Omit<ProfileView, 'job'> {
    const ranks = this.#byRank.map(([rank, { worker, recent }]) => ({
      rank,
      worker,
      steps: recent.map(({ step, startedAt, seconds, phases, attempts, microbatches }) => ({
        step,
        startedAt,
        seconds,
        phases,
        attempts,
        microbatches,
      })),
    }));
    return { generation: this.#generation, ranks };
  }

  get #byRank() {
    return [...this.#ranks].sort(([a], [b]) => a - b);
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
