import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';

import type { SharedMemory } from '@ringmaster/base/memory';
import { canonicalJson } from '@ringmaster/protocol';
import { z } from 'zod';

import { ADAM_MOMENTS } from './elementwise.js';
import type { Layout, TensorLayout } from './layout.js';
import { placedMoment, type Moment } from './moment.js';

/** Accepted steps whose largest gradient magnitudes are remembered. */
const HISTORY_LENGTH = 8;

/** Bytes that are looked at as one: Node hashes no more than 2 GiB in one call, and has no views above 4 GiB. */
const PART_BYTES = 2 ** 30;

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
  /** Moments of the optimizer, in their order. */
  readonly moments: readonly Moment[];
  /** SHA-256, hex, of the parameters that are not in the state because they never change (`frozenHash`); null for none. */
  readonly frozen?: string | null;
  /** The state holds a moving average of the parameters, besides the present ones. */
  readonly keepsAverage?: boolean;
  /** The state holds a copy of the parameters that the best evaluation saw, besides the present ones. */
  readonly keepsBest?: boolean;
}

/** Values of the trained parameters that a state holds: the present ones, their average, those of the best evaluation. */
export type ParameterRange = 'parameters' | 'averageParameters' | 'bestParameters';

/**
 * Everything that the next step depends on, beside the specification and the data: trained parameters, the moments of the
 * optimizer, fixed-point exponents, the history of gradient magnitudes, and counters; where they are wanted, the moving
 * average of the parameters, and where early stopping may return to them, the best ones. Of frozen parameters it holds the hash.
 *
 * All but the counters is one range of bytes in a shared memory, little-endian and without gaps, in this order:
 *   parameters                            float32[layout.length]
 *   moments of the optimizer              float32, as `placedMoment` says of each
 *   average, where it is kept             float32[layout.length]
 *   best parameters, where they are kept  float32[layout.length], zeros until `keepBest`
 *   exponents                             int32[tensors]
 *   magnitudes                            float32[8][tensors], newest first
 * A state is copied, sent or saved as `header()` and these bytes.
 */
export class State {
  readonly layout: Layout;
  /** Where the bytes lie. */
  readonly range: {
    readonly buffer: SharedArrayBuffer;
    readonly byteOffset: number;
    readonly byteLength: number;
  };
  /** The whole range, in views of at most 1 GiB. */
  readonly parts: readonly Uint8Array<SharedArrayBuffer>[];
  readonly parameters: Float32Array<SharedArrayBuffer>;
  /** Moments of the optimizer by their names, in their order. */
  readonly moments: ReadonlyMap<string, Float32Array<SharedArrayBuffer>>;
  /** Null where it is not kept. */
  readonly averageParameters: Float32Array<SharedArrayBuffer> | null;
  /** Null where they are not kept. */
  readonly bestParameters: Float32Array<SharedArrayBuffer> | null;
  readonly exponents: Int32Array<SharedArrayBuffer>;
  readonly magnitudes: Float32Array<SharedArrayBuffer>;
  counters: Counters = FRESH;
  readonly #frozen: string | null;
  readonly #momentOffsets: readonly (readonly number[])[];

  private constructor(
    { buffer }: SharedMemory,
    offset: number,
    layout: Layout,
    options: StateOptions,
  ) {
    const { length, tensors } = layout;
    const { moments, frozen = null, keepsAverage = false, keepsBest = false } = options;
    this.layout = layout;
    this.#frozen = frozen;
    const byteLength = State.byteLength(layout, options);
    this.range = { buffer, byteOffset: offset, byteLength };
    this.parts = Array.from({ length: Math.ceil(byteLength / PART_BYTES) }, (_, part) => {
      const start = part * PART_BYTES;
      return new Uint8Array(buffer, offset + start, Math.min(PART_BYTES, byteLength - start));
    });
    let end = offset;
    const floats = (count: number) => {
      const range = new Float32Array(buffer, end, count);
      end += range.byteLength;
      return range;
    };
    this.parameters = floats(length);
    const placings = moments.map((moment) => placedMoment(moment, tensors));
    this.#momentOffsets = placings.map(({ offsets }) => offsets);
    this.moments = new Map(
      moments.map(({ name }, at) => [name, floats(placings[at]?.length ?? 0)]),
    );
    this.averageParameters = keepsAverage ? floats(length) : null;
    this.bestParameters = keepsBest ? floats(length) : null;
    this.exponents = new Int32Array(buffer, end, tensors.length);
    end += this.exponents.byteLength;
    this.magnitudes = floats(HISTORY_LENGTH * tensors.length);
  }

