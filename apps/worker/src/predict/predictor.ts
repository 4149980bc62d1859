import type { ModelFiles } from '@ringmaster/model';
import type { CleaningRule } from '@ringmaster/protocol';
import { taskOfHead, type Prediction, type Predictions, type ServedModel } from '@ringmaster/tasks';
import { loadServed } from './served-model.js';

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
    files: ModelFiles,
    cleaning: readonly CleaningRule[],
  ): Promise<Predictor> {
    const served = await loadServed(name, files, cleaning);
    const { predictions } = taskOfHead(served.model.head);
    return new Predictor(served, predictions);
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
