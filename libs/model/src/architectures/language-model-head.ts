import type { Tensor } from '../engine/tensor.js';
import type { Activation } from '../kernels/index.js';
import { TiedDecoder, type Score } from '../layers/decoder.js';
import { LayerNorm } from '../layers/layer-norm.js';
import type { Emit, ParameterSpec, Pass } from '../layers/layer.js';
import { Linear } from '../layers/linear.js';
import type { ModelConfig } from './config.js';
import type { Head, HeadGradients, MicrobatchInput } from './head.js';
import type { TransformerSettings } from './settings.js';

/** Which rows of the hidden states are predicted from, null for all of them in order, and what they should give. */
interface Selection {
  readonly rows: Int32Array | null;
  readonly targets: Int32Array;
}

/** Tokens from the hidden states that count. */
export class LanguageModelHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #transform: Transform | null;
  readonly #decoder: TiedDecoder;
  readonly #select: (input: MicrobatchInput) => Selection;

  private constructor(
    transform: Transform | null,
    decoder: TiedDecoder,
    select: (input: MicrobatchInput) => Selection,
  ) {
    this.#transform = transform;
    this.#decoder = decoder;
    this.#select = select;
    this.parameters = [...(transform?.parameters ?? []), ...decoder.parameters];
  }

  /** BERT's: a transformed hidden state at each masked position, and a decoder with a bias. */
  static masked(config: ModelConfig, settings: TransformerSettings): LanguageModelHead {
    return new LanguageModelHead(
      new Transform(config.hidden, settings),
      new TiedDecoder(config.vocabulary, 'head.bias'),
      ({ positions, targets }) => ({ rows: positions ?? null, targets }),
    );
  }

  /** GPT-2's: the next token wherever there is one. */
  static causal(config: ModelConfig): LanguageModelHead {
    return new LanguageModelHead(null, new TiedDecoder(config.vocabulary, null), counted);
  }

  rowsToScore(input: MicrobatchInput): Int32Array | null {
    return this.#select(input).rows;
  }

  rowsToPredict({ positions }: MicrobatchInput): Int32Array | null {
    return positions ?? null;
  }

  train(pass: Pass, hidden: Tensor, input: MicrobatchInput, emit: Emit): HeadGradients {
    const { targets } = this.#select(input);
    return pass.ops.runtime.scope(() => {
      const transformed = this.#transform?.forward(pass, hidden);
      const x = transformed?.output ?? hidden;
      const { probabilities, dx, dTokens } = this.#decoder.train(pass, x, targets, emit);
      const dHidden =
        this.#transform === null || transformed === undefined
          ? dx
          : this.#transform.backward(pass, dx, transformed.saved, emit);
      return { probabilities, dHidden, dTokens };
    });
  }

  score(pass: Pass, hidden: Tensor, input: MicrobatchInput): Score {
    const { targets } = this.#select(input);
    return pass.ops.runtime.scope(() =>
      this.#decoder.score(pass, this.#features(pass, hidden), targets),
    );
  }

  logits(pass: Pass, hidden: Tensor): Tensor {
    return pass.ops.runtime.scope(() => this.#decoder.logits(pass, this.#features(pass, hidden)));
  }

  /** What the decoder reads. */
  #features(pass: Pass, hidden: Tensor): Tensor {
    return this.#transform?.forward(pass, hidden).output ?? hidden;
  }
}

/** The rows whose target is not −1. */
function counted({ targets }: MicrobatchInput): Selection {
  if (!targets.includes(-1)) return { rows: null, targets };
  const rows = Int32Array.from(targets.keys()).filter((row) => targets[row] !== -1);
  return { rows, targets: targets.filter((target) => target !== -1) };
}

/** norm(activation(dense(x))), between BERT's hidden states and its decoder. */
class Transform {
  readonly parameters: readonly ParameterSpec[];
  readonly #dense: Linear;
  readonly #norm: LayerNorm;
  readonly #activation: Activation;

  constructor(hidden: number, { deviation, epsilon, activation }: TransformerSettings) {
    this.#dense = new Linear('head.transform', hidden, hidden, deviation);
    this.#norm = new LayerNorm('head.norm', hidden, epsilon, 'factor');
    this.#activation = activation;
    this.parameters = [...this.#dense.parameters, ...this.#norm.parameters];
  }

  /** x [K,H] → T[K,H]. */
  forward(pass: Pass, x: Tensor) {
    const { ops, kernels, weight } = pass;
    return ops.runtime.scope(() => {
      const factor = ops.factor(x);
      const dense = this.#dense.product(pass, factor);
      const activated = kernels.activate(this.#activation, dense, weight(this.#dense.bias));
      const { output, saved: norm } = this.#norm.forward(pass, ops.float32(activated));
      return { output, saved: { factor, dense, norm } };
    });
  }

  /** dy T[K,H] → T[K,H]. */
  backward(
    pass: Pass,
    dy: Tensor,
    { factor, dense, norm }: ReturnType<Transform['forward']>['saved'],
    emit: Emit,
  ): Tensor {
    const { ops, kernels, weight } = pass;
    return ops.runtime.scope(() => {
      const dNormed = ops.factor(this.#norm.backward(pass, dy, norm, null, emit));
      const bias = weight(this.#dense.bias);
      const { dx, dBias } = kernels.activateGradient(this.#activation, dNormed, dense, bias);
      emit(this.#dense.bias, dBias);
      return this.#dense.productBackward(pass, dx, factor, emit);
    });
  }
}