  /** Bytes that a state of this layout takes in memory. */
  static byteLength({ length, tensors }: Layout, options: StateOptions): number {
    const { moments, keepsAverage = false, keepsBest = false } = options;
    const arrays = 1 + (keepsAverage ? 1 : 0) + (keepsBest ? 1 : 0);
    const ofMoments = moments.map((moment) => placedMoment(moment, tensors).length);
    const elements = ofMoments.reduce((sum, each) => sum + each, arrays * length);
    return 4 * (elements + tensors.length * (1 + HISTORY_LENGTH));
  }

  /** A state of zeros at a byte offset (a multiple of 4) of a memory; whoever calls it fills in the parameters. */
  static create(
    memory: SharedMemory,
    offset: number,
    layout: Layout,
    options: StateOptions,
  ): State {
    const state = new State(memory, offset, layout, options);
    state.clear();
    return state;
  }

  /** Makes it a state of zeros. */
  clear(): void {
    for (const part of this.parts) part.fill(0);
    this.counters = FRESH;
  }

  /** The values of one tensor in one of the ranges. */
  view(range: ParameterRange, { offset, length }: TensorLayout): Float32Array<SharedArrayBuffer> {
    const elements = this[range];
    assert(elements, `the state does not hold ${range}`);
    return elements.subarray(offset, offset + length);
  }

  /** Byte offsets of the parts of each moment that belong to a tensor, in the order of the moments. */
  momentOffsets({ index }: TensorLayout): number[] {
    return [...this.moments.values()].map(
      ({ byteOffset }, at) => byteOffset + 4 * (this.#momentOffsets[at]?.[index] ?? 0),
    );
  }

  /** Begins the average, where one is kept, with the present parameters. */
  beginAverage(): void {
    this.averageParameters?.set(this.parameters);
  }

  /**
   * Copies parameters to the best ones; nothing where these are not kept.
   * @param range Those that the evaluation saw.
   */
  keepBest(range: Exclude<ParameterRange, 'bestParameters'>): void {
    const elements = this[range];
    assert(elements, `the state does not hold ${range}`);
    this.bestParameters?.set(elements);
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

  /**
   * Canonical JSON of what the bytes do not hold: the layout (for refusing a stranger's state), the hash of the frozen
   * parameters, and the counters. Moments are named where they are not those of Adam, the average where it is kept, and
   * frozen parameters where there are some.
   */
  header(): string {
    const moments = [...this.moments.keys()];
    const isAdam = canonicalJson(moments) === canonicalJson(ADAM_MOMENTS.map(({ name }) => name));
    return canonicalJson({
      format: 1,
      moments: isAdam ? undefined : moments,
      frozen: this.#frozen ?? undefined,
      keepsAverage: this.averageParameters === null ? undefined : true,
      keepsBest: this.bestParameters !== null,
      tensors: this.layout.tensors.map(({ name, shape, group }) => [name, shape, group]),
      counters: this.counters,
    });
  }

  /**
   * Takes counters from a header that another process or a file gave, after the bytes were filled.
   * @throws Error if it is not the header of a state of this layout, these moments and these frozen parameters
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
 * SHA-256, hex, of a state: of the header's length in bytes (uint32, little-endian), the header (UTF-8) and the bytes.
 */
export function stateHash(state: State): string {
  const hash = createHash('sha256');
  update(hash, state.header(), state.parts);
  return hash.digest('hex');
}

/**
 * SHA-256, hex, of frozen parameters in the order of the model: of each, as a state is hashed, with its canonical JSON
 * `[name, shape]` as the header and its values (float32, little-endian) as the bytes.
 */
export function frozenHash(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  values: (name: string) => Float32Array,
): string {
  const hash = createHash('sha256');
  for (const { name, shape } of parameters) {
    const { buffer, byteOffset, byteLength } = values(name);
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    update(hash, canonicalJson([name, shape]), [bytes]);
  }
  return hash.digest('hex');
}

function update(hash: Hash, header: string, parts: readonly Uint8Array[]): void {
  const text = Buffer.from(header);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  hash.update(length).update(text);
  for (const part of parts)
    for (let at = 0; at < part.length; at += PART_BYTES)
      hash.update(part.subarray(at, at + PART_BYTES));
}
