import {
  type Kernels,
  kernelsFor,
  Ops,
  type Precision,
  type Runtime,
  type Tensor,
} from '@ringmaster/tensorflow';
import type { Batch, Inputs, Tokens } from '../batch.js';
import { adaptersOf, lowRankLinear, type Adapter } from '../families/adapters.js';
import { headOf, networkOf, type ModelConfig } from '../families/families.js';
import type { Network, Sequences, Source } from '../families/family.js';
import { adaptedIn, trainedIn, type Tuning } from '../families/trained.js';
import type { Head, HeadKind } from '../heads/head.js';
import { downloaded, type Loss, type Score } from '../layers/cross-entropy.js';
import { KeyValueCache } from '../layers/key-value-cache.js';
import type { ParameterSpec, Pass, RandomScope } from '../layers/layer.js';
import { plainLinear } from '../layers/linear.js';
import type { LossTerms } from '../layers/loss-terms.js';
import type { Trains } from '../layers/parameter-gradients.js';
import { Tape, type Value } from '../layers/tape.js';
import { initialValues } from './initial-values.js';

/**
 * Takes one trained parameter's gradient, summed over the microbatch, once per call of `forwardBackward`. The tensor is
 * freed when it returns.
 */
export type GradientSink = (name: string, gradient: Tensor) => void;

/** How a model computes; none of it is part of the model. */
export interface ModelOptions extends Tuning {
  readonly precision?: Precision;
  /** Compute each block's activations again in backward, instead of keeping them: less memory, the same bytes. */
  readonly recompute?: boolean;
  /** What the loss that is trained has beside the cross-entropy. Default: nothing. Scores are without it. */
  readonly loss?: LossTerms | null | undefined;
}

/** A network with a head: gradients, scores and predictions for microbatches. Throws MODEL_CONFIG_INVALID, FREEZE_UNMATCHED. */
export class Model {
  readonly config: ModelConfig;
  readonly head: HeadKind;
  /** Every tensor that was learnt or is, each once, in the order of the forward pass. */
  readonly parameters: readonly ParameterSpec[];
  /** Parameters that have gradients: all but the frozen ones. */
  readonly trained: readonly ParameterSpec[];
  readonly adapters: readonly Adapter[];
  /** Parameters of the adapters. */
  readonly adapted: readonly ParameterSpec[];
  readonly #ops: Ops;
  readonly #kernels: Kernels;
  readonly #network: Network;
  readonly #head: Head;
  readonly #trains: Trains;
  readonly #loss: LossTerms | null;
  readonly #weights = new Map<string, Tensor>();
  /** Weights as factors of products, once they were wanted. */
  readonly #factors = new Map<string, Tensor>();

