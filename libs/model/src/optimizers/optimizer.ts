import assert from 'node:assert/strict';
import type { SharedMemory } from '@ringmaster/base/memory';
import type { Algorithm } from './algorithm.js';
import { OptimizerKernels } from './kernels.js';
import { BLOCK_LENGTH } from './layout.js';
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

  /**
   * @param state Holds the moments of the algorithm.
   * @param clip Largest global norm that a gradient may have; a longer one is shortened to it.
   */
  constructor(memory: SharedMemory, state: State, algorithm: Algorithm, clip: number) {
    assert.deepEqual([...state.moments.keys()], algorithm.moments);
    this.#kernels = new OptimizerKernels(memory);
    this.#state = state;
    this.#algorithm = algorithm;
    this.#clip = clip;
  }

  apply(update: Update): UpdateResult {
    const { tensors } = this.#state.layout;
    assert(update.exponents.length === tensors.length, 'one exponent a tensor');
    const gradientNorm = this.#norm(update);
    const clip = clipFactor(gradientNorm, this.#clip);
    this.#update(update, clip);
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
    const { loop } = this.#algorithm;
    const { layout, parameters, moments } = this.#state;
    const decaying = this.#algorithm.coefficients(update, true);
    const still = this.#algorithm.coefficients(update, false);
    for (const [index, { offset, length, group }] of layout.tensors.entries()) {
      const range = {
        parameters: parameters.byteOffset + 4 * offset,
        moments: Array.from(moments.values(), ({ byteOffset }) => byteOffset + 4 * offset),
        gradients: update.arena + 4 * offset,
        length,
      };
      const factors = { exponent: update.exponents[index] ?? 0, scale: update.scale, clip };
      const coefficients = group === 'decay' ? decaying : still;
      this.#kernels.update(loop, range, factors, coefficients);
    }
  }
}

/** What a gradient of this norm is multiplied with; `torch.nn.utils.clip_grad_norm_` has the same formula. */
function clipFactor(norm: number, clip: number): number {
  return Math.min(1, clip / (norm + 1e-6));
}
