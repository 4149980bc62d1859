import { biasCorrection } from './algorithm.js';
import { ADAM_MOMENTS, elementwise, type Elementwise } from './elementwise.js';

/** Settings of Adam and AdamW; the names are those of a job file's `optimizer`. */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).
 * A decaying weight loses weightDecay · learning rate of itself in each update.
 */
export function adamW({ beta1, beta2, epsilon, weightDecay }: AdamSettings): Elementwise {
  return elementwise({
    loop: 'adamw',
    moments: ADAM_MOMENTS,
    coefficients({ learningRate, number }, decays) {
      const shrink = decays ? 1 - learningRate * weightDecay : 1;
      const rate = learningRate / biasCorrection(beta1, number);
      const root = 1 / Math.sqrt(biasCorrection(beta2, number));
      return [beta1, 1 - beta1, beta2, 1 - beta2, shrink, rate, root, epsilon];
    },
  });
}
