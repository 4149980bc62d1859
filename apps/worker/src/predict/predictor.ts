import { readFile } from 'node:fs/promises';
import { cleanText, loadTokenizer } from '@ringmaster/data';
import { Model, type Locate } from '@ringmaster/model';
import { RingmasterError, type CleaningRule } from '@ringmaster/protocol';
import {
  checkVocabulary,
  taskOfHead,
  type Prediction,
  type Predictions,
  type ServedModel,
} from '@ringmaster/tasks';
import { Runtime } from '@ringmaster/tensorflow';
import { readModel } from '../artifacts/model.js';

/** Queries that are computed together. */
const BATCH = 16;

/** A finished model, ready to answer what its task is asked. */
export class Predictor {
  readonly batch = BATCH;
  readonly #served: ServedModel;
  readonly #predictions: Predictions<unknown>;

  private constructor(served: ServedModel, predictions: Predictions<unknown>) {
    this.#served = served;
    this.#predictions = predictions;
  }

  /**
   * Loads a model in the layout of Hugging Face.
   * @param name Of the model, for errors.
   * @param cleaning The rules that the texts in training were cleaned by, in order; none where they are not known.
   * @throws MODEL_UNUSABLE when its head is not known or weights are missing; what reading the files throws.
   */
  static async open(
    name: string,
    locate: Locate,
    cleaning: readonly CleaningRule[],
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
    const clean = (text: string) => cleanText(text, cleaning).text;
    const { predictions } = taskOfHead(model.head);
    return new Predictor({ model, config, tokenizer, clean }, predictions);
  }

  /** How lines are turned into queries. */
  get queries(): Omit<Predictions<unknown>, 'predict'> {
    return this.#predictions;
  }

  /** Answers queries, in their order. */
  predict(queries: readonly unknown[]): Prediction[] {
    return queries.length === 0 ? [] : this.#predictions.predict(this.#served, queries);
  }
}

function unusable(model: string, reason: string, cause?: unknown): RingmasterError {
  return new RingmasterError('MODEL_UNUSABLE', { model, reason }, { cause });
}
