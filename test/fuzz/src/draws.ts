import { randomKey, RandomStream } from '@ringmaster/base';

/** Draws of one input: a function of the seed, the target and the number of the input. */
export class Draws {
  readonly #stream: RandomStream;
  #at = 0;

  constructor(seed: number, target: string, number: number) {
    this.#stream = new RandomStream(randomKey(seed, target, String(number)));
  }

  /** A whole number from 0 to `bound` − 1. */
  below(bound: number): number {
    return Math.floor(this.#stream.uniform(this.#at++) * bound);
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  of<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }
}
