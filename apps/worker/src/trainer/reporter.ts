import type { EvaluationReport, StepReport, TrainerMessage } from '@ringmaster/protocol';
import type { RingSession } from './ports.js';

/** Shortest time between two progress messages. */
const INTERVAL_MS = 500;

/** Gathers what a rank reports of its steps into few messages. */
export class Reporter {
  readonly #send: (message: TrainerMessage) => void;
  readonly #generation: number;
  readonly #rank: number;
  readonly #now: () => number;
  #steps: StepReport[] = [];
  #evaluations: EvaluationReport[] = [];
  /** The first step is sent at once: it tells that the generation is under way. */
  #sentAt = -Infinity;

  constructor(
    send: (message: TrainerMessage) => void,
    { generation, rank }: Pick<RingSession, 'generation' | 'rank'>,
    now: () => number,
  ) {
    this.#send = send;
    this.#generation = generation;
    this.#rank = rank;
    this.#now = now;
  }

  step(report: StepReport): void {
    this.#steps.push(report);
    if (this.#now() - this.#sentAt >= INTERVAL_MS) this.flush();
  }

  evaluation(report: EvaluationReport): void {
    this.#evaluations.push(report);
  }

  /** Sends what has not been sent. */
  flush(): void {
    if (this.#steps.length === 0 && this.#evaluations.length === 0) return;
    this.#send({
      type: 'progress',
      generation: this.#generation,
      rank: this.#rank,
      steps: this.#steps,
      evaluations: this.#evaluations,
    });
    this.#steps = [];
    this.#evaluations = [];
    this.#sentAt = this.#now();
  }
}
