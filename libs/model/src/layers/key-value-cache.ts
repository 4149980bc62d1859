import type { Runtime, Tensor } from '@ringmaster/tensorflow';
import type { Pass } from './layer.js';
import type { Sequences } from './sequences.js';

/** Where the tokens of a pass stand in sequences of which some were read before. */
export interface Past {
  /** int32 [B·T]: position of each token in its sequence. */
  readonly positions: Tensor;
  readonly cache: KeyValueCache;
}

interface Entry {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** Sequences of a pass: how long they are, padded and really. */
interface Extent {
  readonly length: number;
  readonly lengths: Int32Array;
}

/** Tokens of a sequence that there is room for at first. */
const LEAST = 64;

/**
 * Keys and values of the tokens that a network has read of some sequences, for every layer of attention, so that each token
 * is read once. The first pass reads beginnings of any length; each one after it reads one token of each sequence. Of a
 * decoder that attends to a memory it keeps the keys and values of that too, which stay what they are.
 */
export class KeyValueCache {
  readonly #runtime: Runtime;
  /** Most tokens of a sequence. */
  readonly #most: number;
  #capacity = 0;
  #lengths: Int32Array;
  /** Float32 [B·C,GD] by layer, of C tokens a sequence; zeros beyond its length. */
  readonly #entries = new Map<string, Entry>();
  #memory: Sequences | null = null;
  /** T[B·S,GD] by layer, of S tokens of a memory's sequence. */
  readonly #memoryEntries = new Map<string, Entry>();
  /** Of the pass that is under way: which rows are real tokens, null for all of them, and where they go. */
  #rows: { readonly from: Tensor | null; readonly to: Tensor } | null = null;

  /** @param most Tokens of a sequence; room is made as they come. */
  constructor(runtime: Runtime, sequences: number, most: number) {
    this.#runtime = runtime;
    this.#most = most;
    this.#lengths = new Int32Array(sequences);
  }

  /** C: tokens of a sequence that there is room for. */
  get capacity(): number {
    return this.#capacity;
  }

  get sequences(): number {
    return this.#lengths.length;
  }

  /** Whether no pass has come to its end. */
  get isEmpty(): boolean {
    return this.#lengths.every((length) => length === 0);
  }

