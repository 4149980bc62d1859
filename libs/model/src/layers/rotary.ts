import { cos, exp, log, sin } from '@ringmaster/base';
import type { Tensor } from '@ringmaster/tensorflow';

import type { Pass } from './layer.js';
import { plus } from './plus.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

export interface RotaryOptions {
  /** Width of a head (D), even. */
  readonly depth: number;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** The wave length of the last angle is nearly 2π times this; 10,000 in the paper. */
  readonly base: number;
  /** Frequency, in radians a token → the one that is used: longer contexts than a model was trained on turn slower. */
  readonly scaling?: (frequency: number) => number;
}

/**
 * Rotary positions (Su et al., "RoFormer", 2021), as LLaMA has them: in every head elements d and d + D/2 of the token at
 * position t are turned by t · base^(−2d/D).
 */
export class Rotary {
  readonly #key: string;
  readonly #options: RotaryOptions;

  constructor(options: RotaryOptions) {
    this.#options = options;
    this.#key = `rotary${options.context},${frequencies(options).join()}`;
  }

  /** x T[B·T,AD] → T[B·T,AD]. */
  forward(pass: Pass, x: Value, { length, past }: Stream): Value {
    const { tape, ops, kernels } = pass;
    const table = this.#table(pass);
    if (past !== undefined) {
      const rows = ops.gatherRows(table, past.positions);
      const turned = kernels.rotate(x.tensor, rows, x.tensor.shape[0] ?? 0, 'forth');
      tape.release(x);
      return tape.input(turned);
    }
    const output = kernels.rotate(x.tensor, table, length, 'forth');
    return tape.record(output, { inputs: [x], saved: [], parameters: [] }, (dy, give) => {
      give(x, (sum) => plus(pass, sum, kernels.rotate(dy, table, length, 'back')));
    });
  }

  #table({ ops: { runtime } }: Pass): Tensor {
    const { context, depth } = this.#options;
    return runtime.constant(this.#key, () =>
      runtime.upload(rotaryTable(this.#options), [context, depth]),
    );
  }
}

function frequencies({ depth, base, scaling = (frequency) => frequency }: RotaryOptions): number[] {
  const logBase = log(base);
  return Array.from({ length: depth / 2 }, (_, d) => scaling(exp((-2 * d * logBase) / depth)));
}

/** The cosines of the angles of each position, then the sines: [context, D]. */
function rotaryTable(options: RotaryOptions): Float32Array {
  const { context, depth } = options;
  const turns = frequencies(options);
  const table = new Float32Array(context * depth);
  for (let position = 0; position < context; position++)
    turns.forEach((frequency, d) => {
      const angle = position * frequency;
      table[position * depth + d] = cos(angle);
      table[position * depth + depth / 2 + d] = sin(angle);
    });
  return table;
}
