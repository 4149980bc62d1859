import type { Device } from '@ringmaster/tensorflow';
import { TrainerProcess } from './trainer-process.js';

export interface WarmTrainersOptions {
  /** Path of the trainer's program. */
  readonly program: string;
  /** Devices, one for each slot. */
  readonly devices: readonly Device[];
  /** One has died while it waited. */
  readonly onDeath: (signal: NodeJS.Signals | null) => void;
}

interface Waiting {
  readonly process: TrainerProcess;
  readonly threads: number;
  /** Whether the trainer was given a run, or ended because nobody wanted it. */
  isDone: boolean;
}

/**
 * Trainer processes that have loaded TensorFlow and wait for a run, at most one for a slot, so that a run need not wait
 * for them. Each has nothing of a run: it is new, or has freed everything of those before.
 */
export class WarmTrainers {
  readonly #options: WarmTrainersOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** Threads that the last run had: TensorFlow reads them as it loads. */
  #threads = 1;

  constructor(options: WarmTrainersOptions) {
    this.#options = options;
  }

  /** Starts a process for the next run of a slot, unless one waits. */
  start(slot: number): void {
    if (!this.#waiting.has(slot)) this.keep(slot, this.#fork(slot, this.#threads), this.#threads);
  }

  /** Has a process, which has no run, wait for the next one of its slot. One that dies while it waits is forgotten. */
  keep(slot: number, process: TrainerProcess, threads: number): void {
    const waiting: Waiting = { process, threads, isDone: false };
    this.#waiting.set(slot, waiting);
    void process.exited.then(({ signal }) => {
      if (this.#waiting.get(slot) === waiting) this.#waiting.delete(slot);
      if (!waiting.isDone) this.#options.onDeath(signal);
    });
  }

  /** A process for a run of a slot: the one that waits, or a new one where none does or it has other threads. */
  take(slot: number, threads: number): TrainerProcess {
    this.#threads = threads;
    const waiting = this.#waiting.get(slot);
    this.#waiting.delete(slot);
    if (waiting?.process.isAlive === true) {
      waiting.isDone = true;
      if (waiting.threads === threads) return waiting.process;
      waiting.process.kill();
    }
    return this.#fork(slot, threads);
  }

  /** Ends those that wait. */
  async endAll(): Promise<void> {
    const all = [...this.#waiting.values()];
    for (const waiting of all) {
      waiting.isDone = true;
      waiting.process.kill();
    }
    await Promise.all(all.map(({ process }) => process.exited));
  }

  #fork(slot: number, threads: number): TrainerProcess {
    const { program, devices } = this.#options;
    return new TrainerProcess({ program, threads, device: devices[slot] ?? { kind: 'cpu' } });
  }
}
