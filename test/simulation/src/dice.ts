import { philox, randomKey, type RandomKey } from '@ringmaster/base';

/** The chance of one simulated run: a stream of draws that its seed decides. */
export class Dice {
  readonly #key: RandomKey;
  readonly #block = new Uint32Array(4);
  #draws = 0;

  constructor(seed: number) {
    this.#key = randomKey(seed, 'simulation');
  }

  /** In [0, 1). */
  roll(): number {
    const word = this.#draws % 4;
    if (word === 0) philox(this.#key, [this.#draws / 4, 0, 0, 0], this.#block);
    this.#draws++;
    return (this.#block[word] ?? 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.roll() < probability;
  }

  between(low: number, high: number): number {
    return low + this.roll() * (high - low);
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.roll() * count);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(from.length)];
  }
}
