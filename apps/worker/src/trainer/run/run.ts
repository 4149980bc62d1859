import type { Kernels, Lanes, SharedArena, SharedRegion } from '@ringmaster/allreduce';
import {
  algorithmOf,
  Layout,
  Optimizer,
  stateHash,
  type Model,
  type ParameterRange,
  type State,
} from '@ringmaster/model';
import { metricsOf, taskIn, type JobSpec, type Launch, type Position } from '@ringmaster/protocol';
import type { BoundTask, Metrics } from '@ringmaster/tasks';
import type { Runtime } from '@ringmaster/tensorflow';
import type { Artifacts } from '../../artifacts/types.js';
import { faultPoint } from '../../faults/fault-point.js';
import type { Quantiser } from '../quantising/quantiser.js';
import { cutBuckets, type Buckets } from '../step/buckets.js';
import { exponentsFor, type Verdict } from '../step/verdict.js';
import { afterEvaluation, evaluationsBy } from './early-stopping.js';
import type { Frozen } from './frozen.js';
import { allocateMemory, type Arena, type EvaluationLanes } from './memory-layout.js';

export interface RunParts {
  readonly launch: Launch;
  readonly artifacts: Artifacts;
  readonly runtime: Runtime;
  readonly model: Model;
  readonly task: BoundTask;
  /** Steps of the whole run. */
  readonly steps: number;
  readonly frozen: Frozen;
  /** Makes the values of the trained parameters at step 0, by name. They take much memory and are hardly ever needed twice. */
  readonly initialValues: () => Promise<(name: string) => Float32Array>;
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
  readonly task: BoundTask;
  readonly steps: number;
  readonly layout: Layout;
  readonly buckets: Buckets;
  readonly memory: SharedArena;
  readonly region: SharedRegion | null;
  readonly kernels: Kernels;
  readonly lanes: Lanes;
  readonly evaluation: EvaluationLanes;
  readonly quantiser: Quantiser;
  readonly state: State;
  readonly #arenas: readonly [Arena, Arena];
  readonly #optimizer: Optimizer;
  readonly #frozen: Frozen['values'];
  readonly #initialValues: RunParts['initialValues'];
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
      initialValues: this.#initialValues,
    } = parts);
    this.spec = parts.launch.spec;
    const { optimizer, earlyStopping } = this.spec;
    const algorithm = algorithmOf(optimizer);
    this.#frozen = parts.frozen.values;
    this.layout = Layout.of(this.model.trained);
    this.buckets = cutBuckets(this.layout);
    ({
      memory: this.memory,
      region: this.region,
      kernels: this.kernels,
      state: this.state,
      lanes: this.lanes,
      arenas: this.#arenas,
      evaluation: this.evaluation,
      quantiser: this.quantiser,
    } = allocateMemory(this.layout, {
      microbatches: this.spec.batch.microbatches,
      evaluation: {
        microbatches: this.task.evaluationMicrobatches('validation'),
        numbers: this.task.measures.length,
      },
      state: {
        moments: algorithm.moments,
        frozen: parts.frozen.hash,
        keepsBest: earlyStopping !== undefined,
      },
    }));
    const { memory } = this.memory;
    this.#optimizer = new Optimizer(memory, this.state, algorithm, optimizer.clip);
    this.model.load((name) => this.valuesOf(name, 'parameters'));
  }

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
    if (evaluation === undefined || this.evaluation.lanes.shape.microbatches === 0) return false;
    const { evaluations, stopped } = this.state.counters;
    return !stopped && evaluations < evaluationsBy(this.step, this.steps, evaluation.every);
  }

  /**
   * The weights that the finished model has: with early stopping those of the best evaluation, if one was made; else
   * those of the last step.
   */
  get finalWeights(): { readonly step: number; readonly range: ParameterRange } {
    const { best } = this.state.counters;
    return best === null || this.state.bestParameters === null
      ? { step: this.step, range: 'parameters' }
      : { step: best.step, range: 'bestParameters' };
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
   * still be reading the one before.
   */
  nextArena(): Arena {
    const arena = this.#arenas[this.#attempts++ % 2 === 0 ? 0 : 1];
    this.lanes.clear(arena.lanes);
    return arena;
  }

  /** Makes the state of step 0 from the specification. */
  async initialise(): Promise<void> {
    const values = await this.#initialValues();
    this.replace(() => {
      this.state.clear();
      for (const tensor of this.layout.tensors) {
        this.state.view('parameters', tensor).set(values(tensor.name));
      }
    });
  }

  /**
   * Changes the state and takes it into use: the model computes with it from now on. Where something fails on the way,
   * the run has no state until another is put in place, for the model and the state might differ.
   */
  replace(change: () => void): void {
    this.#initialised = false;
    change();
    this.#loadModel('parameters');
    this.#initialised = true;
  }

  /** Says that the state is about to be overwritten, or is not to be used: the run has none until another is put in place. */
  forget(): void {
    this.#initialised = false;
  }

  /** Gives the model the final weights. The run is over: nothing is computed on its parameters any more. */
  loadFinalWeights(): void {
    this.#loadModel(this.finalWeights.range);
  }

  #loadModel(range: ParameterRange): void {
    this.model.update((name) => this.valuesOf(name, range));
  }

  /** The values of a parameter; one that is frozen has always the same. */
  valuesOf(name: string, range: ParameterRange): Float32Array {
    return this.#frozen.get(name) ?? this.state.view(range, this.layout.tensor(name));
  }

  /** Ends an evaluation: it is counted, and what it found may be the best so far or end the training. */
  concludeEvaluation(metrics: Metrics | null): void {
    const { counters, improved } = afterEvaluation(
      this.state.counters,
      metrics,
      metricsOf(taskIn(this.spec)),
      this.spec.earlyStopping,
    );
    if (improved) this.state.keepBest();
    this.state.counters = counters;
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
        arena: arena.offset,
        exponents,
        scale: 1 / verdict.counted,
        learningRate,
        number: updates,
      });
      norm = gradientNorm;
      faultPoint('applying', this, this.state.bytes);
      this.state.accept(exponents, verdict.maxima);
      const following = exponentsFor(this.history(), exponents, this.spec.batch.microbatches);
      this.state.exponents.set(following);
      this.state.counters = { ...counters, step, updates, nonFiniteInARow: 0 };
    });
    return norm;
  }
}
