import type { Tensor } from '@ringmaster/tensorflow';
import type { Activation } from '../kernels/index.js';
import { activate } from '../layers/activate.js';
import { TiedDecoder, type Score } from '../layers/decoder.js';
import { LayerNorm } from '../layers/layer-norm.js';
import { asFactor, asFloat32 } from '../layers/factor.js';
import type { ParameterSpec, Pass } from '../layers/layer.js';
import { Linear } from '../layers/linear.js';
import type { Value } from '../layers/tape.js';
import type { ModelConfig } from './config.js';
import type { Head, MicrobatchInput } from './head.js';
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

  train(pass: Pass, hidden: Value, input: MicrobatchInput): Tensor {
    return this.#decoder.train(pass, this.#features(pass, hidden), this.#select(input).targets);
  }

  score(pass: Pass, hidden: Value, input: MicrobatchInput): Score {
    return this.#decoder.score(pass, this.#features(pass, hidden), this.#select(input).targets);
  }

  logits(pass: Pass, hidden: Value): Value {
    return this.#decoder.logits(pass, this.#features(pass, hidden));
  }

  /** What the decoder reads. */
  #features(pass: Pass, hidden: Value): Value {
    return this.#transform?.forward(pass, hidden) ?? hidden;
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
  forward(pass: Pass, x: Value): Value {
    const dense = this.#dense.product(pass, asFactor(pass, x));
    const activated = activate(pass, this.#activation, dense, this.#dense.bias);
    return this.#norm.forward(pass, asFloat32(pass, activated));
  }
}
