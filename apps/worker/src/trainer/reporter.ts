import type { EvaluationReport, StepReport, TrainerMessage } from '@ringmaster/protocol';

/** Shortest time between two progress messages. */
const INTERVAL_MS = 500;

/** Gathers what a rank reports of its steps into few messages. */
export class Reporter {
  readonly #send: (message: TrainerMessage) => void;
  readonly #generation: number;
  readonly #rank: number;
  #steps: StepReport[] = [];
  #evaluations: EvaluationReport[] = [];
  /** The first step is sent at once: it tells that the generation is under way. */
  #sentAt = -Infinity;

  constructor(send: (message: TrainerMessage) => void, generation: number, rank: number) {
    this.#send = send;
    this.#generation = generation;
    this.#rank = rank;
  }

  step(report: StepReport): void {
    this.#steps.push(report);
    if (performance.now() - this.#sentAt >= INTERVAL_MS) this.flush();
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
    this.#sentAt = performance.now();
  }
}
