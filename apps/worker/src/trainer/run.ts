import { Kernels, Lanes, SharedArena } from '@ringmaster/allreduce';
import {
  AdamW,
  Layout,
  learningRateAt,
  State,
  stateHash,
  type Model,
  type Runtime,
} from '@ringmaster/model';
import { RingmasterError, type JobSpec, type Launch, type Position } from '@ringmaster/protocol';
import type { Task } from '@ringmaster/tasks';
import type { Artifacts } from '../artifacts/artifacts.js';
import { exponentsFor, type Verdict } from './verdict.js';

/** One attempt's int32 gradients, laid out like the parameters, and behind them the lanes. */
export interface Arena {
  /** Byte offset of the gradients. */
  readonly offset: number;
  /** Byte offset of the lanes. */
  readonly lanesOffset: number;
  readonly lanes: Int32Array;
}

/** A range of float32 in the shared memory that gradients are read into. */
export interface Staging {
  readonly offset: number;
  view(length: number): Float32Array;
}

/** Where the memory of a run may be needed beside its own arrays: the ring's buffers. */
const RING_BYTES = 64 * 1024 * 1024;

/** What one shared memory can hold: the end of every range is a 32-bit offset. */
const MEMORY_BYTES = 2 ** 32 - 2 ** 16;

export interface RunParts {
  readonly launch: Launch;
  readonly artifacts: Artifacts;
  readonly runtime: Runtime;
  readonly model: Model;
  readonly task: Task;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Values of the parameters at step 0, by name. */
  readonly initialValues: (name: string) => Float32Array;
  readonly numerics: Readonly<Record<string, string>>;
}

/**
 * Everything that a trainer holds of a run: the specification, the model on TensorFlow's side, and on ours one shared
 * memory with the state, two arenas that alternate, and the lanes.
 */
export class Run {
  readonly launch: Launch;
  readonly spec: JobSpec;
  readonly artifacts: Artifacts;
  readonly runtime: Runtime;
  readonly model: Model;
  readonly task: Task;
  readonly steps: number;
  readonly numerics: Readonly<Record<string, string>>;
  readonly layout: Layout;
  readonly memory: SharedArena;
  readonly kernels: Kernels;
  readonly lanes: Lanes;
  readonly evaluationLanes: Lanes;
  readonly evaluationBlock: { readonly offset: number; readonly length: number };
  readonly staging: Staging;
  readonly state: State;
  /** Evaluations made so far. */
  readonly evaluations: number = 0;
  readonly #arenas: readonly [Arena, Arena];
  readonly #adamw: AdamW;
  readonly #initialValues: (name: string) => Float32Array;
  readonly #indices: ReadonlyMap<string, number>;
  #attempts = 0;
  #initialised = false;

  constructor(parts: RunParts) {
    ({
      launch: this.launch,
      artifacts: this.artifacts,
      runtime: this.runtime,
      model: this.model,
      task: this.task,
      steps: this.steps,
      numerics: this.numerics,
      initialValues: this.#initialValues,
    } = parts);
    this.spec = parts.launch.spec;
    const { microbatches } = this.spec.batch;
    this.layout = Layout.of(this.model.parameters);
    const tensors = this.layout.tensors.length;
    this.#indices = new Map(this.layout.tensors.map(({ name }, index) => [name, index]));
    // Lanes have room for the most ranks that a run can have, so that their length never depends on how many there are.
    this.lanes = new Lanes({
      microbatches,
      sums: 1,
      counts: 2,
      maxima: tensors,
      ranks: microbatches,
      controls: 1,
    });
    this.evaluationLanes = new Lanes({
      microbatches: this.task.evaluationMicrobatches('validation'),
      sums: 1,
      counts: 2,
      maxima: 0,
      ranks: 0,
      controls: 0,
    });
    const largest = Math.max(...this.layout.tensors.map(({ length }) => length));
    const stateBytes = State.byteLength(this.layout);
    const arenaBytes = 4 * this.layout.length;
    const words = 2 * this.lanes.words + this.evaluationLanes.words;
    const bytes = stateBytes + 2 * arenaBytes + 4 * (words + largest) + 4096 + RING_BYTES;
    if (bytes > MEMORY_BYTES) {
      const { parameterCount: parameters } = this.layout;
      throw new RingmasterError('MODEL_TOO_LARGE', { parameters, gigabytes: bytes / 1e9 });
    }
    this.memory = SharedArena.create(bytes);
    this.kernels = Kernels.instantiate(this.memory.memory);
    this.state = State.create(this.memory.memory, this.memory.allocate(stateBytes), this.layout);
    this.#arenas = [this.#arena(arenaBytes), this.#arena(arenaBytes)];
    this.evaluationBlock = {
      offset: this.memory.allocate(4 * this.evaluationLanes.words),
      length: this.evaluationLanes.words,
    };
    const staging = this.memory.allocate(4 * largest);
    this.staging = { offset: staging, view: (length) => this.memory.float32(staging, length) };
    const { offsets } = this.state;
    this.#adamw = new AdamW(this.memory.memory, this.layout, offsets, this.spec.optimizer);
  }

