import { randomKey, RandomStream } from '@ringmaster/base';

/** Draws one after another from a stream that a seed names. */
export class Dice {
  readonly #stream: RandomStream;
  #draws = 0;

  constructor(seed: number, purpose: string) {
    this.#stream = new RandomStream(randomKey(seed, 'chaos', purpose));
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return this.#stream.uniform(this.#draws++);
  }

  /** One of the hundredths in [0, 1), which picks one of those who are there. */
  share(): number {
    return this.integer(0, 99) / 100;
  }

  /** Uniform integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.integer(0, items.length - 1)];
    if (item === undefined) throw new Error('there is nothing to pick from');
    return item;
  }

  shuffle<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, at: this.uniform() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}
