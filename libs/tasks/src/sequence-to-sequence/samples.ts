import type { SplitReader } from '@ringmaster/data';
import type { DataManifest } from '@ringmaster/protocol';
import { padSequences } from '../batches/pad.js';
import { surroundingsFor, wrapText } from '../batches/wrap.js';
import type { Reader, SampleSet } from '../task.js';

/**
 * Samples of a source and a target: a document each, the source and the target each with the token that ends a text. The
 * decoder begins with a token that its family says and is given the target as it is to predict it, one token behind: teacher
 * forcing (Williams and Zipser, 1989), as T5 is trained. What is longer than the context loses its end, but not that token.
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
  return {
    count: split.documents,
    collate(samples) {
      const wrapped = (column: 'source' | 'target') =>
        samples.map((sample) => wrapText(split.get(sample, column), surroundings, context));
      const targets = wrapped('target');
      const inputs = targets.map((target) => [start, ...target.slice(0, -1)]);
      const batch = padSequences(inputs, pad, context);
      const rows = targets.flatMap((target, sequence) =>
        target.map((_, at) => sequence * batch.length + at),
      );
      return {
        ...batch,
        source: padSequences(wrapped('source'), pad, context),
        targets: {
          kind: 'tokens',
          rows: rows.length === batch.tokens.length ? null : Int32Array.from(rows),
          ids: Int32Array.from(targets.flat()),
        },
      };
    },
  };
}
