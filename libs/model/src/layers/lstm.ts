import type { LstmOptions, Tensor } from '@ringmaster/tensorflow';
import { dropout } from './dropout.js';
import { weights, type Layer, type ParameterSpec, type Pass } from './layer.js';
import type { LinearFactory, LinearLayer } from './linear.js';
import { plus } from './plus.js';
import { rowsOf } from './rows.js';
import { sideBySide } from './side-by-side.js';
import type { StackedLayer } from './stack.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

interface DirectionOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  /** Width of what is read. */
  readonly inputs: number;
  /** Width of the state (U). */
  readonly units: number;
  readonly direction: LstmOptions['direction'];
}

/**
 * An LSTM in one direction, with one bias for each gate; the gates are the input, forget, cell and output gates, as in
 * `torch.nn.LSTM`. What is read is projected in the precision of products, the recurrence is float32.
 */
class LstmDirection implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #input: LinearLayer;
  readonly #weight: string;
  readonly #direction: LstmOptions['direction'];

  constructor(name: string, { linear, inputs, units, direction }: DirectionOptions) {
    // The variance of the uniform distribution that PyTorch draws from.
    const deviation = 1 / Math.sqrt(3 * units);
    this.#input = linear(`${name}.input`, inputs, 4 * units, deviation);
    this.#weight = `${name}.recurrent.weight`;
    this.#direction = direction;
    this.parameters = [
      ...this.#input.parameters,
      weights(this.#weight, [4 * units, units], deviation),
    ];
  }

  /** x [B·T, inputs] → states [B·T,U]. */
  forward(pass: Pass, x: Value, { sequences, lengths }: Stream): Value {
    const { tape, kernels, weight } = pass;
    const projected = this.#input.forward(pass, x);
    const options = { sequences, lengths, direction: this.#direction };
    const result = kernels.lstm(projected.tensor, weight(this.#weight), options);
    const recorded = {
      inputs: [projected],
      saved: [result.states, ...result.saved],
      parameters: [this.#weight],
    };
    return tape.record(result.states, recorded, (dy, give) => {
      const found = kernels.lstmGradient(dy, weight(this.#weight), result, options);
      give.parameter(this.#weight, (sum) =>
        plus(pass, sum, gradientOf(pass, found.dProjected, found.previous)),
      );
      give(projected, (sum) => plus(pass, sum, found.dProjected));
    });
  }
}

/** dProjectedᵀ · previous [4U,U], float32. */
function gradientOf({ ops }: Pass, dProjected: Tensor, previous: Tensor): Tensor {
  const product = ops.matmul(ops.factor(dProjected), ops.factor(previous), { transposeX: true });
  return ops.float32(product);
}

export interface BidirectionalLstmOptions extends Omit<DirectionOptions, 'direction'> {
  /** Rate of the dropout of what the layer puts out. */
  readonly dropout: number;
}

/** Two LSTMs, of which one reads each sequence from its beginning and one from its end; their states stand side by side. */
export class BidirectionalLstm implements StackedLayer {
  readonly parameters: readonly ParameterSpec[];
  readonly #name: string;
  readonly #forward: LstmDirection;
  readonly #backward: LstmDirection;
  readonly #dropout: number;

  constructor(name: string, { dropout, ...options }: BidirectionalLstmOptions) {
    this.#name = name;
    this.#forward = new LstmDirection(`${name}.forward`, { ...options, direction: 'forward' });
    this.#backward = new LstmDirection(`${name}.backward`, { ...options, direction: 'backward' });
    this.#dropout = dropout;
    this.parameters = [...this.#forward.parameters, ...this.#backward.parameters];
  }

  /** x [B·T, inputs] → [K,2U] at `rows`, [B·T,2U] where that is null. */
  forward(pass: Pass, x: Value, stream: Stream, rows: Tensor | null): Value {
    const forth = this.#forward.forward(pass, pass.tape.fork(x), stream);
    const back = this.#backward.forward(pass, x, stream);
    const states = dropout(pass, sideBySide(pass, forth, back), this.#dropout, this.#name);
    return rows === null ? states : rowsOf(pass, states, rows);
  }
}
