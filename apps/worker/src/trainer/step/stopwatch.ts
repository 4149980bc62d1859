import type { Phases } from '@ringmaster/protocol';

/** Sums the seconds that a step spends in each phase. */
export class Stopwatch {
  readonly #started = performance.now();
  readonly #seconds: Phases = { compute: 0, quantise: 0, send: 0, wait: 0, update: 0 };

  /** When the stopwatch was made: milliseconds since 1970. */
  get startedAt(): number {
    return performance.timeOrigin + this.#started;
  }

  timeSync<T>(phase: keyof Phases, work: () => T): T {
    const started = performance.now();
    try {
      return work();
    } finally {
      this.#seconds[phase] += (performance.now() - started) / 1000;
    }
  }

  async time<T>(phase: keyof Phases, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#seconds[phase] += (performance.now() - started) / 1000;
    }
  }

  /** Gives seconds that were counted as one phase to another, which they were a part of. */
  move(from: keyof Phases, to: keyof Phases, seconds: number): void {
    this.#seconds[from] -= seconds;
    this.#seconds[to] += seconds;
  }

  /** Seconds by phase so far. Quantising runs inside of compute, as gradients appear, and is taken out of it. */
  phases(): Phases {
    return { ...this.#seconds, compute: this.#seconds.compute - this.#seconds.quantise };
  }

  /** Seconds since the stopwatch was made. */
  total(): number {
    return (performance.now() - this.#started) / 1000;
  }
}
