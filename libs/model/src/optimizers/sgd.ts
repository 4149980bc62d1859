import { elementwise, type Elementwise } from './elementwise.js';
import { perElement } from './moment.js';

/** Settings of stochastic gradient descent; the names are those of a job file's `optimizer`. */
export interface SgdSettings {
  /** Factor on the velocity from one update to the next; 0 for no velocity. */
  readonly momentum: number;
  /** Whether the gradient is followed from where the velocity leads (Nesterov, 1983). */
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/**
 * Stochastic gradient descent with momentum (Sutskever et al., "On the importance of initialization and momentum in deep
 * learning", ICML 2013) in the form of `torch.optim.SGD`: the velocity is a sum of gradients without the learning rate.
 * Weight decay is a part of the gradient. Without momentum there is no velocity in the state.
 */
export function sgd({ momentum, nesterov, weightDecay }: SgdSettings): Elementwise {
  const decayOf = (decays: boolean) => (decays ? weightDecay : 0);
  if (momentum === 0)
    return elementwise({
      loop: 'sgd',
      moments: [],
      coefficients: ({ learningRate }, decays) => [decayOf(decays), learningRate],
    });
  const [ahead, carried] = nesterov ? [1, momentum] : [0, 1];
  return elementwise({
    loop: 'momentum',
    moments: [perElement('velocities')],
    coefficients: ({ learningRate }, decays) => [
      momentum,
      decayOf(decays),
      learningRate,
      ahead,
      carried,
    ],
  });
}
