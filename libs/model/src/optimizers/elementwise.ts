import type { Algorithm, UpdateScalars } from './algorithm.js';
import type { UpdateLoop } from './kernels.js';
import { perElement, type Moment } from './moment.js';

/** An algorithm that changes each element by its own gradient alone: one loop of `assembly/` over a tensor. */
export interface Elementwise extends Algorithm {
  readonly loop: UpdateLoop;
  /**
   * Arguments of the loop after those that all loops have, in its order.
   * @param decays Whether weight decay applies to the tensor.
   */
  coefficients(scalars: UpdateScalars, decays: boolean): readonly number[];
}

/** The algorithm of a loop, its moments and coefficients. */
export function elementwise({
  loop,
  moments,
  coefficients,
}: Pick<Elementwise, 'loop' | 'moments' | 'coefficients'>): Elementwise {
  return {
    loop,
    moments,
    coefficients,
    update(kernels, { tensor, factors, ...offsets }, scalars) {
      const range = { ...offsets, length: tensor.length };
      kernels.update(loop, range, factors, coefficients(scalars, tensor.group === 'decay'));
    },
  };
}

/** Moments of Adam (Kingma and Ba, 2015): running means of the gradient and of its square. */
export const ADAM_MOMENTS: readonly Moment[] = ['firstMoments', 'secondMoments'].map(perElement);
