import { log } from '@ringmaster/base';
import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';

import { asType, biased } from './composed.js';
import { pair, typed, zeroBias } from './native.js';

/** Gaussian error linear units (Hendrycks and Gimpel, 2016): exact, and GPT-2's tanh form (`gelu_new`). */
export type Activation = 'gelu' | 'gelu-tanh';

/** What has a factor of x that goes from 0 to 1: the above, and sigmoid linear units (Elfwing, Uchibe and Doya, 2018). */
export type Gate = Activation | 'silu';

export interface ActivationKernels {
  /** activation(x + bias) for x T[N,C] and bias [C], null for none: T[N,C]. */
  activate(kind: Activation, x: Tensor, bias: Tensor | null): Tensor;

  /** The gradient through `activate` of dy T[N,C]: dx T[N,C] and, whether there is a bias or not, dBias [C]. */
  activateGradient(
    kind: Activation,
    dy: Tensor,
    x: Tensor,
    bias: Tensor | null,
  ): { readonly dx: Tensor; readonly dBias: Tensor };
}

const OPERATIONS: Readonly<Record<Activation, string>> = {
  gelu: 'RingmasterGelu',
  'gelu-tanh': 'RingmasterGeluTanh',
};

/** native/activation.h */
export function nativeActivation({ runtime }: Ops): ActivationKernels {
  return {
    activate: (kind, x, bias) =>
      runtime.execute(OPERATIONS[kind], [x, bias ?? zeroBias(runtime, x)], typed(x)),

    activateGradient(kind, dy, x, bias) {
      const inputs = [dy, x, bias ?? zeroBias(runtime, x)];
      const operation = `${OPERATIONS[kind]}Gradient`;
      const [dx, dBias] = pair(runtime.executeMany(operation, inputs, typed(x), 2));
      return { dx, dBias };
    },
  };
}

export function composedActivation(ops: Ops): ActivationKernels {
  return {
    activate: (kind, x, bias) =>
      ops.runtime.scope(() => {
        const wide = biased(ops, x, bias);
        return asType(ops, x.dtype, ops.chain(gate(ops, kind, wide)).multiply(wide).value);
      }),

    activateGradient: (kind, dy, x, bias) =>
      ops.runtime.scope(() => {
        const wide = biased(ops, x, bias);
        const dx = ops.chain(slope(ops, kind, wide)).multiply(ops.float32(dy)).value;
        return { dx: asType(ops, x.dtype, dx), dBias: ops.columnSums(dx) };
      }),
  };
}

/** The factor of x [N,C] in its activation; float32. */
export function gate(ops: Ops, kind: Gate, x: Tensor): Tensor {
  return GATES[kind].gate(ops, x);
}

/** The derivative of x ∘ gate(x): gate + x ∘ gate′(x). */
export function slope(ops: Ops, kind: Gate, x: Tensor): Tensor {
  const open = gate(ops, kind, x);
  return ops.chain(GATES[kind].tilt(ops, x, open)).add(open).value;
}

/** Factors of activations, and x ∘ the derivative of a factor that is `open`. */
const GATES: Readonly<
  Record<
    Gate,
    {
      readonly gate: (ops: Ops, x: Tensor) => Tensor;
      readonly tilt: (ops: Ops, x: Tensor, open: Tensor) => Tensor;
    }
  >
> = {
  gelu: { gate: normalDistribution, tilt: normalDensity },
  'gelu-tanh': { gate: logistic, tilt: logisticSlope },
  silu: {
    gate: (ops, x) => ops.chain(x).sigmoid().value,
    tilt: (ops, x, open) => ops.chain(x).sigmoidGradient(open).value,
  },
};

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
