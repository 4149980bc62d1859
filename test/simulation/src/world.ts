import { Dice } from './dice.js';

interface Appointment {
  readonly at: number;
  readonly number: number;
  readonly work: () => void;
}

/** Simulated time: everything that happens is an appointment, and the earliest comes first. */
export class World {
  readonly dice: Dice;
  /** Milliseconds. */
  now = 0;
  /** What happened, if it is recorded. */
  readonly story: string[] = [];
  readonly #records: boolean;
  readonly #heap: Appointment[] = [];
  #appointments = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(seed: number, records: boolean) {
    this.dice = new Dice(seed);
    this.#records = records;
  }

  after(delayMs: number, work: () => void): void {
    const heap = this.#heap;
    const entry = { at: this.now + delayMs, number: this.#appointments++, work };
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /**
   * Runs until `done`, or until nothing is left to happen before `until`. What is awaited goes on within the appointment
   * that it was awaited for.
   * @throws the first error that `fail` was called with
   */
  async run(done: () => boolean, until: number): Promise<void> {
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) return;
      this.#removeFirst();
      this.now = next.at;
      next.work();
      await settled();
      if (this.#failure !== null) throw this.#failure.error;
    }
  }

  /** Ends the play with an error, wherever it was found. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  tell(what: () => string): void {
    if (this.#records) this.story.push(`${(this.now / 1000).toFixed(3)} ${what()}`);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const [child, index] = b !== undefined && isBefore(b, a) ? [b, left + 1] : [a, left];
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = index;
    }
    heap[at] = last;
  }
}

/** Resolves when nothing can go on without another appointment. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    // Node runs these when every promise that is resolved has been followed up.
    process.nextTick(resolve);
  });
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}

/** One direction of a connection: messages arrive in the order in which they were sent, some time later. */
export class Link {
  readonly #world: World;
  #lastArrival = 0;
  #cuts = 0;

  constructor(world: World) {
    this.#world = world;
  }

  send(deliver: () => void): void {
    const { dice, now } = this.#world;
    const delay = dice.chance(0.05) ? dice.between(50, 2000) : dice.between(0.2, 10);
    this.#lastArrival = Math.max(this.#lastArrival, now + delay);
    const cuts = this.#cuts;
    this.#world.after(this.#lastArrival - now, () => {
      if (cuts === this.#cuts) deliver();
    });
  }

  /** Loses what is on its way. */
  cut(): void {
    this.#cuts++;
    this.#lastArrival = 0;
  }
}
