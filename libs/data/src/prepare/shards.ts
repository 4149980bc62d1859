import { join } from 'node:path';
import type { DataColumn, DataManifest } from '@ringmaster/protocol';
import { SplitBuilder } from '../shards/builder.js';
import { tokenWidth } from '../shards/section.js';
import { splitNames } from '../splits.js';
import { COUNTED, WANTED, type EncodeAnswer } from '../tasks/encode.js';
import { DROPPED, identifier, type Corpus, type CorpusPart } from './corpus.js';
import { encodersOf, type EncodingPlan } from './encoders.js';
import { joinCounted, type CountedUnknown } from './unknown-tokens.js';
import type { Workplace } from './workplace.js';

/** A corpus in shards. */
export interface Encoded extends Pick<DataManifest, 'width' | 'columns' | 'splits'> {
  readonly unknown: CountedUnknown;
  /** Bytes of the texts, in UTF-8. */
  readonly bytes: number;
  /** How often each token occurs in the train split. */
  readonly frequencies: Float64Array;
}

/**
 * Encodes the documents of a corpus and writes them as shards of their splits.
 * @param tokenizer Its file.
 */
export async function encodeCorpus(
  corpus: Corpus,
  plan: EncodingPlan,
  tokenizer: { readonly path: string; readonly vocabulary: number },
  { store, progress, pool, directory }: Workplace,
): Promise<Encoded> {
  progress.phase('encode', corpus.documents);
  const width = tokenWidth(tokenizer.vocabulary);
  const columns: DataColumn[] = encodersOf(plan).flatMap((encoder) => encoder.columns);
  const builders = splitNames.map(
    (split) => new SplitBuilder(store, columns, width, join(directory, `ids-${split}`)),
  );
  const frequencies = new Float64Array(tokenizer.vocabulary);
  let unknown: CountedUnknown = { tokens: 0, count: 0, example: null };
  const requests = corpus.parts.map(({ part, splits }) => ({
    path: part.path,
    wanted: splits.map(wantedOf),
    tokenizer: tokenizer.path,
    plan,
  }));
  let bytes = 0;
  let number = 0;
  let done = 0;
  for await (const answer of pool.answers('encode', requests)) {
    const corpusPart = corpus.parts[number++];
    if (corpusPart === undefined) throw new Error('there are more answers than parts');
    await addDocuments(builders, corpusPart, answer);
    bytes += answer.bytes;
    unknown = joinCounted(unknown, answer.unknown);
    for (const [token, count] of answer.frequencies.entries())
      frequencies[token] = (frequencies[token] ?? 0) + count;
    done += answer.characters.length;
    progress.advance(done);
  }
  const [train, validation, test] = builders;
  if (train === undefined || validation === undefined || test === undefined)
    throw new Error('there is a builder for each split');
  return {
    width,
    columns,
    splits: {
      train: await train.finish(),
      validation: await validation.finish(),
      test: await test.finish(),
    },
    unknown,
    bytes,
    frequencies,
  };
}

function wantedOf(split: number): number {
  if (split === DROPPED) return 0;
  return splitNames[split] === 'train' ? COUNTED : WANTED;
}

/** Gives each document of a part to the builder of its split, in order. */
async function addDocuments(
  builders: readonly SplitBuilder[],
  { part, chunk, before, splits }: CorpusPart,
  { columns, characters }: EncodeAnswer,
): Promise<void> {
  const idOf = identifier(part, chunk, before);
  const starts = columns.map(() => 0);
  let document = 0;
  for (const [at, split] of splits.entries()) {
    if (split === DROPPED) continue;
    const encoded = columns.map(({ lengths, values }, index) => {
      const start = starts[index] ?? 0;
      const end = start + (lengths[document] ?? 0);
      starts[index] = end;
      return values.subarray(start, end);
    });
    await builders[split]?.add(idOf(at), characters[document] ?? 0, encoded);
    document++;
  }
}
