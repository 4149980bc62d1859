/**
 * Says when tasks of a preparation may be done by its own threads. A preparation asks for a lease for each task, holds it
 * while the task is being done, and gives it back.
 */
export interface Leases {
  /** Leases that a preparation may ask for at a time, so that those who do the tasks never wait for it. */
  readonly ahead: number;
  /** Resolves when a task may be done. */
  take(): Promise<Lease>;
}

export interface Lease {
  giveBack(): void;
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