  get step(): number {
    return this.state.counters.step;
  }

  /** Whether no step is left to be made. */
  get isOver(): boolean {
    return this.step >= this.steps;
  }

  /** Whether the state holds anything yet. */
  get isInitialised(): boolean {
    return this.#initialised;
  }

  stateHash(): string {
    return stateHash(this.state);
  }

  position(): Position {
    return { step: this.step, evaluations: this.evaluations, stateHash: this.stateHash() };
  }

  learningRate(step: number): number {
    return learningRateAt(step, this.steps, this.spec.optimizer);
  }

  /** Place of a parameter among the layout's tensors. */
  tensorIndex(name: string): number {
    const index = this.#indices.get(name);
    if (index === undefined) throw new Error(`no parameter is named ${name}`);
    return index;
  }

  /** Exponents to begin a step with; null before the first update, when they have to be measured. */
  exponents(): Int32Array | null {
    return this.state.counters.updates === 0 ? null : this.state.exponents.slice();
  }

  /** Largest gradient magnitudes of the last accepted steps, of each tensor. */
  history(): number[][] {
    return this.layout.tensors.map((_, tensor) => this.state.history(tensor));
  }

  /** An empty arena for one attempt. Two alternate: a neighbour may still be reading the one before. */
  nextArena(): Arena {
    const arena = this.#arenas[this.#attempts++ % 2 === 0 ? 0 : 1];
    this.kernels.zero(arena.offset, this.layout.length);
    this.lanes.clear(arena.lanes);
    return arena;
  }

  /** Makes the state of step 0 from the specification. */
  initialise(): void {
    this.replace(() => {
      this.#fillInitial();
    });
  }

  /**
   * Changes the state and takes it into use: the model computes with it from now on. Where something fails on the way,
   * the run has no state until another is put in place, for the model and the state might differ.
   */
  replace(change: () => void): void {
    this.#initialised = false;
    change();
    this.model.load((name) => this.state.view('parameters', this.layout.tensor(name)));
    this.#initialised = true;
  }

  #fillInitial(): void {
    const { counters } = State.create(this.memory.memory, this.state.bytes.byteOffset, this.layout);
    this.state.counters = counters;
    for (const tensor of this.layout.tensors) {
      this.state.view('parameters', tensor).set(this.#initialValues(tensor.name));
    }
  }

  /**
   * Ends a step as its verdict says, without a pause in which anything else could run.
   * @returns the global norm of the mean gradient; 0 for a step without an update
   */
  conclude(
    arena: Arena,
    verdict: Exclude<Verdict, { kind: 'retry' }>,
    exponents: Int32Array | null,
    learningRate: number,
  ): number {
    const { counters } = this.state;
    const step = counters.step + 1;
    if (verdict.kind === 'empty') {
      this.state.counters = { ...counters, step };
      return 0;
    }
    if (verdict.kind === 'skip' || exponents === null) {
      const { nonFinite, nonFiniteInARow } = counters;
      const more = { nonFinite: nonFinite + 1, nonFiniteInARow: nonFiniteInARow + 1 };
      this.state.counters = { ...counters, step, ...more };
      return 0;
    }
    const updates = counters.updates + 1;
    let norm = 0;
    this.replace(() => {
      const { gradientNorm } = this.#adamw.apply({
        arena: arena.offset,
        exponents,
        scale: 1 / verdict.counted,
        learningRate,
        number: updates,
      });
      norm = gradientNorm;
      this.state.accept(exponents, verdict.maxima);
      const following = exponentsFor(this.history(), exponents, this.spec.batch.microbatches);
      this.state.exponents.set(following);
      this.state.counters = { ...counters, step, updates, nonFiniteInARow: 0 };
    });
    return norm;
  }

  #arena(gradientBytes: number): Arena {
    const offset = this.memory.allocate(gradientBytes);
    const lanesOffset = this.memory.allocate(4 * this.lanes.words);
    return { offset, lanesOffset, lanes: this.memory.int32(lanesOffset, this.lanes.words) };
  }
}
