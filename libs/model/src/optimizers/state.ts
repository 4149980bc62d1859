import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { canonicalJson } from '@ringmaster/protocol';
import { z } from 'zod';

import type { StateOffsets } from './adamw.js';
import type { SharedMemory } from './kernels.js';
import type { Layout, TensorLayout } from './layout.js';

/** Accepted steps whose largest gradient magnitudes are remembered. */
export const HISTORY_LENGTH = 8;

/** Bytes that are hashed at a time: Node hashes no more than 2 GiB in one call. */
const HASH_STRIDE = 2 ** 30;

const count = z.int().min(0);

export const countersSchema = z.strictObject({
  /** Steps done, which is also the number of the next step. */
  step: count,
  /** Updates applied; fewer than steps where steps counted nothing or were not finite. */
  updates: count,
  /** Steps without an update because a gradient was not finite: in all, and without a finite one between. */
  nonFinite: count,
  nonFiniteInARow: count,
  /** Evaluations made. */
  evaluations: count,
  /** Best evaluation so far: its metric and step. */
  best: z.strictObject({ metric: z.number(), step: count }).nullable(),
  /** Evaluations since the best one. */
  evaluationsSinceBest: count,
  /** Early stopping has ended the training. */
  stopped: z.boolean(),
});

/** The scalars of a state. */
export type Counters = z.infer<typeof countersSchema>;

const FRESH: Counters = {
  step: 0,
  updates: 0,
  nonFinite: 0,
  nonFiniteInARow: 0,
  evaluations: 0,
  best: null,
  evaluationsSinceBest: 0,
  stopped: false,
};

export interface StateOptions {
  /** The state holds a copy of the parameters that the best evaluation saw, besides the present ones. */
  readonly keepsBest?: boolean;
}

/** The ranges of a state that have one element a parameter. */
export type ParameterRange = 'parameters' | 'firstMoments' | 'secondMoments' | 'bestParameters';

/**
 * Everything that the next step depends on, beside the specification and the data: parameters, both moments of AdamW,
 * fixed-point exponents, the history of gradient magnitudes, and counters; and where early stopping may return to them,
 * the best parameters.
 *
 * All but the counters is one range of bytes in a shared memory, little-endian and without gaps, in this order:
 *   parameters, first moments, second moments   float32[layout.length] each
 *   best parameters, where they are kept        float32[layout.length], zeros until `keepBest`
 *   exponents                                   int32[tensors]
 *   magnitudes                                  float32[8][tensors], newest first
 * A state is copied, sent or saved as `header()` and `bytes`.
 */
export class State {
  readonly layout: Layout;
  readonly offsets: StateOffsets;
  /** The whole range. */
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly parameters: Float32Array<SharedArrayBuffer>;
  readonly firstMoments: Float32Array<SharedArrayBuffer>;
  readonly secondMoments: Float32Array<SharedArrayBuffer>;
  /** Null where they are not kept. */
  readonly bestParameters: Float32Array<SharedArrayBuffer> | null;
  readonly exponents: Int32Array<SharedArrayBuffer>;
  readonly magnitudes: Float32Array<SharedArrayBuffer>;
  counters: Counters = FRESH;

  private constructor(
    { buffer }: SharedMemory,
    offset: number,
    layout: Layout,
    { keepsBest = false }: StateOptions,
  ) {
    const { length, tensors } = layout;
    this.layout = layout;
    this.bytes = new Uint8Array(buffer, offset, State.byteLength(layout, { keepsBest }));
    let end = offset;
    const floats = (count: number) => {
      const range = new Float32Array(buffer, end, count);
      end += range.byteLength;
      return range;
    };
    this.parameters = floats(length);
    this.firstMoments = floats(length);
    this.secondMoments = floats(length);
    this.bestParameters = keepsBest ? floats(length) : null;
    this.exponents = new Int32Array(buffer, end, tensors.length);
    end += this.exponents.byteLength;
    this.magnitudes = floats(HISTORY_LENGTH * tensors.length);
    this.offsets = {
      parameters: this.parameters.byteOffset,
      firstMoments: this.firstMoments.byteOffset,
      secondMoments: this.secondMoments.byteOffset,
    };
  }

  /** Bytes that a state of this layout takes in memory. */
  static byteLength({ length, tensors }: Layout, { keepsBest = false }: StateOptions = {}): number {
    return 4 * length * (keepsBest ? 4 : 3) + 4 * tensors.length * (1 + HISTORY_LENGTH);
  }

  /** A state of zeros at a byte offset (a multiple of 64) of a memory; whoever calls it fills in the parameters. */
  static create(
    memory: SharedMemory,
    offset: number,
    layout: Layout,
    options: StateOptions = {},
  ): State {
    assert(offset % 64 === 0, `a state begins at a multiple of 64 bytes, not ${offset}`);
    const state = new State(memory, offset, layout, options);
    state.clear();
    return state;
  }

  /** Makes it a state of zeros. */
  clear(): void {
    this.bytes.fill(0);
    this.counters = FRESH;
  }

  /** The elements of one tensor in one of the ranges that have one a parameter. */
  view(range: ParameterRange, { offset, length }: TensorLayout): Float32Array<SharedArrayBuffer> {
    const elements = this[range];
    assert(elements, `the state does not hold ${range}`);
    return elements.subarray(offset, offset + length);
  }

  /** Copies the present parameters to the best ones; nothing where these are not kept. */
  keepBest(): void {
    this.bestParameters?.set(this.parameters);
  }

  /** Takes the exponents and the largest magnitudes of an accepted step into the history. */
  accept(exponents: ArrayLike<number>, magnitudes: ArrayLike<number>): void {
    const tensors = this.layout.tensors.length;
    assert(exponents.length === tensors && magnitudes.length === tensors, 'one value a tensor');
    this.exponents.set(exponents);
    this.magnitudes.copyWithin(tensors, 0);
    this.magnitudes.set(magnitudes);
  }

  /** The largest magnitudes of one tensor over the last 8 accepted steps; zero where there were fewer. */
  history(tensor: number): number[] {
    const tensors = this.layout.tensors.length;
    return Array.from(
      { length: HISTORY_LENGTH },
      (_, age) => this.magnitudes[age * tensors + tensor] ?? 0,
    );
  }

  /** Canonical JSON of what `bytes` does not hold: the layout (for refusing a stranger's state) and the counters. */
  header(): string {
    return canonicalJson({
      format: 1,
      keepsBest: this.bestParameters !== null,
      tensors: this.layout.tensors.map(({ name, shape, group }) => [name, shape, group]),
      counters: this.counters,
    });
  }

  /**
   * Takes counters from a header that another process or a file gave, after `bytes` were filled.
   * @throws Error if it is not the header of a state of this layout
   */
  readHeader(header: string): void {
    const { counters } = z.looseObject({ counters: countersSchema }).parse(JSON.parse(header));
    const before = this.counters;
    this.counters = counters;
    if (this.header() !== header) {
      this.counters = before;
      throw new Error('the header belongs to a state of another layout');
    }
  }
}

/**
 * SHA-256, hex, of a state: of the header's length in bytes (uint32, little-endian), the header (UTF-8) and `bytes`.
 */
export function stateHash(state: State): string {
  const header = Buffer.from(state.header());
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const hash = createHash('sha256').update(length).update(header);
  for (let at = 0; at < state.bytes.length; at += HASH_STRIDE) {
    hash.update(state.bytes.subarray(at, at + HASH_STRIDE));
  }
  return hash.digest('hex');
}
