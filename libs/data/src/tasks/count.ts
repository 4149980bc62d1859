import type { TokenizerRequest } from '@ringmaster/protocol';
import { Part } from '../parts/part.js';
import { textsOf } from '../prepare/content.js';
import { wordsFor } from '../tokenizers/train.js';

export interface CountRequest {
  readonly path: string;
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

/** Counts the words of which a tokenizer is made in documents of a part. */
export function countWords({ path, isWanted, tokenizer }: CountRequest): CountAnswer {
  const counts = new Map<string, number>();
  let documents = 0;
  for (const { columns } of new Part(path).read((at) => isWanted[at] === 1)) {
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
