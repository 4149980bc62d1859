import assert from 'node:assert/strict';
import { log } from '@ringmaster/base';
import { Growing } from '../../parts/growing.js';
import type { SymbolWords } from '../symbol-words.js';
import type { Trie } from '../trie.js';

/** What the pieces of an E-step are worth. */
export interface Expectation {
  /** Expected count of each piece, over all words. */
  readonly counts: Float64Array;
  /** Of all words. */
  readonly logLikelihood: number;
}

/**
 * All ways to divide words into pieces: of each word the pieces in it, with the places where they begin and end, of 6
 * bytes each, in the order of their beginnings. Everything is summed in that order.
 */
export class Lattices {
  readonly #pieces = new Growing((length) => new Uint32Array(length));
  readonly #starts = new Growing((length) => new Uint8Array(length));
  readonly #ends = new Growing((length) => new Uint8Array(length));
  /** Where the edges of the words after each one begin. */
  readonly #limits: Float64Array;
  readonly #words: SymbolWords;

  /** @param words Of at most 255 symbols, each of which is a piece. */
  constructor(words: SymbolWords, trie: Trie) {
    this.#words = words;
    this.#limits = new Float64Array(words.length);
    for (let word = 0; word < words.length; word++) {
      const symbols = words.symbolsOf(word);
      for (let start = 0; start < symbols.length; start++) {
        let node = trie.root;
        for (let end = start; end < symbols.length; end++) {
          node = trie.child(node, symbols[end] ?? 0);
          if (node === 0) break;
          const piece = trie.value(node);
          if (piece < 0) continue;
          this.#pieces.push(piece);
          this.#starts.push(start);
          this.#ends.push(end + 1);
        }
      }
      this.#limits[word] = this.#pieces.length;
    }
  }

  /** Takes the pieces away that are gone. */
  keep(isThere: Uint8Array): void {
    const pieces = this.#pieces.take();
    const starts = this.#starts.take();
    const ends = this.#ends.take();
    let edge = 0;
    for (let word = 0; word < this.#limits.length; word++) {
      for (const limit = this.#limits[word] ?? 0; edge < limit; edge++) {
        if (isThere[pieces[edge] ?? 0] !== 1) continue;
        this.#pieces.push(pieces[edge] ?? 0);
        this.#starts.push(starts[edge] ?? 0);
        this.#ends.push(ends[edge] ?? 0);
      }
      this.#limits[word] = this.#pieces.length;
    }
  }

  /**
   * The expected counts of pieces (the forward-backward algorithm), on probabilities that are multiplied by a factor a
   * symbol, which cancels out and keeps what is multiplied within the range of float64.
   * @param weights The probability of each piece times its factor.
   * @param logFactor The logarithm of the factor of one symbol.
   */
  expect(weights: Float64Array, logFactor: number): Expectation {
    const pieces = this.#pieces.view();
    const starts = this.#starts.view();
    const ends = this.#ends.view();
    const counts = new Float64Array(weights.length);
    const forward = new Float64Array(256);
    const backward = new Float64Array(256);
    let logLikelihood = 0;
    let first = 0;
    for (let word = 0; word < this.#limits.length; word++) {
      const limit = this.#limits[word] ?? 0;
      const count = this.#words.countOf(word);
      const { length } = this.#words.symbolsOf(word);
      forward.fill(0, 0, length + 1);
      backward.fill(0, 0, length + 1);
      forward[0] = 1;
      backward[length] = 1;
      for (let edge = first; edge < limit; edge++) {
        const weight = weights[pieces[edge] ?? 0] ?? 0;
        const end = ends[edge] ?? 0;
        forward[end] = (forward[end] ?? 0) + (forward[starts[edge] ?? 0] ?? 0) * weight;
      }
      for (let edge = limit - 1; edge >= first; edge--) {
        const weight = weights[pieces[edge] ?? 0] ?? 0;
        const start = starts[edge] ?? 0;
        backward[start] = (backward[start] ?? 0) + weight * (backward[ends[edge] ?? 0] ?? 0);
      }
      const all = forward[length] ?? 0;
      assert(all > 0 && all < Infinity, 'a word is less likely than a float64 can tell');
      logLikelihood += count * (log(all) - length * logFactor);
      const scale = count / all;
      for (let edge = first; edge < limit; edge++) {
        const piece = pieces[edge] ?? 0;
        const before = forward[starts[edge] ?? 0] ?? 0;
        const after = backward[ends[edge] ?? 0] ?? 0;
        counts[piece] = (counts[piece] ?? 0) + scale * before * (weights[piece] ?? 0) * after;
      }
      first = limit;
    }
    return { counts, logLikelihood };
  }

  /** How often each piece is in the most likely division of the words (Viterbi's algorithm). */
  countBest(scores: Float64Array): Float64Array {
    const pieces = this.#pieces.view();
    const starts = this.#starts.view();
    const ends = this.#ends.view();
    const counts = new Float64Array(scores.length);
    const best = new Float64Array(256);
    const last = new Int32Array(256);
    let first = 0;
    for (let word = 0; word < this.#limits.length; word++) {
      const limit = this.#limits[word] ?? 0;
      const { length } = this.#words.symbolsOf(word);
      best.fill(-Infinity, 1, length + 1);
      for (let edge = first; edge < limit; edge++) {
        const end = ends[edge] ?? 0;
        const score = (best[starts[edge] ?? 0] ?? 0) + (scores[pieces[edge] ?? 0] ?? 0);
        if (score <= (best[end] ?? 0)) continue;
        best[end] = score;
        last[end] = edge;
      }
      const count = this.#words.countOf(word);
      for (let end = length; end > 0;) {
        const edge = last[end] ?? 0;
        const piece = pieces[edge] ?? 0;
        counts[piece] = (counts[piece] ?? 0) + count;
        end = starts[edge] ?? 0;
      }
      first = limit;
    }
    return counts;
  }
}
