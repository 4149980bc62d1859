import { Growing } from '../parts/growing.js';

/** Different words as the ids of their symbols, and how often each occurs: arrays of numbers, of 4 bytes a symbol. */
export class SymbolWords {
  readonly #symbols = new Growing((length) => new Uint32Array(length));
  readonly #starts = new Growing((length) => new Float64Array(length));
  readonly #lengths = new Growing((length) => new Uint32Array(length));
  readonly #counts = new Growing((length) => new Float64Array(length));

  get length(): number {
    return this.#counts.length;
  }

  push(symbols: ArrayLike<number>, count: number): void {
    this.#starts.push(this.#symbols.length);
    this.#symbols.append(symbols);
    this.#lengths.push(symbols.length);
    this.#counts.push(count);
  }

  /** The symbols of a word, where they lie: none may be pushed while they are used. */
  symbolsOf(word: number): Uint32Array {
    const start = this.#starts.at(word);
    return this.#symbols.view().subarray(start, start + this.#lengths.at(word));
  }

  countOf(word: number): number {
    return this.#counts.at(word);
  }

  /** Leaves a word its first symbols only. */
  shorten(word: number, length: number): void {
    this.#lengths.set(word, length);
  }
}
