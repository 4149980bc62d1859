import { elementwise, type Elementwise } from './elementwise.js';
import { perElement } from './moment.js';

/** Settings of Lion; the names are those of a job file's `optimizer`. */
export interface LionSettings {
  /** Share of the mean in what gives an update its direction. */
  readonly beta1: number;
  /** Decay rate of the mean. */
  readonly beta2: number;
  readonly weightDecay: number;
}

/**
 * Lion (Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023): every element moves by the learning
 * rate, in the direction of a running mean of gradients. Weight decay is decoupled. The state has one moment.
 */
export function lion({ beta1, beta2, weightDecay }: LionSettings): Elementwise {
  return elementwise({
    loop: 'lion',
    moments: [perElement('firstMoments')],
    coefficients({ learningRate }, decays) {
      const shrink = decays ? 1 - learningRate * weightDecay : 1;
      return [beta1, 1 - beta1, beta2, 1 - beta2, shrink, learningRate];
    },
  });
}
