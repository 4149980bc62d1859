import type { Demand, Device, Offer } from './demand.js';

/** The slots of all workers while a plan is made: each is given out once. */
export class Slots {
  readonly #offers: readonly Offer[];
  readonly #free: Map<string, number>;
  readonly #freeing: Map<string, number>;
  readonly #reserved = new Set<string>();

  constructor(offers: readonly Offer[], demands: readonly Demand[]) {
    const kept = new Map<string, number>();
    for (const { held } of demands)
      for (const { worker } of held) kept.set(worker, at(kept, worker) + 1);
    this.#offers = offers;
    this.#free = new Map(offers.map(({ worker, free }) => [worker, free]));
    this.#freeing = new Map(
      offers.map(({ worker, slots, free }) => [
        worker,
        Math.max(0, slots - free - at(kept, worker)),
      ]),
    );
  }

  /** Workers that a job could use if all their slots were free. */
  suited({ threads, excluded }: Demand, device: Device): Offer[] {
    return this.#offers.filter(
      (offer) =>
        offer.device === device && offer.threads >= threads && !excluded.includes(offer.worker),
    );
  }

  /** Suited workers that no job before has reserved, of the fewest threads first: other jobs need more. */
  usable(demand: Demand, device: Device): Offer[] {
    return this.suited(demand, device)
      .filter(({ worker }) => !this.#reserved.has(worker))
      .sort((a, b) => a.threads - b.threads);
  }

  free(workers: readonly Offer[]): number {
    return sum(workers, this.#free);
  }

  freeing(workers: readonly Offer[]): number {
    return sum(workers, this.#freeing);
  }

  /** Takes up to `count` free slots, spread over workers of equal threads; returns the worker of each. */
  take(workers: readonly Offer[], count: number): string[] {
    const taken: string[] = [];
    while (taken.length < count) {
      const [emptiest] = workers
        .filter(({ worker }) => at(this.#free, worker) > 0)
        .sort(
          (a, b) =>
            a.threads - b.threads ||
            at(this.#free, b.worker) - at(this.#free, a.worker) ||
            (a.worker < b.worker ? -1 : 1),
        );
      if (emptiest === undefined) break;
      this.#free.set(emptiest.worker, at(this.#free, emptiest.worker) - 1);
      taken.push(emptiest.worker);
    }
    return taken;
  }

  /** Sets up to `count` slots that are being freed aside. */
  await(workers: readonly Offer[], count: number): void {
    let left = count;
    for (const { worker } of workers) {
      const here = Math.min(left, at(this.#freeing, worker));
      this.#freeing.set(worker, at(this.#freeing, worker) - here);
      left -= here;
    }
  }

  /** A trainer has been asked to give its slot up. */
  vacate(worker: string): void {
    this.#freeing.set(worker, at(this.#freeing, worker) + 1);
  }

  /** Keeps whole workers from everyone after. */
  reserve(workers: readonly Offer[]): void {
    for (const { worker } of workers) this.#reserved.add(worker);
  }
}

function at(counts: ReadonlyMap<string, number>, worker: string): number {
  return counts.get(worker) ?? 0;
}

function sum(workers: readonly Offer[], counts: ReadonlyMap<string, number>): number {
  return workers.reduce((total, { worker }) => total + at(counts, worker), 0);
}
