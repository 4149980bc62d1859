import type { SplitReader } from '@ringmaster/data';
import type { DataManifest } from '@ringmaster/protocol';
import { padSequences } from '../batches/pad.js';
import { surroundingsFor, wrapText } from '../batches/wrap.js';
import type { Reader, SampleSet } from '../task.js';

/**
 * Samples for the tagging of words: a document each. The first token of a word is predicted, the others are not, as
 * `transformers` trains with the label −100 for them; words beyond the context are in no sample.
 */
export function taggedSampleSet(
  { tokenizer }: Pick<DataManifest, 'tokenizer'>,
  split: SplitReader,
  { kind, texts, context }: Reader,
): SampleSet {
  const pad = tokenizer.pad ?? tokenizer.endOfText ?? 0;
  const surroundings = surroundingsFor(tokenizer, kind, texts);
  const before = surroundings.before.length;
  const after = surroundings.after.length;
  return {
    count: split.documents,
    collate(samples) {
      const sequences = samples.map((sample) =>
        wrapText(split.get(sample, 'words'), surroundings, context),
      );
      const input = padSequences(sequences, pad, context);
      const rows: number[] = [];
      const ids: number[] = [];
      for (const [sequence, sample] of samples.entries()) {
        const tags = split.get(sample, 'tags').subarray(0, context - before - after);
        for (const [token, tag] of tags.entries()) {
          if (tag < 0) continue;
          rows.push(sequence * input.length + before + token);
          ids.push(tag);
        }
      }
      return {
        ...input,
        targets: { kind: 'tags', rows: Int32Array.from(rows), ids: Int32Array.from(ids) },
      };
    },
  };
}