  /** Length of the sequences, which is that of all of them. */
  get commonLength(): number {
    const [first = 0] = this.#lengths;
    if (this.#lengths.some((length) => length !== first))
      throw new Error('A decoder with relative positions goes on with sequences of one length');
    return first;
  }

  /** The memory whose keys and values are kept; null for none. */
  get memory(): Sequences | null {
    return this.#memory;
  }

  /** Begins a pass; its tensors belong to the scope. */
  begin({ kernels }: Pick<Pass, 'kernels'>, { length, lengths }: Extent): Past {
    if (!this.isEmpty && length !== 1)
      throw new Error('After the first pass one token of each sequence is read at a time');
    const longest = Math.max(...this.#lengths.map((before, at) => before + (lengths[at] ?? 0)));
    if (longest > this.#most) throw new Error(`A sequence is longer than ${this.#most} tokens`);
    if (longest > this.#capacity) this.#grow(kernels, longest);
    const rows = Int32Array.from({ length: this.sequences * length }, (_, row) => row);
    const sequenceOf = (row: number) => Math.floor(row / length);
    const positions = rows.map((row) => (this.#lengths[sequenceOf(row)] ?? 0) + (row % length));
    const real = rows.filter((row) => row % length < (lengths[sequenceOf(row)] ?? 0));
    const to = real.map((row) => sequenceOf(row) * this.capacity + (positions[row] ?? 0));
    const upload = (values: Int32Array) => this.#runtime.upload(values, [values.length]);
    this.#rows = { from: real.length === rows.length ? null : upload(real), to: upload(to) };
    return { positions: upload(positions), cache: this };
  }

  /** Keeps keys and values T[B·T,GD] of a layer for the tokens of this pass. */
  append({ ops, kernels }: Pass, layer: string, keys: Tensor, values: Tensor): void {
    const rows = this.#rows;
    if (rows === null) throw new Error('There is no pass under way');
    const added = (to: Tensor | undefined, x: Tensor): Tensor => {
      const real = rows.from === null ? x : ops.gatherRows(x, rows.from);
      const into = to ?? this.#zeros(x.shape[1] ?? 0);
      return this.#runtime.keep(kernels.addRows(into, real, rows.to));
    };
    const before = this.#entries.get(layer);
    this.#entries.set(layer, {
      keys: added(before?.keys, keys),
      values: added(before?.values, values),
    });
  }

  /** Keeps keys and values T[B·S,GD] that a layer has made of a memory. */
  keepMemory({ ops }: Pass, layer: string, memory: Sequences, { keys, values }: Entry): void {
    const kept = (x: Tensor) => ops.runtime.keep(ops.reshape(x, x.shape));
    this.#memory = memory;
    this.#memoryEntries.set(layer, { keys: kept(keys), values: kept(values) });
  }

  /** All that is kept of a layer. */
  of(layer: string): Entry {
    return entryOf(this.#entries, layer);
  }

  /** The keys and values of a memory that are kept of a layer. */
  ofMemory(layer: string): Entry {
    return entryOf(this.#memoryEntries, layer);
  }

  /** Lengths of the sequences with one more token each [B]. */
  get lengthsWithNext(): Int32Array {
    return this.#lengths.map((length) => length + 1);
  }

  /** Ends a pass. */
  end({ lengths }: Extent): void {
    this.#rows = null;
    this.#lengths = this.#lengths.map((before, at) => before + (lengths[at] ?? 0));
  }

  /** Goes on with these of the sequences, in this order, each as often as it is named. */
  select({ ops }: Pick<Pass, 'ops'>, sequences: Int32Array): void {
    const { runtime } = ops;
    runtime.scope(() => {
      const indices = runtime.upload(sequences, [sequences.length]);
      const chosen = (x: Tensor): Tensor => {
        const whole = ops.reshape(x, [this.sequences, -1]);
        const found = ops.reshape(ops.gatherRows(whole, indices), [-1, x.shape[1] ?? 0]);
        runtime.free(x);
        return runtime.keep(found);
      };
      for (const entries of [this.#entries, this.#memoryEntries])
        for (const [layer, { keys, values }] of entries)
          entries.set(layer, { keys: chosen(keys), values: chosen(values) });
    });
    this.#lengths = sequences.map((from) => this.#lengths[from] ?? 0);
    if (this.#memory !== null) {
      const { lengths } = this.#memory;
      this.#memory = {
        ...this.#memory,
        sequences: sequences.length,
        lengths: lengths === null ? null : sequences.map((from) => lengths[from] ?? 0),
      };
    }
  }

  dispose(): void {
    for (const entries of [this.#entries, this.#memoryEntries]) {
      for (const { keys, values } of entries.values()) this.#runtime.free([keys, values]);
      entries.clear();
    }
  }

  /** Makes room for sequences of this length, and as many tokens again: what is kept is copied a few times in all. */
  #grow(kernels: Pass['kernels'], length: number): void {
    const before = this.#capacity;
    this.#capacity = Math.min(this.#most, Math.max(2 * length, LEAST));
    if (this.#entries.size === 0) return;
    this.#runtime.scope(() => {
      const rows = Int32Array.from({ length: this.sequences * before }, (_, row) => {
        return Math.floor(row / before) * this.#capacity + (row % before);
      });
      const to = this.#runtime.upload(rows, [rows.length]);
      const grown = (x: Tensor): Tensor => {
        const whole = this.#runtime.keep(kernels.addRows(this.#zeros(x.shape[1] ?? 0), x, to));
        this.#runtime.free(x);
        return whole;
      };
      for (const [layer, { keys, values }] of this.#entries)
        this.#entries.set(layer, { keys: grown(keys), values: grown(values) });
    });
  }

  #zeros(width: number): Tensor {
    const rows = this.sequences * this.capacity;
    return this.#runtime.upload(new Float32Array(rows * width), [rows, width]);
  }
}

function entryOf(entries: ReadonlyMap<string, Entry>, layer: string): Entry {
  const entry = entries.get(layer);
  if (entry === undefined) throw new Error(`Nothing is kept of ${layer}`);
  return entry;
}
