import type { AdamSettings } from './adamw.js';
import { biasCorrection } from './algorithm.js';
import { ADAM_MOMENTS, elementwise, type Elementwise } from './elementwise.js';

/**
 * Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015). Weight decay is a part of the gradient,
 * as in `torch.optim.Adam`: a decaying weight p adds weightDecay · p to its clipped gradient.
 */
export function adam({ beta1, beta2, epsilon, weightDecay }: AdamSettings): Elementwise {
  return elementwise({
    loop: 'adam',
    moments: ADAM_MOMENTS,
    coefficients({ learningRate, number }, decays) {
      const rate = learningRate / biasCorrection(beta1, number);
      const root = 1 / Math.sqrt(biasCorrection(beta2, number));
      const decay = decays ? weightDecay : 0;
      return [beta1, 1 - beta1, beta2, 1 - beta2, decay, rate, root, epsilon];
    },
  });
}
