import type { Task } from './tasks.js';

/** Where a task may be done. */
export type TaskPlace = 'here' | 'anywhere';

/**
 * Says when and where tasks of a preparation are done. A preparation asks for a lease for each task, holds it while its own
 * threads do the task, and gives it back; or somebody else has done the task meanwhile.
 */
export interface Leases {
  /** Leases that a preparation may ask for at a time, so that those who do the tasks never wait for it. */
  readonly ahead: number;
  /** Resolves when a task may be done here, or was done elsewhere. */
  take(task: Task, place: TaskPlace): Promise<Lease | ForeignAnswer>;
}

export interface Lease {
  giveBack(): void;
}

/** An answer that a worker has sent. Nothing is known of it yet. */
export interface ForeignAnswer {
  /** Id of the worker. */
  readonly worker: string;
  /** File that holds it, on the disk of the store. It belongs to whoever is given this. */
  readonly path: string;
  /** It is taken for the answer. */
  accept(): void;
  /** It is none. @param reason In words. */
  refuse(reason: string): void;
  /** It is one that nobody else would give: nothing of this worker is to be believed. */
  distrust(): void;
}

/** Leases of a preparation that has all threads to itself. */
export class OwnLeases implements Leases {
  readonly ahead: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param threads Tasks that are done at a time. */
  constructor(threads: number) {
    this.#free = threads;
    this.ahead = 2 * threads;
  }

  take(): Promise<Lease> {
    const lease = {
      giveBack: () => {
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(lease);
    }
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        resolve(lease);
      });
    });
  }
}
