import type { GateKind } from '@ringmaster/tensorflow';
import { dropout } from './dropout.js';
import type { Branch, Layer, ParameterSpec, Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import type { Value } from './tape.js';

export interface GatedFeedForwardOptions {
  /** Makes the projections. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  readonly intermediate: number;
  readonly activation: GateKind;
  readonly deviation: number;
  /** Standard deviation of the initial last projection. */
  readonly residualDeviation: number;
  /** Rate of the dropout of what is gated; none unless said otherwise. */
  readonly innerDropout?: number;
}

/**
 * down(dropout(activation(gate(x)) ∘ up(x))) at every position, without biases (Shazeer, 2020): with silu it is SwiGLU,
 * with gelu-tanh T5's GEGLU.
 */
export class GatedFeedForward implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #activation: GateKind;
  readonly #dropout: number;
  readonly #gate: LinearLayer;
  readonly #up: LinearLayer;
  readonly #down: LinearLayer;

  constructor(name: string, options: GatedFeedForwardOptions) {
    const { linear, hidden, intermediate, activation } = options;
    const { deviation, residualDeviation, innerDropout = 0 } = options;
    const bias = false;
    this.#name = name;
    this.#activation = activation;
    this.#dropout = innerDropout;
    this.#gate = linear(`${name}.gate`, hidden, intermediate, deviation, { bias });
    this.#up = linear(`${name}.up`, hidden, intermediate, deviation, { bias });
    this.#down = linear(`${name}.down`, intermediate, hidden, residualDeviation, { bias });
    this.parameters = [this.#gate, this.#up, this.#down].flatMap(({ parameters }) => parameters);
  }

  /** x T[N,H] → T[N,H]. */
  forward(pass: Pass, x: Value): Branch {
    const gate = this.#gate.product(pass, pass.tape.fork(x));
    const up = this.#up.product(pass, x);
    const open = gated(pass, this.#activation, gate, up);
    const inner = dropout(pass, open, this.#dropout, `${this.#name}.inner`);
    return { output: this.#down.product(pass, inner), bias: null, rows: null };
  }
}

/** activation(gate) ∘ up for T[N,C] both: T[N,C]. */
function gated(pass: Pass, kind: GateKind, gate: Value, up: Value): Value {
  const { tape, kernels } = pass;
  const output = kernels.gated(kind, gate.tensor, up.tensor);
  const recorded = { inputs: [gate, up], saved: [gate.tensor, up.tensor], parameters: [] };
  return tape.record(output, recorded, (dy, give) => {
    const { dGate, dUp } = kernels.gatedGradient(kind, dy, gate.tensor, up.tensor);
    give(up, (sum) => plus(pass, sum, dUp));
    give(gate, (sum) => plus(pass, sum, dGate));
  });
}
