import type { SplitReader } from '@ringmaster/data';
import type { DataManifest } from '@ringmaster/protocol';
import { padSequences } from '../batches/pad.js';
import type { SampleSet } from '../task.js';

/**
 * Samples of conversations, or of prompts with their completions: a document each, whose tokens that are answers are
 * predicted, each after those before it. What is longer than the context loses its end.
 */
export function answerSampleSet(
  split: SplitReader,
  { pad, endOfText, separate }: DataManifest['tokenizer'],
  context: number,
): SampleSet {
  return {
    count: split.documents,
    collate(samples) {
      const documents = samples.map((sample) => ({
        tokens: [...split.get(sample, 'messages').subarray(0, context + 1)],
        answers: split.get(sample, 'answers'),
      }));
      const inputs = documents.map(({ tokens }) => tokens.slice(0, -1));
      const batch = padSequences(inputs, pad ?? endOfText ?? separate ?? 0, context);
      const rows: number[] = [];
      const ids: number[] = [];
      for (const [sequence, { tokens, answers }] of documents.entries())
        for (let pair = 0; pair + 1 < answers.length; pair += 2) {
          // Nothing comes before the first token from which it could be predicted.
          const first = Math.max(1, answers[pair] ?? 0);
          const end = Math.min(tokens.length, (answers[pair + 1] ?? 0) + 1);
          for (let at = first; at < end; at++) {
            rows.push(sequence * batch.length + at - 1);
            ids.push(tokens[at] ?? 0);
          }
        }
      return {
        ...batch,
        targets: { kind: 'tokens', rows: Int32Array.from(rows), ids: Int32Array.from(ids) },
      };
    },
  };
}
