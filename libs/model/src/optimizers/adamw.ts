import assert from 'node:assert/strict';

import { OptimizerKernels, type AdamWCoefficients, type SharedMemory } from './kernels.js';
import { BLOCK_LENGTH, type Layout } from './layout.js';

/** Settings of AdamW that hold for a whole run; the names are those of a job file's `optimizer`. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled decay of the `decay` group, per unit of learning rate. */
  readonly weightDecay: number;
  /** Largest global norm that a gradient may have; a longer one is shortened to it. */
  readonly clip: number;
}

/** Byte offsets of the parameters and moments in the shared memory, each laid out by the same `Layout`. */
export interface StateOffsets {
  readonly parameters: number;
  readonly firstMoments: number;
  readonly secondMoments: number;
}

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
 * AdamW with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019) after
 * clipping by the global norm, in place over flat buffers. Every tensor is cut into blocks of 4,096 elements; sums of
 * squares are folded in float64 in block order; all operations are correctly rounded. So the bytes depend on nothing
 * but the arguments.
 */
export class AdamW {
  readonly #kernels: OptimizerKernels;
  readonly #layout: Layout;
  readonly #offsets: StateOffsets;
  readonly #settings: AdamWSettings;

  constructor(
    memory: SharedMemory,
    layout: Layout,
    offsets: StateOffsets,
    settings: AdamWSettings,
  ) {
    this.#kernels = new OptimizerKernels(memory);
    this.#layout = layout;
    this.#offsets = offsets;
    this.#settings = settings;
  }

  apply(update: Update): UpdateResult {
    assert(update.exponents.length === this.#layout.tensors.length, 'one exponent a tensor');
    const gradientNorm = this.#norm(update);
    const clip = clipFactor(gradientNorm, this.#settings.clip);
    this.#update(update, clip);
    return { gradientNorm, clipped: clip < 1 };
  }

  #norm({ arena, exponents, scale }: Update): number {
    let squares = 0;
    for (const [index, { offset, length }] of this.#layout.tensors.entries()) {
      const exponent = exponents[index] ?? 0;
      for (let from = 0; from < length; from += BLOCK_LENGTH) {
        const count = Math.min(BLOCK_LENGTH, length - from);
        squares += this.#kernels.squares(arena + 4 * (offset + from), count, exponent, scale);
      }
    }
    return Math.sqrt(squares);
  }

  #update(update: Update, clip: number): void {
    const { arena, exponents } = update;
    const decaying = coefficients(this.#settings, update, clip);
    const still = { ...decaying, shrink: 1 };
    const { parameters, firstMoments, secondMoments } = this.#offsets;
    for (const [index, { offset, length, group }] of this.#layout.tensors.entries()) {
      const at = {
        parameters: parameters + 4 * offset,
        firstMoments: firstMoments + 4 * offset,
        secondMoments: secondMoments + 4 * offset,
        gradients: arena + 4 * offset,
      };
      const exponent = exponents[index] ?? 0;
      this.#kernels.adamw(at, length, exponent, group === 'decay' ? decaying : still);
    }
  }
}

/** What a gradient of this norm is multiplied with; `torch.nn.utils.clip_grad_norm_` has the same formula. */
function clipFactor(norm: number, clip: number): number {
  return Math.min(1, clip / (norm + 1e-6));
}

function coefficients(
  { beta1, beta2, epsilon, weightDecay }: AdamWSettings,
  { learningRate, number, scale }: Update,
  clip: number,
): AdamWCoefficients {
  return {
    scale,
    clip,
    beta1,
    gain1: 1 - beta1,
    beta2,
    gain2: 1 - beta2,
    shrink: 1 - learningRate * weightDecay,
    rate: learningRate / (1 - power(beta1, number)),
    root: 1 / Math.sqrt(1 - power(beta2, number)),
    epsilon,
  };
}

/** base^exponent by squaring: what `**` gives is left to the engine. */
function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}
