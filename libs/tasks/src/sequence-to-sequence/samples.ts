import type { SplitReader } from '@ringmaster/data';
import type { DataManifest } from '@ringmaster/protocol';
import { surroundingsFor, wrapText } from '../batches/wrap.js';
import type { Reader, SampleSet } from '../task.js';
import { teacherForced } from './teacher-forcing.js';

/**
 * Samples of a source and a target: a document each, the source and the target each with the token that ends a text. What
 * is longer than the context loses its end, but not that token.
 */
export function pairedSampleSet(
  { tokenizer }: Pick<DataManifest, 'tokenizer'>,
  split: SplitReader,
  { texts, context }: Pick<Reader, 'context' | 'texts'>,
): SampleSet {
  const { pad } = tokenizer;
  const surroundings = surroundingsFor(tokenizer, 'encoder-decoder', texts);
  const [end] = surroundings.after;
  if (pad === null || end === undefined || texts === null)
    throw new TypeError('an encoder–decoder needs a tokenizer that pads and ends texts');
  const start = texts.decoderStart === 'pad' ? pad : end;
  const options = { start, pad, context };
  return {
    count: split.documents,
    collate(samples) {
      const wrapped = (column: 'source' | 'target') =>
        samples.map((sample) => wrapText(split.get(sample, column), surroundings, context));
      return teacherForced(wrapped('source'), wrapped('target'), options);
    },
  };
}
