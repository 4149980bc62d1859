import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, type DataManifest } from '@ringmaster/protocol';
import { openDataset, type Dataset } from '../batches/dataset.js';
import { encodeShard } from '../shards/format.js';

/** Documents of a shard. */
export type Documents = readonly {
  readonly tokens: readonly number[];
  readonly label: number;
}[];

/** Prepared data in a directory, whose train and test splits have these shards, and whose validation split is empty. */
export function writeDataset(directory: string, shards: readonly Documents[]): Dataset {
  const blobPath = (hash: string) => join(directory, hash);
  const entries = shards.map((documents) => {
    const tokens = documents.flatMap((document) => document.tokens);
    const offsets = [0];
    for (const document of documents) offsets.push((offsets.at(-1) ?? 0) + document.tokens.length);
    const content = encodeShard({
      documents: documents.length,
      sections: [
        {
          name: 'text',
          kind: 'tokens',
          offsets: Uint32Array.from(offsets),
          values: Uint16Array.from(tokens),
        },
        {
          name: 'class',
          kind: 'class',
          values: Int32Array.from(documents, ({ label }) => label),
        },
      ],
    });
    const hash = sha256(content);
    writeFileSync(blobPath(hash), content);
    return {
      sha256: hash,
      bytes: content.length,
      documents: documents.length,
      tokens: tokens.length,
    };
  });
  const total = (key: 'documents' | 'tokens') =>
    entries.reduce((sum, entry) => sum + entry[key], 0);
  const none = sha256('');
  const split = {
    documents: total('documents'),
    tokens: total('tokens'),
    characters: 0,
    counts: {},
    shards: entries,
    ids: none,
  };
  const empty = { documents: 0, tokens: 0, characters: 0, counts: {}, shards: [], ids: none };
  const manifest: DataManifest = {
    format: 2,
    tokenizer: {
      sha256: none,
      vocabulary: 1000,
      pad: 0,
      unknown: 1,
      classify: 2,
      separate: 3,
      mask: 4,
      endOfText: 5,
      special: [0, 1, 2, 3, 4, 5, 999],
    },
    width: 2,
    columns: [
      { name: 'text', kind: 'tokens' },
      { name: 'class', kind: 'class', names: ['a', 'b', 'c'] },
    ],
    cleaning: [],
    splits: { train: split, validation: empty, test: split },
    statistics: {
      read: 0,
      dropped: {},
      cleaned: {},
      overlap: {},
      unknownTokens: 0,
      unigramEntropy: 0,
      nearDuplicates: { documents: 0, groups: 0 },
    },
    warnings: [],
  };
  return openDataset(manifest, blobPath);
}
