import type { Tensor } from '@ringmaster/tensorflow';
import type { Layer, ParameterSpec, Pass } from './layer.js';
import type { Stream } from './stream.js';
import type { Value } from './tape.js';

/** A layer of a stack. */
export interface StackedLayer extends Layer {
  /**
   * x [B·T,H] → [K,H] at `rows`, int32 [K], or [B·T,H] where that is null.
   * @param shared What all layers of the stack read, used up by each.
   */
  forward(
    pass: Pass,
    x: Value,
    stream: Stream,
    rows: Tensor | null,
    ...shared: readonly Value[]
  ): Value;
}

export interface StackOptions {
  /** Whether layers keep nothing but their inputs, and compute the rest again in backward: activation checkpointing. */
  readonly recompute: boolean;
}

/**
 * Layers one after the other. From the last one on, only the rows that the head reads are computed: of a masked language
 * model a sixth, of a classifier one a sequence.
 */
export class Stack implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #layers: readonly StackedLayer[];
  readonly #recompute: boolean;

  constructor(layers: readonly StackedLayer[], { recompute }: StackOptions) {
    this.#layers = layers;
    this.#recompute = recompute;
    this.parameters = layers.flatMap((layer) => layer.parameters);
  }

  /**
   * x [B·T,H] → [K,H] at the rows that are read.
   * @param shared What every layer is given beside its input, each another tensor.
   */
  forward(pass: Pass, x: Value, stream: Stream, ...shared: readonly Value[]): Value {
    const { tape } = pass;
    const output = this.#layers.reduce((input, layer) => {
      const rows = layer === this.#layers.at(-1) ? stream.read : null;
      const given = shared.map((value) => tape.fork(value));
      return this.#recompute
        ? tape.checkpoint([input, ...given], (inner, kept, ...others) =>
            layer.forward({ ...pass, tape: inner }, kept, stream, rows, ...others),
          )
        : layer.forward(pass, input, stream, rows, ...given);
    }, x);
    for (const value of shared) tape.release(value);
    return output;
  }
}
