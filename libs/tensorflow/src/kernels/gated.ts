import type { Ops } from '../runtime/ops.js';
import type { Tensor } from '../runtime/tensor.js';
import { gate, slope, type Gate } from './activation.js';
import { asType } from './composed.js';
import { pair, typed } from './native.js';

export interface GatedKernels {
  /** A gated linear unit (Shazeer, 2020): activation(gate) ∘ up for T[N,C] both, T[N,C]. */
  gated(kind: GateKind, gate: Tensor, up: Tensor): Tensor;

  /** The gradient through `gated` of dy T[N,C]: T[N,C] both. */
  gatedGradient(
    kind: GateKind,
    dy: Tensor,
    gate: Tensor,
    up: Tensor,
  ): { readonly dGate: Tensor; readonly dUp: Tensor };
}

/** Activations of gates: that of SwiGLU, which LLaMA has, and that of T5 1.1. */
export type GateKind = Extract<Gate, 'silu' | 'gelu-tanh'>;

const OPERATIONS: Readonly<Record<GateKind, string>> = {
  silu: 'RingmasterGatedSilu',
  'gelu-tanh': 'RingmasterGatedGeluTanh',
};

/** native/gated.h */
export function nativeGated({ runtime }: Ops): GatedKernels {
  return {
    gated: (kind, gate, up) => runtime.execute(OPERATIONS[kind], [gate, up], typed(gate)),

    gatedGradient(kind, dy, gate, up) {
      const operation = `${OPERATIONS[kind]}Gradient`;
      const [dGate, dUp] = pair(runtime.executeMany(operation, [dy, gate, up], typed(gate), 2));
      return { dGate, dUp };
    },
  };
}

export function composedGated(ops: Ops): GatedKernels {
  return {
    gated: (kind, x, up) =>
      ops.runtime.scope(() => {
        const wide = ops.float32(x);
        const open = ops.chain(gate(ops, kind, wide)).multiply(wide);
        return asType(ops, x.dtype, open.multiply(ops.float32(up)).value);
      }),

    gatedGradient: (kind, dy, x, up) =>
      ops.runtime.scope(() => {
        const wide = ops.float32(x);
        const slopes = ops.float32(dy);
        const open = ops.chain(gate(ops, kind, wide)).multiply(wide);
        const dUp = open.multiply(slopes).value;
        const tilted = ops.chain(slope(ops, kind, wide)).multiply(ops.float32(up));
        const dGate = tilted.multiply(slopes).value;
        return { dGate: asType(ops, x.dtype, dGate), dUp: asType(ops, x.dtype, dUp) };
      }),
  };
}
