import { narrowedBits } from '@ringmaster/allreduce';
import {
  algorithmOf,
  Optimizer,
  stateHash,
  type Layout,
  type ParameterRange,
  type State,
  type Update,
} from '@ringmaster/model';
import { metricsOf, taskIn, type JobSpec, type Position } from '@ringmaster/protocol';
import type { Metrics } from '@ringmaster/tasks';
import { faultPoint } from '../../faults/fault-point.js';
import type { TrainedRun } from '../ports.js';
import type { Buckets } from '../step/buckets.js';
import { exponentsFor, type Verdict } from '../step/verdict.js';
import { afterEvaluation, evaluationsBy } from './early-stopping.js';
import type { Loaded } from './loaded.js';
import type { Arena, RunMemory } from './memory-layout.js';

/**
 * The training of one specification as far as it has come: what was loaded for it never changes, its numbers lie in one
 * shared memory, and the methods here are all that moves its state from one position to the next.
 */
export class Run implements TrainedRun {
  readonly loaded: Loaded;
  readonly memory: RunMemory;
  /** The parts in which gradients are summed. No byte of the state depends on the cut. */
  readonly buckets: Buckets;
  readonly spec: JobSpec;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly state: State;
  /** The trained parameters. */
  readonly layout: Layout;
  readonly #optimizer: Optimizer;
  #attempts = 0;
  /** What the memory of the state holds: nothing of use, the state of step 0 that is not in use yet, or the state. */
  #holds: 'nothing' | 'beginning' | 'state' = 'nothing';
  #beforeChange: () => void = () => undefined;

