import { readFile } from 'node:fs/promises';
import { cleanText, loadTokenizer, padSequences, surround, type Tokenizer } from '@ringmaster/data';
import {
  Model,
  type HeadKind,
  type HuggingFaceConfig,
  type Locate,
  type MicrobatchInput,
} from '@ringmaster/model';
import { RingmasterError } from '@ringmaster/protocol';
import { argmax, checkVocabulary, sigmoid, softmax } from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import { readModel } from '../artifacts/model.js';

/** What a model says of one text: a label with its probability, or the likeliest tokens. */
export interface Prediction {
  readonly label?: string;
  readonly score?: number;
  /** Probability of each label. */
  readonly scores?: Readonly<Record<string, number>>;
  /** Of a masked language model: the likeliest tokens at each [MASK]; of a causal one: of the next token. */
  readonly tokens?: readonly (readonly { token: string; score: number }[])[];
  /** There where the model has seen only a part of the text: it is longer than its context. */
  readonly truncated?: true;
  /** Raw logits: [labels], or [V] for each predicted place. */
  readonly logits: readonly number[] | readonly (readonly number[])[];
}

export interface PredictorOptions {
  /** Whether texts are brought into the form of plain text in training: what a model was trained on elsewhere is not known. */
  readonly cleans: boolean;
}

/** The token ids of a text as a model sees them. */
interface Wrapped {
  readonly ids: number[];
  /** Whether a part of the text is not among them. */
  readonly truncated: boolean;
}

/** Texts that are computed together. */
const BATCH = 16;
/** Likeliest tokens that are named. */
const TOP = 5;

/** A finished model, ready to answer. */
export class Predictor {
  readonly batch = BATCH;
  readonly #model: Model;
  readonly #config: HuggingFaceConfig;
  readonly #tokenizer: Tokenizer;

  readonly #cleans: boolean;

  private constructor(
    model: Model,
    config: HuggingFaceConfig,
    tokenizer: Tokenizer,
    cleans: boolean,
  ) {
    this.#model = model;
    this.#config = config;
    this.#tokenizer = tokenizer;
    this.#cleans = cleans;
  }

  /**
   * Loads a model in the layout of Hugging Face.
   * @param name Of the model, for errors.
   * @throws MODEL_UNUSABLE when its head is not known or weights are missing; what reading the files throws.
   */
  static async open(
    name: string,
    locate: Locate,
    { cleans }: PredictorOptions,
  ): Promise<Predictor> {
    const path = locate('tokenizer.json');
    const json = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw unusable(name, 'it has no tokenizer.json', cause);
    });
    const runtime = Runtime.open();
    let model: Model | undefined;
    const { config, values } = await readModel(locate, (found) => {
      if (found.head === null) throw unusable(name, 'it has no head that predicts');
      model = new Model(runtime, found.model, found.head);
      return model.parameters;
    });
    if (model === undefined) throw unusable(name, 'it has no head that predicts');
    model.load((parameter) => {
      const value = values.get(parameter);
      if (value === undefined) throw unusable(name, `it has no weights for ${parameter}`);
      return value;
    });
    const tokenizer = loadTokenizer(json, path);
    checkVocabulary(config, tokenizer, name);
    return new Predictor(model, config, tokenizer, cleans);
  }

  /** Predictions for texts, in their order. */
  predict(texts: readonly string[]): Prediction[] {
    const group = this.#cleans ? texts.map((text) => cleanText(text, false).text) : texts;
    if (group.length === 0) return [];
    const head: HeadKind = this.#config.head ?? 'sequence-classification';
    return head === 'sequence-classification'
      ? this.#classify(group)
      : group.map((text) => this.#complete(text, head));
  }

  #classify(group: readonly string[]): Prediction[] {
    const wrapped = group.map((text) => this.#surround(this.#tokenizer.encode(text)));
    const input = this.#input(wrapped.map(({ ids }) => ids));
    const { logits } = this.#model.predict(input);
    const labels = this.#config.labels ?? [];
    return group.map((_, index) => {
      const offset = index * labels.length;
      const row = logits.subarray(offset, offset + labels.length);
      // Of labels of which any number may hold, each has a probability of its own.
      const scores =
        this.#config.scoring === 'sigmoid' ? [...row].map(sigmoid) : softmax(row, 0, row.length);
      const best = argmax(scores, 0, scores.length);
      return {
        label: labels[best] ?? '',
        score: scores[best] ?? 0,
        scores: Object.fromEntries(labels.map((label, id) => [label, scores[id] ?? 0])),
        ...truncation(wrapped[index]),
        logits: [...row],
      };
    });
  }

  /** The likeliest tokens at each [MASK], or after the end of the text. */
  #complete(text: string, head: HeadKind): Prediction {
    // What a causal model goes on with is the end of a text that is too long.
    const wrapped =
      head === 'masked-language-model'
        ? this.#surround(this.#withMasks(text))
        : this.#surround(this.#tokenizer.encode(text), 'end');
    const { ids: sequence } = wrapped;
    if (sequence.length === 0) return { tokens: [], logits: [] };
    const places =
      head === 'masked-language-model'
        ? sequence.flatMap((token, at) => (token === this.#tokenizer.mask ? [at] : []))
        : [sequence.length - 1];
    if (places.length === 0) return { tokens: [], ...truncation(wrapped), logits: [] };
    const input = { ...this.#input([sequence]), positions: Int32Array.from(places) };
    const { logits, shape } = this.#model.predict(input);
    const [, vocabulary = 0] = shape;
    const rows = places.map((_, row) => logits.subarray(row * vocabulary, (row + 1) * vocabulary));
    return {
      tokens: rows.map((row) => this.#likeliest(row)),
      ...truncation(wrapped),
      logits: rows.map((row) => [...row]),
    };
  }

  #likeliest(row: Float32Array): { token: string; score: number }[] {
    const scores = softmax(row, 0, row.length);
    return scores
      .map((score, id) => ({ id, score }))
      .sort((a, b) => b.score - a.score)
      .slice(0, TOP)
      .map(({ id, score }) => ({ token: this.#tokenizer.decode([id]), score }));
  }

  /** The ids of a text in which `[MASK]` stands for the token to predict. */
  #withMasks(text: string): number[] {
    const { mask } = this.#tokenizer;
    return text
      .split('[MASK]')
      .flatMap((part, index) => [
        ...(index === 0 || mask === null ? [] : [mask]),
        ...this.#tokenizer.encode(part),
      ]);
  }

  /** A sequence as the tokenizer of `transformers` makes it. */
  #surround(text: readonly number[], keep?: 'end'): Wrapped {
    const { surroundings } = this.#tokenizer;
    const { context } = this.#config.model;
    const ids = surround(text, surroundings, context, keep);
    const around = surround([], surroundings, context, keep).length;
    return { ids, truncated: ids.length < text.length + around };
  }

  #input(sequences: readonly number[][]): MicrobatchInput {
    const { pad, endOfText } = this.#tokenizer;
    const targets = sequences.map(() => 0);
    return padSequences(sequences, targets, pad ?? endOfText ?? 0, this.#config.model.context);
  }
}

function truncation(wrapped: Wrapped | undefined): { readonly truncated?: true } {
  return wrapped?.truncated === true ? { truncated: true } : {};
}

function unusable(model: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('MODEL_UNUSABLE', { model, reason }, { cause });
}
