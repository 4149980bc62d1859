import { log } from '@ringmaster/base';
import type { Ops, Tensor } from '@ringmaster/tensorflow';
import type { Activation } from '../kernels.js';

/** The factor of x [N,C] in its activation; float32. */
export function gate(ops: Ops, kind: Activation, x: Tensor): Tensor {
  return kind === 'gelu' ? normalDistribution(ops, x) : logistic(ops, x);
}

/** The derivative of x ∘ gate(x): gate + x ∘ gate′(x). */
export function slope(ops: Ops, kind: Activation, x: Tensor): Tensor {
  const open = gate(ops, kind, x);
  const tilt = kind === 'gelu' ? normalDensity(ops, x) : logisticSlope(ops, x, open);
  return ops.chain(tilt).add(open).value;
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
    .add(-0.5 * log(2 * Math.PI))
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

function logisticSlope(ops: Ops, x: Tensor, open: Tensor): Tensor {
  return ops
    .chain(x)
    .square()
    .multiply(3 * CUBIC)
    .add(LINEAR)
    .multiply(x)
    .sigmoidGradient(open).value;
}
