import type { Tokenizer } from '@ringmaster/data';
import type { HuggingFaceConfig, Model } from '@ringmaster/model';

/** A finished model, ready to answer. */
export interface ServedModel {
  readonly model: Pick<Model, 'cache' | 'config' | 'next' | 'predict' | 'select'>;
  readonly config: HuggingFaceConfig;
  readonly tokenizer: Tokenizer;
  /** Brings a text into the form that the texts of the training had. */
  readonly clean: (text: string) => string;
}

/** What a model says of one query; each task adds what it predicts. */
export interface Prediction {
  /** There where the model has seen only a part of the text: it is longer than its context. */
  readonly truncated?: true;
  /** Raw logits: [labels], or a row for each predicted place; not there where a text is predicted. */
  readonly logits?: readonly number[] | readonly (readonly number[])[];
}

/** What the models of a task are asked, and what they answer. */
export interface Predictions<Query> {
  /** What a JSON object must have to be a query, as an error names it: `string "text"`. */
  readonly expected: string;
  /** The query that a JSON object is; null where it is none. */
  query(fields: unknown): Query | null;
  /** The query that a plain text is. */
  ofText(text: string): Query;
  /** Answers queries, each by itself, in their order. */
  predict(served: ServedModel, queries: readonly Query[]): Prediction[];
}
