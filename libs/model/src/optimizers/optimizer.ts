import assert from 'node:assert/strict';
import type { SharedMemory } from '@ringmaster/base/memory';
import type { Algorithm } from './algorithm.js';
import { OptimizerKernels } from './kernels.js';
import { averageDecayAt } from './average.js';
import { BLOCK_LENGTH, type Layout } from './layout.js';
import type { State } from './state.js';

/** What one update is made from. */
export interface Update {
  /** Byte offset of the summed int32 gradients, which are only read. */
  readonly arena: number;
  /** Fixed-point exponent of each tensor, in the order of the layout: the arena holds round(g · 2^e). */
  readonly exponents: ArrayLike<number>;
  /** Factor on every gradient, for example 1 / count where gradients are sums. */
  readonly scale: number;
  readonly learningRate: number;
  /** Number of this update, counted from 1; steps without an update are not counted. */
  readonly number: number;
}

export interface OptimizerOptions {
  readonly algorithm: Algorithm;
  /** Largest global norm that a gradient may have; a longer one is shortened to it. */
  readonly clip: number;
  /** Byte offset of `scratchBytes` that updates may overwrite; a multiple of 64. */
  readonly scratch: number;
  /** What is left of the moving average of the parameters at an update, once there were many; null for no average. */
  readonly averageDecay?: number | null;
}

export interface UpdateResult {
  /** Global L2 norm of the scaled gradient, before clipping. */
  readonly gradientNorm: number;
  readonly clipped: boolean;
}

/**
 * Updates a state in place by an algorithm, after clipping by the global norm. Every tensor is cut into blocks of 4,096
 * elements; sums of squares are folded in float64 in block order; all operations are correctly rounded. So the bytes
 * depend on nothing but the arguments.
 */
export class Optimizer {
  readonly #kernels: OptimizerKernels;
  readonly #state: State;
  readonly #algorithm: Algorithm;
  readonly #clip: number;
  readonly #scratch: number;
  readonly #averageDecay: number | null;

  /** @param state Holds the moments of the algorithm, and the average where there is a decay of it. */
  constructor(memory: SharedMemory, state: State, options: OptimizerOptions) {
    const { algorithm, clip, scratch, averageDecay = null } = options;
    const names = algorithm.moments.map(({ name }) => name);
    assert.deepEqual([...state.moments.keys()], names);
    assert.equal(state.averageParameters !== null, averageDecay !== null);
    this.#kernels = new OptimizerKernels(memory);
    this.#state = state;
    this.#algorithm = algorithm;
    this.#clip = clip;
    this.#scratch = scratch;
    this.#averageDecay = averageDecay;
  }

  /** Bytes that updates by an algorithm need beside the state. */
  static scratchBytes({ tensors }: Layout, algorithm: Algorithm): number {
    return tensors.reduce(
      (most, tensor) => Math.max(most, 4 * (algorithm.scratch?.(tensor) ?? 0)),
      0,
    );
  }

  apply(update: Update): UpdateResult {
    const { tensors } = this.#state.layout;
    assert(update.exponents.length === tensors.length, 'one exponent a tensor');
    const gradientNorm = this.#norm(update);
    const clip = clipFactor(gradientNorm, this.#clip);
    this.#update(update, clip);
    this.#average(update.number);
    return { gradientNorm, clipped: clip < 1 };
  }

  #norm({ arena, exponents, scale }: Update): number {
    let squares = 0;
    for (const [index, { offset, length }] of this.#state.layout.tensors.entries()) {
      const exponent = exponents[index] ?? 0;
      for (let from = 0; from < length; from += BLOCK_LENGTH) {
        const count = Math.min(BLOCK_LENGTH, length - from);
        squares += this.#kernels.squares(arena + 4 * (offset + from), count, exponent, scale);
      }
    }
    return Math.sqrt(squares);
  }

  #update(update: Update, clip: number): void {
    const { layout, parameters } = this.#state;
    for (const tensor of layout.tensors) {
      const { index, offset } = tensor;
      const updated = {
        tensor,
        parameters: parameters.byteOffset + 4 * offset,
        moments: this.#state.momentOffsets(tensor),
        gradients: update.arena + 4 * offset,
        scratch: this.#scratch,
        factors: { exponent: update.exponents[index] ?? 0, scale: update.scale, clip },
      };
      this.#algorithm.update(this.#kernels, updated, update);
    }
  }

  #average(number: number): void {
    const { parameters, averageParameters } = this.#state;
    if (averageParameters === null || this.#averageDecay === null) return;
    const { byteOffset, length } = averageParameters;
    const gain = 1 - averageDecayAt(number, this.#averageDecay);
    this.#kernels.average(byteOffset, parameters.byteOffset, length, gain);
  }
}

/** What a gradient of this norm is multiplied with; `torch.nn.utils.clip_grad_norm_` has the same formula. */
function clipFactor(norm: number, clip: number): number {
  return Math.min(1, clip / (norm + 1e-6));
}