  constructor(
    runtime: Runtime,
    config: ModelConfig,
    head: HeadKind,
    { precision = 'float32', recompute = false, loss = null, ...tuning }: ModelOptions = {},
  ) {
    this.#loss = loss;
    const { lora } = tuning;
    this.config = config;
    this.head = head;
    this.#ops = new Ops(runtime, precision);
    this.#kernels = kernelsFor(this.#ops);
    this.adapters = lora === undefined ? [] : adaptersOf(config, lora);
    const linear = lora === undefined ? plainLinear : lowRankLinear(this.adapters, lora);
    this.#network = networkOf(config, { recompute, linear });
    this.#head = headOf(config, head, plainLinear);
    // Matrices that matter to an optimizer are those of the network.
    const ofHead = this.#head.parameters.map((spec) => ({ ...spec, matrices: undefined }));
    this.parameters = [...this.#network.parameters, ...ofHead];
    const parts = {
      kind: head,
      network: this.#network.parameters,
      head: ofHead,
      adapters: this.adapters,
    };
    this.adapted = adaptedIn(parts);
    this.trained = trainedIn(parts, tuning);
    const trained = new Set(this.trained.map(({ name }) => name));
    this.#trains = (name) => trained.has(name);
  }

  /**
   * Takes every parameter's values in place of those before. Their memory is shared where it can be, so the arrays may
   * change only between passes, and are to be loaded again then.
   */
  load(values: (name: string) => Float32Array): void {
    this.unload();
    this.#load(this.parameters, values);
  }

  /** Takes new values of the trained parameters, as `load` does; what was made of the frozen ones is kept. */
  update(values: (name: string) => Float32Array): void {
    for (const tensors of [this.#weights, this.#factors])
      for (const { name } of this.trained) {
        const tensor = tensors.get(name);
        if (tensor !== undefined) this.#ops.runtime.free(tensor);
        tensors.delete(name);
      }
    this.#load(this.trained, values);
  }

  /** Frees the parameters. */
  unload(): void {
    for (const tensors of [this.#weights, this.#factors]) {
      this.#ops.runtime.free([...tensors.values()]);
      tensors.clear();
    }
  }

  /** Initial values of every parameter. */
  initialise(seed: number): Map<string, Float32Array> {
    return new Map(this.parameters.map((spec) => [spec.name, initialValues(spec, seed)]));
  }

  /**
   * Gradients of the trained parameters of the loss summed over a microbatch, in backward order, each emitted as soon as
   * it is complete.
   * `random` is where dropout draws from; null for none. `between` is called between layers, and ends the pass by what it
   * throws, of which nothing is left then but the gradients that were emitted.
   */
  forwardBackward(
    batch: Batch,
    random: RandomScope | null,
    sink: GradientSink,
    between?: () => void,
  ): Loss {
    const { runtime } = this.#ops;
    const trains = this.#trains;
    const options = between === undefined ? { trains } : { trains, between };
    const tape = Tape.recording(runtime, sink, options);
    try {
      return runtime.scope(() => {
        const pass = { ...this.#pass(tape, random), loss: this.#loss };
        const sequences = this.#sequences(batch, this.#head.rowsToScore(batch));
        const hidden = this.#network.forward(pass, this.#tokens(batch), sequences);
        const loss = this.#head.train(pass, hidden, batch);
        tape.backward();
        return loss;
      });
    } finally {
      tape.dispose();
    }
  }

  /** Loss and accuracy without dropout. */
  evaluate(batch: Batch): Score {
    const rows = this.#head.rowsToScore(batch);
    return this.#infer(batch, rows, (pass, hidden) => this.#head.score(pass, hidden, batch));
  }

  /**
   * Logits without dropout: [B, labels] of a classifier; of a language model [K,V].
   * @param rows Flat indices b·T + t [K] of the rows that a language model predicts from; null for all of them.
   */
  predict(
    tokens: Inputs,
    rows: Int32Array | null = null,
  ): { logits: Float32Array; shape: readonly number[] } {
    return this.#infer(tokens, this.#head.rowsToPredict(tokens, rows), (pass, hidden) => {
      const logits = this.#head.logits(pass, hidden, tokens).tensor;
      return { logits: downloaded(this.#ops, logits), shape: logits.shape };
    });
  }

  /** What is kept of sequences of at most `capacity` tokens that `next` reads; whoever asks for it disposes of it. */
  cache(sequences: number, capacity: number): KeyValueCache {
    return new KeyValueCache(this.#ops.runtime, sequences, Math.min(capacity, this.config.context));
  }

  /** Goes on with these of a cache's sequences, in this order, each as often as it is named. */
  select(cache: KeyValueCache, sequences: Int32Array): void {
    cache.select({ ops: this.#ops }, sequences);
  }

  /**
   * Logits [B,V] of the token after each sequence. A cache is given the beginnings of its sequences first, those of an
   * encoder–decoder with their sources, and one more token of each with every call after that.
   */
  next(tokens: Inputs, cache: KeyValueCache): Float32Array {
    const { runtime } = this.#ops;
    const rows = tokens.lengths.map((real, sequence) => sequence * tokens.length + real - 1);
    const tape = Tape.forwardOnly(runtime);
    try {
      return runtime.scope(() => {
        // One token of each sequence: the weights are what takes time to read.
        const whole = this.#pass(tape, null);
        const project: Pass['project'] = (x, w) => this.#kernels.projectFewRows(x, w);
        const pass = cache.isEmpty ? whole : { ...whole, project };
        const sequences = { ...this.#sequences(tokens, rows), past: cache.begin(pass, tokens) };
        const hidden = this.#network.forward(pass, this.#tokens(tokens), sequences);
        const { tensor } = this.#head.logits(pass, hidden, tokens);
        cache.end(tokens);
        return downloaded(this.#ops, tensor);
      });
    } finally {
      tape.dispose();
    }
  }

  #load(parameters: readonly ParameterSpec[], values: (name: string) => Float32Array): void {
    const { runtime } = this.#ops;
    for (const { name, shape } of parameters)
      this.#weights.set(name, runtime.keep(runtime.share(values(name), shape)));
  }

  #infer<Result>(
    tokens: Inputs,
    rows: Int32Array | null,
    body: (pass: Pass, hidden: Value) => Result,
  ): Result {
    const { runtime } = this.#ops;
    const tape = Tape.forwardOnly(runtime);
    try {
      return runtime.scope(() => {
        const pass = this.#pass(tape, null);
        const sequences = this.#sequences(tokens, rows);
        return body(pass, this.#network.forward(pass, this.#tokens(tokens), sequences));
      });
    } finally {
      tape.dispose();
    }
  }

  #pass(tape: Tape, random: RandomScope | null): Pass {
    return {
      tape,
      ops: this.#ops,
      kernels: this.#kernels,
      project: (x, w) => this.#ops.matmul(x, w, { transposeY: true }),
      weight: (name) => this.#weight(name),
      factor: (name) => this.#factor(name),
      random,
      loss: null,
    };
  }

  /** The sequences of a microbatch; `rows` are those that the head reads, null for all. */
  #sequences({ source, ...tokens }: Inputs, rows: Int32Array | null): Sequences {
    return {
      ...this.#extent(tokens),
      read: rows === null ? null : this.#ops.runtime.upload(rows, [rows.length]),
      ...(source === undefined
        ? {}
        : { source: { ...this.#extent(source), tokens: this.#tokens(source) } }),
    };
  }

  #extent({ sequences, length, lengths }: Tokens): Omit<Source, 'tokens'> {
    const { context } = this.config;
    if (length > context)
      throw new Error(`Sequences of ${length} tokens do not fit a context of ${context}`);
    const isFull = lengths.every((real) => real === length);
    return { sequences, length, lengths: isFull ? null : lengths };
  }

  #tokens({ tokens }: Tokens): Tensor {
    return this.#ops.runtime.upload(tokens, [tokens.length]);
  }

  #weight(name: string): Tensor {
    const tensor = this.#weights.get(name);
    if (tensor === undefined) throw new Error(`Parameter ${name} has not been loaded`);
    return tensor;
  }

  #factor(name: string): Tensor {
    let tensor = this.#factors.get(name);
    if (tensor === undefined) {
      tensor = this.#ops.runtime.keep(this.#ops.factor(this.#weight(name)));
      this.#factors.set(name, tensor);
    }
    return tensor;
  }
}
