import { pairedTextsOf } from '@ringmaster/protocol';
import { z } from 'zod';
import { generate, type Finish } from '../generation/generate.js';
import { greedy } from '../generation/sampling.js';
import type { Prediction, Predictions, ServedModel } from '../prediction/prediction.js';
import { surrounded, truncation, type Surrounded } from '../prediction/sequences.js';
import { encodeSpans, sentinelsIn, spansOf } from './spans.js';

/** A query that is one text to make another one of. */
export interface SourceQuery {
  readonly source: string;
}

/** The text that greedy decoding makes of a source. */
export interface TextPrediction extends Prediction {
  readonly text: string;
  /** Token ids, without the one that ends a text. */
  readonly tokens: readonly number[];
  readonly finish: Finish;
  /** Texts of the spans that the sentinels of the source stand for, in their order; not there where it has none. */
  readonly spans?: readonly string[];
}

const sourceSchema = z.looseObject({ source: z.string() });
const textSchema = z.looseObject({ text: z.string() });

export const rewritings: Predictions<SourceQuery> = {
  expected: 'string "source" and no string "text"',
  query(fields) {
    const source = sourceSchema.safeParse(fields);
    if (source.success) return { source: source.data.source };
    const { success, data } = textSchema.safeParse(fields);
    return success ? { source: data.text } : null;
  },
  ofText: (text) => ({ source: text }),
  predict(served, queries): TextPrediction[] {
    const { model, config, tokenizer } = served;
    const sources = queries.map(({ source }) => sourceOf(served, source));
    const beginnings = sources.map(({ ids }) => ({ tokens: decoderStart(served), source: ids }));
    const ends = [config.tokens.end ?? []].flat();
    const options = { ...greedy, maxTokens: config.model.context, beams: 1, stop: [], seed: 0 };
    const constrained = { ...options, constraints: config.constraints };
    const generated = generate(model, tokenizer, beginnings, ends, constrained);
    return generated.map((each, at) => {
      const asked = sentinelsIn(tokenizer, sources[at]?.ids ?? []);
      return {
        ...each,
        ...(asked.length === 0 ? {} : { spans: spansOf(tokenizer, asked, each.tokens) }),
        ...truncation({ truncated: sources[at]?.truncated ?? false }),
      };
    });
  },
};

/** A text as the encoder of a model reads it; names of sentinels stand for these. */
export function sourceOf(served: Omit<ServedModel, 'model'>, text: string): Surrounded {
  return surrounded(served, encodeSpans(served, text));
}

/**
 * What the decoder of a model begins with: the token that pads or the one that ends texts, as its family says and its
 * `config.json` has been seen to say.
 */
export function decoderStart({ config, tokenizer }: Pick<ServedModel, 'config' | 'tokenizer'>) {
  const { padding, end } = config.tokens;
  const texts = pairedTextsOf(config.model.architecture);
  const [first = null] = [texts?.decoderStart === 'end' ? (end ?? []) : (padding ?? [])].flat();
  return [first ?? tokenizer.pad ?? 0];
}
