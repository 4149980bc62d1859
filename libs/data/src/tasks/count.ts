import { sha256, type TokenizerRequest } from '@ringmaster/protocol';
import { z } from 'zod';
import { Part, type PartFile } from '../parts/part.js';
import { textsOf } from '../prepare/content.js';
import { wordsFor } from '../tokenizers/train.js';

export interface CountRequest {
  readonly part: PartFile;
  /** Of each document whether its words are counted [N]. */
  readonly isWanted: Uint8Array;
  readonly tokenizer: TokenizerRequest;
}

/** Words, each once, and how often they occur. */
export interface CountAnswer {
  /** The words, one behind the other. */
  readonly joined: string;
  readonly lengths: Uint32Array;
  readonly counts: Float64Array;
  readonly documents: number;
}

export const countAnswerSchema = z.strictObject({
  joined: z.string(),
  lengths: z.instanceof(Uint32Array),
  counts: z.instanceof(Float64Array),
  documents: z.int().min(0),
}) satisfies z.ZodType<CountAnswer>;

/** Why an answer cannot be the one to a request, in words; null where it may be. */
export function countFault(
  { isWanted }: CountRequest,
  { joined, lengths, counts, documents }: CountAnswer,
): string | null {
  const wanted = isWanted.reduce((sum, is) => sum + is, 0);
  if (documents !== wanted) return `it counts ${documents} documents in place of ${wanted}`;
  const isCut = lengths.every((length) => length > 0) && sumOf(lengths) === joined.length;
  const isCounted =
    counts.length === lengths.length &&
    counts.every((count) => Number.isSafeInteger(count) && count > 0);
  return isCut && isCounted ? null : 'its words and their counts do not go together';
}

const sumOf = (numbers: Uint32Array): number => numbers.reduce((sum, number) => sum + number, 0);

/** What the answer is a function of. */
export function counted({ part, isWanted, tokenizer }: CountRequest): unknown {
  return { part: part.sha256, isWanted: sha256(isWanted), tokenizer };
}

/** Counts the words of which a tokenizer is made in documents of a part. */
export function countWords({ part, isWanted, tokenizer }: CountRequest): CountAnswer {
  const counts = new Map<string, number>();
  let documents = 0;
  for (const { columns } of new Part(part).read((at) => isWanted[at] === 1)) {
    documents++;
    for (const text of textsOf(columns))
      for (const word of wordsFor(tokenizer, text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts.keys()];
  return {
    joined: words.join(''),
    lengths: Uint32Array.from(words, ({ length }) => length),
    counts: Float64Array.from(counts.values()),
    documents,
  };
}