  /** @param loaded Its model has been given values of all parameters, whatever they are. */
  constructor(loaded: Loaded, memory: RunMemory, buckets: Buckets) {
    this.loaded = loaded;
    this.memory = memory;
    this.buckets = buckets;
    this.spec = loaded.launch.spec;
    this.steps = loaded.steps;
    this.state = memory.state;
    this.layout = memory.state.layout;
    const { optimizer, ema } = this.spec;
    this.#optimizer = new Optimizer(memory.shared.memory, this.state, {
      algorithm: algorithmOf(optimizer),
      clip: optimizer.clip,
      scratch: memory.scratch,
      averageDecay: ema?.decay ?? null,
    });
  }

  /** Steps made so far. */
  get step(): number {
    return this.state.counters.step;
  }

  /** Evaluations made so far. */
  get evaluations(): number {
    return this.state.counters.evaluations;
  }

  /** Whether no step is left to be made; an evaluation may be due yet. */
  get isOver(): boolean {
    return this.step >= this.steps || this.state.counters.stopped;
  }

  /**
   * Whether an evaluation is the next thing to be done. The state itself knows, so whoever goes on from it makes each
   * evaluation exactly once.
   */
  get evaluationIsDue(): boolean {
    const { evaluation } = this.spec;
    if (evaluation === undefined || this.memory.evaluation.lanes.shape.microbatches === 0)
      return false;
    const { evaluations, stopped } = this.state.counters;
    return !stopped && evaluations < evaluationsBy(this.step, this.steps, evaluation.every);
  }

  /** Whether the specification wants a checkpoint of this step. */
  get checkpointIsDue(): boolean {
    return this.step < this.steps && this.step % this.spec.checkpoint.every === 0;
  }

  /** The weights that evaluations during the run look at. */
  get evaluatedWeights(): 'parameters' | 'averageParameters' {
    return this.spec.ema?.evaluate === true ? 'averageParameters' : 'parameters';
  }

  /**
   * The weights that the finished model has: with early stopping those of the best evaluation, if one was made; else
   * those of the last step, or their moving average.
   */
  get finalWeights(): { readonly step: number; readonly range: ParameterRange } {
    const { best } = this.state.counters;
    if (best !== null && this.state.bestParameters !== null)
      return { step: best.step, range: 'bestParameters' };
    const range = this.spec.ema?.export === true ? 'averageParameters' : 'parameters';
    return { step: this.step, range };
  }

  /** Whether the state holds anything yet. */
  get isInitialised(): boolean {
    return this.#holds === 'state';
  }

  stateHash(): string {
    return stateHash(this.state);
  }

  position(): Position {
    return { step: this.step, evaluations: this.evaluations, stateHash: this.stateHash() };
  }

  /** Exponents to begin a step with; null before the first update, when they have to be measured. */
  exponents(): Int32Array | null {
    return this.state.counters.updates === 0 ? null : this.state.exponents.slice();
  }

  /** Largest gradient magnitudes of the last accepted steps, of each tensor. */
  history(): number[][] {
    return this.layout.tensors.map((_, tensor) => this.state.history(tensor));
  }

  /**
   * An arena for one attempt, with empty lanes; what else it holds is of an earlier one. Two alternate: a neighbour may
   * still be reading what was summed last in the one before. Where both have their gradients in one place, that is its lanes.
   */
  nextArena(): Arena {
    const { arenas, lanes } = this.memory;
    const arena = arenas[this.#attempts++ % 2 === 0 ? 0 : 1];
    lanes.clear(arena.lanes);
    return arena;
  }

  /** Makes the state of step 0 from the specification, or takes into use the one that was set aside. */
  async initialise(): Promise<void> {
    if (this.#holds === 'beginning') {
      this.#holds = 'state';
      return;
    }
    const values = await this.loaded.initialValues();
    this.replace(() => {
      this.state.clear();
      for (const tensor of this.layout.tensors) {
        this.state.view('parameters', tensor).set(values(tensor.name));
      }
      this.state.beginAverage();
    });
  }

  /**
   * Changes the state and takes it into use: the model computes with it from now on. Where something fails on the way,
   * the run has no state until another is put in place, for the model and the state might differ.
   */
  replace(change: () => void): void {
    this.forget();
    change();
    this.#loadModel('parameters');
    this.#holds = 'state';
  }

  /** Has the listener called before the bytes of the state change. */
  beforeChange(listener: () => void): void {
    this.#beforeChange = listener;
  }

  /** Says that the state is about to be overwritten, or is not to be used: the run has none until another is put in place. */
  forget(): void {
    this.#beforeChange();
    this.#holds = 'nothing';
  }

  /** Says that the state of step 0, which is in use, is not to be used yet: the run has none until one is put in place. */
  setAside(): void {
    this.#holds = 'beginning';
  }

  /** Has the model compute with the weights that evaluations look at, while `evaluate` does so. */
  async withEvaluatedWeights<Result>(evaluate: () => Promise<Result>): Promise<Result> {
    if (this.evaluatedWeights === 'parameters') return evaluate();
    this.#loadModel(this.evaluatedWeights);
    try {
      return await evaluate();
    } finally {
      this.#loadModel('parameters');
    }
  }

  /** Gives the model the final weights. The run is over: nothing is computed on its parameters any more. */
  loadFinalWeights(): void {
    this.#loadModel(this.finalWeights.range);
  }

  #loadModel(range: ParameterRange): void {
    this.loaded.model.update((name) => this.valuesOf(name, range));
  }

  /** The values of a parameter; one that is frozen has always the same. */
  valuesOf(name: string, range: ParameterRange): Float32Array {
    return this.loaded.frozen.values.get(name) ?? this.state.view(range, this.layout.tensor(name));
  }

  /** Ends an evaluation: it is counted, and what it found may be the best so far or end the training. */
  concludeEvaluation(metrics: Metrics | null): void {
    const { counters, improved } = afterEvaluation(
      this.state.counters,
      metrics,
      metricsOf(taskIn(this.spec)),
      this.spec.earlyStopping,
    );
    if (improved && this.state.bestParameters !== null) {
      this.#beforeChange();
      this.state.keepBest(this.evaluatedWeights);
    }
    this.state.counters = counters;
  }

  /** Gives back what the garbage collector does not: files, tensors, the mapped memory, the thread. Nothing is computed any more. */
  async close(): Promise<void> {
    const { dataset, model, runtime } = this.loaded;
    dataset.close();
    await this.memory.quantiser.close();
    model.unload();
    runtime.close();
    this.memory.region?.close();
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
      const { gradientNorm } = this.#optimizer.apply({
        ...this.#summed(arena, exponents),
        scale: 1 / verdict.weight,
        learningRate,
        number: updates,
      });
      norm = gradientNorm;
      faultPoint('applying', this, this.state.parts[0]);
      this.state.accept(exponents, verdict.maxima);
      const following = exponentsFor(this.history(), exponents, this.spec.batch.microbatches);
      this.state.exponents.set(following);
      this.state.counters = { ...counters, step, updates, nonFiniteInARow: 0 };
    });
    return norm;
  }

  /**
   * The sums of an attempt as one int32 each, and their exponents. Those of two planes are rounded into the other arena,
   * for neighbours may still read this one; what lies there is of an earlier attempt, which everyone has.
   */
  #summed(arena: Arena, exponents: Int32Array): Pick<Update, 'arena' | 'exponents'> {
    if (arena.coarse === null) return { arena: arena.offset, exponents };
    const { arenas, kernels } = this.memory;
    const { offset } = arenas[arena === arenas[0] ? 1 : 0];
    const bits = narrowedBits(this.spec.batch.microbatches);
    kernels.narrow(offset, arena.offset, arena.coarse, this.layout.length, bits);
    return { arena: offset, exponents: exponents.map((exponent) => exponent - bits) };
  }
}
