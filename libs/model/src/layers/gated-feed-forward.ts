import type { GateKind } from '@ringmaster/tensorflow';
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
}

/** down(activation(gate(x)) ∘ up(x)) at every position, without biases (Shazeer, 2020): with silu it is SwiGLU. */
export class GatedFeedForward implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #activation: GateKind;
  readonly #gate: LinearLayer;
  readonly #up: LinearLayer;
  readonly #down: LinearLayer;

  constructor(name: string, options: GatedFeedForwardOptions) {
    const { linear, hidden, intermediate, activation } = options;
    const { deviation, residualDeviation } = options;
    const bias = false;
    this.#activation = activation;
    this.#gate = linear(`${name}.gate`, hidden, intermediate, deviation, { bias });
    this.#up = linear(`${name}.up`, hidden, intermediate, deviation, { bias });
    this.#down = linear(`${name}.down`, intermediate, hidden, residualDeviation, { bias });
    this.parameters = [this.#gate, this.#up, this.#down].flatMap(({ parameters }) => parameters);
  }

  /** x T[N,H] → T[N,H]. */
  forward(pass: Pass, x: Value): Branch {
    const gate = this.#gate.product(pass, pass.tape.fork(x));
    const up = this.#up.product(pass, x);
    const inner = gated(pass, this.#activation, gate, up);
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
