import type { Interruption } from '@ringmaster/protocol';
import type { Command } from '@ringmaster/worker/membership';
import type { Process } from './process.js';
import type { Ring, RingError, Waiting } from './ring.js';
import type { State } from './state.js';

/** One rank's part in one generation. */
export class Session {
  readonly generation: number;
  readonly rank: number;
  readonly ring: Ring;
  readonly #process: Process;
  start: Command<'start'> | null = null;
  firstStep: number | null = null;
  /** The state that others may take from here. */
  offer: State | null = null;
  ended = false;
  #doing: { readonly what: Interruption['doing']; readonly since: number } | null = null;

  constructor(
    process: Process,
    { generation, rank }: { generation: number; rank: number },
    ring: Ring,
  ) {
    this.#process = process;
    this.generation = generation;
    this.rank = rank;
    this.ring = ring;
  }

  does(what: Interruption['doing'] | null): void {
    this.#doing = what === null ? null : { what, since: this.#process.cluster.world.now };
  }

  interruption(): Interruption | null {
    if (this.#doing === null) return null;
    const { what, since } = this.#doing;
    return {
      ...{ generation: this.generation, step: this.#process.state?.step ?? 0, attempt: 1 },
      doing: what,
      waitsFor: this.ring.waitsFor(this.rank),
      seconds: (this.#process.cluster.world.now - since) / 1000,
    };
  }

  /** Waits in the ring; what comes after the session's end is of no interest. */
  waiting<T>(resolve: (value: T) => void, reject: (error: RingError) => void): Waiting<T> {
    return {
      later: (delayMs, work) => {
        this.#process.later(delayMs, work);
      },
      resolve: (value) => {
        if (!this.ended) resolve(value);
      },
      reject: (error) => {
        if (!this.ended) reject(error);
      },
    };
  }

  close(how: 'closed' | 'broken'): void {
    this.ended = true;
    this.offer = null;
    this.ring.leave(this.rank, how);
  }
}
