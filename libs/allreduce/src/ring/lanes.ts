import assert from 'node:assert/strict';
import { RingmasterError } from '@ringmaster/protocol';

/** What a lane block has room for. */
export interface LaneShape {
  readonly microbatches: number;
  /** float64 sums of each microbatch, such as the losses of its terms. */
  readonly sums: number;
  /** int32 counts of each microbatch, such as tokens. */
  readonly counts: number;
  /** float32 values of each microbatch: the largest gradient magnitude of each tensor, NaN and Infinity included. */
  readonly maxima: number;
  readonly ranks: number;
  /** Control words of each rank. */
  readonly controls: number;
}

/** What one microbatch reports. */
export interface Lane {
  readonly sums: readonly number[];
  readonly counts: readonly number[];
  readonly maxima: Float32Array;
}

export interface LaneReading {
  readonly microbatches: readonly (Lane & { readonly presence: number })[];
  /** The sum of all ranks' arena checksums, wrapped to int32; another value if any word of the block was altered. */
  readonly checksum: number;
  /** The control words of each rank. */
  readonly control: readonly (readonly number[])[];
}

/**
 * A small int32 block that travels behind the gradients: per microbatch a presence mark, sums, counts and maxima as
 * raw bits; then one checksum word, and the control words of each rank. A rank writes only the lanes of the microbatches
 * that it computed and leaves zeros elsewhere, so the integer sum over ranks gathers every lane bit for bit. The checksum
 * word is linear in all other words and in the arena, so that of the sum vouches for the lanes as for the gradients.
 */
export class Lanes {
  readonly shape: LaneShape;
  /** Length of the block in int32. */
  readonly words: number;
  readonly #laneWords: number;

  constructor(shape: LaneShape) {
    this.shape = shape;
    this.#laneWords = 1 + 2 * shape.sums + shape.counts + shape.maxima;
    this.words = shape.microbatches * this.#laneWords + 1 + shape.ranks * shape.controls;
  }

  clear(view: Int32Array): void {
    this.#check(view);
    view.fill(0);
  }

  /** Reports a microbatch that this rank computed; `view` was cleared at the beginning of the attempt. */
  write(view: Int32Array, microbatch: number, lane: Lane): void {
    this.#check(view);
    const { shape } = this;
    assert(microbatch >= 0 && microbatch < shape.microbatches, `no lane ${microbatch}`);
    assert(lane.sums.length === shape.sums && lane.counts.length === shape.counts);
    assert(lane.maxima.length === shape.maxima);
    const words = new Int32Array(this.#laneWords);
    words[0] = 1;
    words.set(new Int32Array(Float64Array.from(lane.sums).buffer), 1);
    words.set(lane.counts, 1 + 2 * shape.sums);
    words.set(
      new Int32Array(lane.maxima.slice().buffer, 0, shape.maxima),
      1 + 2 * shape.sums + shape.counts,
    );
    this.#put(view, microbatch * this.#laneWords, words);
  }

  /** Reports the checksum of this rank's own arena, taken before the all-reduce; once after `clear`. */
  writeChecksum(view: Int32Array, checksum: number): void {
    this.#check(view);
    view[this.#checksumWord] = (view[this.#checksumWord] ?? 0) + checksum;
  }

  /** Sets one of this rank's control words, for example the generation that it is ready to switch to. */
  writeControl(view: Int32Array, rank: number, word: number, value: number): void {
    this.#check(view);
    const { ranks, controls } = this.shape;
    assert(rank >= 0 && rank < ranks && word >= 0 && word < controls, `no word ${word} of ${rank}`);
    this.#put(view, this.#checksumWord + 1 + rank * controls + word, [value]);
  }

  /** Everything in a block; of a reduced one, presence is 1 everywhere unless `verify` fails. */
  read(view: Int32Array): LaneReading {
    this.#check(view);
    const { shape } = this;
    const words = Int32Array.from(view);
    const microbatches = Array.from({ length: shape.microbatches }, (_, microbatch) => {
      const lane = words.slice(microbatch * this.#laneWords, (microbatch + 1) * this.#laneWords);
      const counts = 1 + 2 * shape.sums;
      const maxima = counts + shape.counts;
      return {
        presence: lane[0] ?? 0,
        sums: [...new Float64Array(lane.slice(1, counts).buffer)],
        counts: [...lane.subarray(counts, maxima)],
        maxima: new Float32Array(lane.slice(maxima).buffer),
      };
    });
    return {
      microbatches,
      checksum: this.#arenaChecksum(words),
      control: Array.from({ length: shape.ranks }, (_, rank) => {
        const first = this.#checksumWord + 1 + rank * shape.controls;
        return [...words.subarray(first, first + shape.controls)];
      }),
    };
  }

  /**
   * Checks a reduced reading: every microbatch was summed exactly once, and `actual`, the checksum of the reduced
   * arena (0 without an arena), is the sum of the ranks' checksums.
   * @throws RingmasterError RING_LANE_PRESENCE, naming the microbatch; RING_CHECKSUM
   */
  verify(reading: LaneReading, actual: number): void {
    for (const [microbatch, { presence }] of reading.microbatches.entries()) {
      if (presence !== 1) throw new RingmasterError('RING_LANE_PRESENCE', { microbatch, presence });
    }
    if (reading.checksum !== actual) {
      throw new RingmasterError('RING_CHECKSUM', { expected: reading.checksum, actual });
    }
  }

  get #checksumWord(): number {
    return this.shape.microbatches * this.#laneWords;
  }

  /** Writes words and keeps the checksum word up with them. */
  #put(view: Int32Array, first: number, words: ArrayLike<number>): void {
    let change = 0;
    for (let index = 0; index < words.length; index++) {
      const word = first + index;
      const value = words[index] ?? 0;
      change = (change + Math.imul(coefficient(word), value - (view[word] ?? 0))) | 0;
      view[word] = value;
    }
    view[this.#checksumWord] = (view[this.#checksumWord] ?? 0) + change;
  }

  /** What the checksum word holds beside the words of the block. */
  #arenaChecksum(words: Int32Array): number {
    let own = 0;
    for (const [word, value] of words.entries()) {
      if (word !== this.#checksumWord) own = (own + Math.imul(coefficient(word), value)) | 0;
    }
    return ((words[this.#checksumWord] ?? 0) - own) | 0;
  }

  #check(view: Int32Array): void {
    assert(view.length === this.words, `a lane block has ${this.words} words, not ${view.length}`);
  }
}

/** Odd, so that any change of one word shows. */
function coefficient(word: number): number {
  return Math.imul(word + 1, 0x9e3779b1) | 1;
}
