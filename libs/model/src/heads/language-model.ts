import type { Activation } from '@ringmaster/tensorflow';
import { targetsOf, type Batch, type Tokens } from '../batch.js';
import { activate } from '../layers/activate.js';
import type { Loss, Score } from '../layers/cross-entropy.js';
import { asFactor, asFloat32 } from '../layers/factor.js';
import type { Layer, ParameterSpec, Pass } from '../layers/layer.js';
import { LayerNorm } from '../layers/layer-norm.js';
import type { LinearFactory, LinearLayer } from '../layers/linear.js';
import { OutputProjection } from '../layers/output-projection.js';
import { scaled } from '../layers/scaled.js';
import type { Value } from '../layers/tape.js';
import type { Head } from './head.js';

export interface TransformOptions {
  /** Makes the linear layers. */
  readonly linear: LinearFactory;
  readonly hidden: number;
  /** Width of what the decoder reads: that of the hidden states unless said otherwise. */
  readonly features?: number;
  readonly activation: Activation;
  readonly epsilon: number;
  readonly deviation: number;
}

export interface UntiedOptions {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly deviation: number;
}

/** Tokens from the hidden states of the rows that have a target. */
export class LanguageModelHead implements Head {
  readonly parameters: readonly ParameterSpec[];
  readonly #transform: Transform | null;
  readonly #projection: OutputProjection;
  readonly #scale: number;

  private constructor(transform: Transform | null, projection: OutputProjection, scale = 1) {
    this.#transform = transform;
    this.#projection = projection;
    this.#scale = scale;
    this.parameters = [...(transform?.parameters ?? []), ...projection.parameters];
  }

  /** BERT's: a transformed hidden state at each masked position, and a decoder with a bias. */
  static masked({
    vocabulary,
    ...options
  }: TransformOptions & { readonly vocabulary: number }): LanguageModelHead {
    return new LanguageModelHead(
      new Transform(options),
      new OutputProjection({ vocabulary, bias: 'head.bias' }),
    );
  }

  /** GPT-2's: the next token from a hidden state as it is. */
  static causal({ vocabulary }: { readonly vocabulary: number }): LanguageModelHead {
    return new LanguageModelHead(null, new OutputProjection({ vocabulary, bias: null }));
  }

  /** T5's: a token from a hidden state that is multiplied by a number before. */
  static scaled({
    vocabulary,
    scale,
  }: {
    readonly vocabulary: number;
    readonly scale: number;
  }): LanguageModelHead {
    return new LanguageModelHead(null, new OutputProjection({ vocabulary, bias: null }), scale);
  }

  /** BART's: a token from a hidden state as it is, and a bias that is not trained. */
  static biased({ vocabulary }: { readonly vocabulary: number }): LanguageModelHead {
    const bias = { bias: 'head.bias', isBiasConstant: true };
    return new LanguageModelHead(null, new OutputProjection({ vocabulary, ...bias }));
  }

  /** LLaMA's: the next token, by weights that are not the token embeddings. */
  static untied(options: UntiedOptions): LanguageModelHead {
    const { vocabulary, hidden, deviation } = options;
    const untied = { name: 'head.weight', hidden, deviation };
    return new LanguageModelHead(null, new OutputProjection({ vocabulary, bias: null, untied }));
  }

  rowsToScore(batch: Batch): Int32Array | null {
    return targetsOf(batch, 'tokens').rows;
  }

  rowsToPredict(_tokens: Tokens, rows: Int32Array | null): Int32Array | null {
    return rows;
  }

  train(pass: Pass, hidden: Value, batch: Batch): Loss {
    const { ids } = targetsOf(batch, 'tokens');
    return this.#projection.train(pass, this.#features(pass, hidden), ids);
  }

  score(pass: Pass, hidden: Value, batch: Batch): Score {
    const { ids } = targetsOf(batch, 'tokens');
    return this.#projection.score(pass, this.#features(pass, hidden), ids);
  }

  logits(pass: Pass, hidden: Value): Value {
    return this.#projection.logits(pass, this.#features(pass, hidden));
  }

  /** What the decoder reads. */
  #features(pass: Pass, hidden: Value): Value {
    const features = this.#transform?.forward(pass, hidden) ?? hidden;
    return this.#scale === 1 ? features : scaled(pass, features, this.#scale);
  }
}

/** norm(activation(dense(x))), between BERT's hidden states and its decoder. */
class Transform implements Layer {
  readonly parameters: readonly ParameterSpec[];
  readonly #dense: LinearLayer;
  readonly #norm: LayerNorm;
  readonly #activation: Activation;

  constructor(options: TransformOptions) {
    const { linear, hidden, features = hidden, activation, epsilon, deviation } = options;
    this.#dense = linear('head.transform', hidden, features, deviation);
    this.#norm = new LayerNorm('head.norm', features, epsilon, 'factor');
    this.#activation = activation;
    this.parameters = [...this.#dense.parameters, ...this.#norm.parameters];
  }

  /** x [K,H] → T[K,E], of the width of the features. */
  forward(pass: Pass, x: Value): Value {
    const dense = this.#dense.product(pass, asFactor(pass, x));
    const activated = activate(pass, this.#activation, dense, this.#dense.bias);
    return this.#norm.forward(pass, asFloat32(pass, activated));
  }
}
