import { splitNames } from '../splits.js';
import { makeTokenizer } from '../tokenizers/train.js';
import { WordCounts } from '../tokenizers/word-counts.js';
import type { Corpus } from './corpus.js';
import type { PrepareRequest } from './request.js';
import type { Workplace } from './workplace.js';

/** Trains a tokenizer on the train split. @returns its `tokenizer.json` */
export async function trainVocabulary(
  request: PrepareRequest,
  { parts }: Corpus,
  { progress, tasks, directory }: Workplace,
): Promise<string> {
  if (!('tokenizer' in request)) throw new Error('there is neither a tokenizer nor its file');
  const { tokenizer } = request;
  const train = splitNames.indexOf('train');
  const requests = parts.map(({ part, splits }) => ({
    part: part.file,
    isWanted: splits.map((split) => (split === train ? 1 : 0)),
    tokenizer,
  }));
  progress.phase('tokenizer', {
    documents: requests.reduce((sum, { isWanted }) => sum + total(isWanted), 0),
    bytes: parts.reduce((sum, { part }) => sum + part.textBytes, 0),
  });
  const counts = new WordCounts(directory);
  let number = 0;
  for await (const answer of tasks.answers('count', requests)) {
    let start = 0;
    for (const [at, length] of answer.lengths.entries()) {
      counts.add(answer.joined.slice(start, start + length), answer.counts[at] ?? 0);
      start += length;
    }
    progress.advance(answer.documents, parts[number++]?.part.textBytes ?? 0);
  }
  return makeTokenizer(counts.finish(), tokenizer);
}

const total = (bits: Uint8Array): number => bits.reduce((sum, bit) => sum + bit, 0);
