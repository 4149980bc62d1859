import type { Ops } from '../engine/ops.js';
import type { Tensor } from '../engine/tensor.js';

/** Gaussian error linear units (Hendrycks and Gimpel, 2016): exact, and GPT-2's tanh form (`gelu_new`). */
export type Activation = 'gelu' | 'gelu-tanh';

export interface ActivationSaved {
  readonly x: Tensor;
  /** The factor of x in the output, of the shape of x. */
  readonly gate: Tensor;
}

/** y = x ∘ gate(x); takes ownership of x, which it saves. */
export function activate(
  ops: Ops,
  kind: Activation,
  x: Tensor,
): { output: Tensor; saved: ActivationSaved } {
  const gate = kind === 'gelu' ? normalDistribution(ops, x) : logistic(ops, x);
  return { output: ops.chain(x).multiply(gate).value, saved: { x, gate } };
}

/** dx = dy ∘ (gate + x ∘ gate′(x)). */
export function activateBackward(
  ops: Ops,
  kind: Activation,
  dy: Tensor,
  { x, gate }: ActivationSaved,
): Tensor {
  const slope = kind === 'gelu' ? normalDensity(ops, x) : logisticSlope(ops, x, gate);
  const dx = ops.chain(slope).add(gate).multiply(dy).value;
  ops.runtime.free(slope);
  return dx;
}

/** Φ(x) = (1 + erf(x / √2)) / 2. */
function normalDistribution(ops: Ops, x: Tensor): Tensor {
  return ops.chain(x).multiply(Math.SQRT1_2).erf().multiply(0.5).add(0.5).value;
}

/** x ∘ φ(x) = x ∘ exp(−x²/2) / √(2π). */
function normalDensity(ops: Ops, x: Tensor): Tensor {
  return ops
    .chain(x)
    .square()
    .multiply(-0.5)
    .add(-0.5 * Math.log(2 * Math.PI))
    .exp()
    .multiply(x).value;
}

// (1 + tanh u) / 2 = sigmoid(2u), so with v = 2u = x (LINEAR + CUBIC x²) the gate is sigmoid(v) and its slope is
// sigmoid′(v) (LINEAR + 3 CUBIC x²).
const LINEAR = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = LINEAR * 0.044715;

function logistic(ops: Ops, x: Tensor): Tensor {
  return ops.chain(x).square().multiply(CUBIC).add(LINEAR).multiply(x).sigmoid().value;
}

function logisticSlope(ops: Ops, x: Tensor, gate: Tensor): Tensor {
  return ops
    .chain(x)
    .square()
    .multiply(3 * CUBIC)
    .add(LINEAR)
    .multiply(x)
    .sigmoidGradient(gate).value;
}
