import { copyFileSync, createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { BlobStore } from '../blobs/blob-store.js';
import type { FinishedSplit, SplitEntry } from './builder.js';

/** Documents in shards, and how often they come. */
export interface Pass {
  readonly split: FinishedSplit;
  readonly times: number;
}

/**
 * A split of some documents and then others, each as often as wanted. Shards that come again are the same blobs.
 * @param idFile Where the ids of all of them are collected, if they are not those of one file.
 */
export async function joinSplits(
  store: BlobStore,
  passes: readonly Pass[],
  idFile: string,
): Promise<SplitEntry> {
  const all = passes.flatMap(({ split, times }) => Array.from({ length: times }, () => split));
  const total = (key: 'documents' | 'tokens' | 'characters') =>
    all.reduce((sum, split) => sum + split[key], 0);
  const counts: SplitEntry['counts'] = {};
  for (const split of all)
    for (const [column, found] of Object.entries(split.counts) as CountEntries)
      counts[column] = added(counts[column] ?? {}, found);
  const [first, ...others] = all;
  if (first === undefined) throw new Error('there is a pass at least');
  let ids = first.idFile;
  if (others.length > 0) {
    ids = idFile;
    copyFileSync(first.idFile, ids);
    for (const split of others)
      await pipeline(createReadStream(split.idFile), createWriteStream(ids, { flags: 'a' }));
  }
  return {
    documents: total('documents'),
    tokens: total('tokens'),
    characters: total('characters'),
    counts,
    shards: all.flatMap(({ shards }) => shards),
    ids: (await store.putFile(ids)).sha256,
  };
}

type Counts = Readonly<Record<string, number>>;
type CountEntries = [keyof SplitEntry['counts'], Counts][];

function added(one: Counts, other: Counts): Record<string, number> {
  const sums = { ...one };
  for (const [name, count] of Object.entries(other)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
