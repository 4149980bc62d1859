import type { Demand, Device, Held, Offer } from './demand.js';
import { MemoryPools } from './memory.js';

type Wanting = Pick<Demand, 'memory'>;

/** Trainers that a job would give up, each of which takes so many bytes. */
export interface Given {
  readonly trainers: readonly Held[];
  readonly memory: number;
}

/** The slots of all workers, and their memory, while a plan is made: each is given out once. */
export class Slots {
  readonly #offers: readonly Offer[];
  readonly #byWorker: ReadonlyMap<string, Offer>;
  readonly #free: Map<string, number>;
  readonly #freeing: Map<string, number>;
  readonly #reserved = new Set<string>();
  readonly #memory: MemoryPools;

  constructor(offers: readonly Offer[], demands: readonly Demand[]) {
    this.#offers = offers;
    this.#byWorker = new Map(offers.map((offer) => [offer.worker, offer]));
    this.#memory = new MemoryPools(offers);
    const kept = new Map<string, number>();
    for (const { held, memory } of demands)
      for (const { worker } of held) {
        kept.set(worker, at(kept, worker) + 1);
        this.#takeMemory(worker, memory);
      }
    this.#free = new Map(offers.map(({ worker, free }) => [worker, free]));
    this.#freeing = new Map(
      offers.map(({ worker, slots, free }) => [
        worker,
        Math.max(0, slots - free - at(kept, worker)),
      ]),
    );
  }

  /** Workers that a job could use if all their slots were free. */
  suited({ threads, memory, excluded }: Demand, device: Device): Offer[] {
    return this.#offers.filter(
      (offer) =>
        offer.device === device &&
        offer.threads >= threads &&
        (offer.memory === null || offer.memory.bytes >= memory) &&
        !excluded.includes(offer.worker),
    );
  }

  /** Suited workers that no job before has reserved, of the fewest threads first: other jobs need more. */
  usable(demand: Demand, device: Device): Offer[] {
    return this.suited(demand, device)
      .filter(({ worker }) => !this.#reserved.has(worker))
      .sort((a, b) => a.threads - b.threads);
  }

  /** Trainers of a job that these workers could hold if nobody else were there. */
  room(workers: readonly Offer[], { memory }: Wanting): number {
    const slots = new Map(workers.map((offer) => [offer.worker, offer.slots]));
    return new MemoryPools(workers).holding(workers, (worker) => at(slots, worker), memory);
  }

  /** Trainers of a job that free slots can hold. */
  free(workers: readonly Offer[], { memory }: Wanting): number {
    return this.#memory.holding(workers, (worker) => at(this.#free, worker), memory);
  }

  /**
   * Trainers of a job that free slots can hold once those that are being freed are free as well.
   * @param given What jobs would give up besides.
   */
  later(workers: readonly Offer[], { memory }: Wanting, given: readonly Given[] = []): number {
    const slots = new Map<string, number>();
    const bytes = new Map<string, number>();
    for (const { trainers, memory } of given)
      for (const { worker } of trainers) {
        slots.set(worker, at(slots, worker) + 1);
        const { pool } = this.#byWorker.get(worker)?.memory ?? {};
        if (pool !== undefined) bytes.set(pool, at(bytes, pool) + memory);
      }
    return this.#memory.holding(
      workers,
      (worker) => at(this.#free, worker) + at(this.#freeing, worker) + at(slots, worker),
      memory,
      bytes,
    );
  }

  /** Takes up to `count` free slots, spread over workers of equal threads; returns the worker of each. */
  take(workers: readonly Offer[], count: number, { memory }: Wanting): string[] {
    const taken: string[] = [];
    while (taken.length < count) {
      const [emptiest] = workers
        .filter((offer) => at(this.#free, offer.worker) > 0 && this.#memory.left(offer) >= memory)
        .sort(
          (a, b) =>
            a.threads - b.threads ||
            at(this.#free, b.worker) - at(this.#free, a.worker) ||
            (a.worker < b.worker ? -1 : 1),
        );
      if (emptiest === undefined) break;
      this.#free.set(emptiest.worker, at(this.#free, emptiest.worker) - 1);
      this.#takeMemory(emptiest.worker, memory);
      taken.push(emptiest.worker);
    }
    return taken;
  }

  /** Sets up to `count` slots that are being freed aside. */
  await(workers: readonly Offer[], count: number, { memory }: Wanting): void {
    let left = count;
    for (const offer of workers) {
      const { worker } = offer;
      while (left > 0 && at(this.#freeing, worker) > 0 && this.#memory.left(offer) >= memory) {
        this.#freeing.set(worker, at(this.#freeing, worker) - 1);
        this.#takeMemory(worker, memory);
        left--;
      }
    }
  }

  /** Trainers have been asked to give their slots up. */
  vacate({ trainers, memory }: Given): void {
    for (const { worker } of trainers) {
      this.#freeing.set(worker, at(this.#freeing, worker) + 1);
      this.#takeMemory(worker, -memory);
    }
  }

  /** Keeps whole workers from everyone after. */
  reserve(workers: readonly Offer[]): void {
    for (const { worker } of workers) this.#reserved.add(worker);
  }

  #takeMemory(worker: string, bytes: number): void {
    const offer = this.#byWorker.get(worker);
    if (offer !== undefined) this.#memory.take(offer, bytes);
  }
}

function at(counts: ReadonlyMap<string, number>, key: string): number {
  return counts.get(key) ?? 0;
}
