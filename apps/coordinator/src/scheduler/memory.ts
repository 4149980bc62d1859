import type { Offer } from './demand.js';

/** The most memory that a trainer could have anywhere, in bytes; null where no worker is here, or one does not tell. */
export function largestMemory(offers: readonly Offer[]): number | null {
  if (offers.length === 0) return null;
  const largest = Math.max(...offers.map(({ memory }) => memory?.bytes ?? Infinity));
  return largest === Infinity ? null : largest;
}

/** What is left of the memory of each pool while a plan is made. What is being freed counts as free. */
export class MemoryPools {
  readonly #left = new Map<string, number>();

  constructor(offers: readonly Offer[]) {
    for (const { memory } of offers)
      if (memory !== null)
        this.#left.set(memory.pool, Math.max(memory.bytes, this.#left.get(memory.pool) ?? 0));
  }

  left({ memory }: Pick<Offer, 'memory'>): number {
    return memory === null ? Infinity : (this.#left.get(memory.pool) ?? 0);
  }

  /** Takes bytes of a worker's pool, or gives them back where they are negative. */
  take({ memory }: Pick<Offer, 'memory'>, bytes: number): void {
    if (memory !== null) this.#left.set(memory.pool, this.left({ memory }) - bytes);
  }

  /**
   * How many of these workers' slots can hold a trainer at once.
   * @param slots How many a worker has.
   * @param bytes What a trainer takes.
   * @param more What is left of each pool beside what `left` says.
   */
  holding(
    workers: readonly Offer[],
    slots: (worker: string) => number,
    bytes: number,
    more: ReadonlyMap<string, number> = new Map(),
  ): number {
    let count = 0;
    const wanted = new Map<string, { slots: number; left: number }>();
    for (const offer of workers) {
      const { worker, memory } = offer;
      if (memory === null || bytes === 0) count += slots(worker);
      else {
        const left = this.left(offer) + (more.get(memory.pool) ?? 0);
        const pool = wanted.get(memory.pool) ?? { slots: 0, left };
        wanted.set(memory.pool, { ...pool, slots: pool.slots + slots(worker) });
      }
    }
    for (const { slots, left } of wanted.values())
      count += Math.min(slots, Math.max(0, Math.floor(left / bytes)));
    return count;
  }
}
