import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, type DataManifest } from '@ringmaster/protocol';
import { openDataset, type Dataset } from '../batches/dataset.js';
import { encodeShard } from '../shards/format.js';
import type { Section } from '../shards/section.js';

/** Documents of a shard. */
export type Documents = readonly {
  readonly tokens: readonly number[];
  readonly label: number;
}[];

/** Documents of a shard whose columns are a source and a target. */
export type Pairs = readonly {
  readonly source: readonly number[];
  readonly target: readonly number[];
}[];

/** Prepared data in a directory, whose train and test splits have these shards, and whose validation split is empty. */
export function writeDataset(directory: string, shards: readonly Documents[]): Dataset {
  const contents = shards.map((documents): Section[] => [
    tokenSection(
      'text',
      documents.map(({ tokens }) => tokens),
    ),
    { name: 'class', kind: 'class', values: Int32Array.from(documents, ({ label }) => label) },
  ]);
  return write(directory, contents, [
    { name: 'text', kind: 'tokens' },
    { name: 'class', kind: 'class', names: ['a', 'b', 'c'] },
  ]);
}

/** The same of pairs of texts. */
export function writePairs(directory: string, shards: readonly Pairs[]): Dataset {
  const names = ['source', 'target'] as const;
  const contents = shards.map((documents) =>
    names.map((name) =>
      tokenSection(
        name,
        documents.map((document) => document[name]),
      ),
    ),
  );
  return write(
    directory,
    contents,
    names.map((name) => ({ name, kind: 'tokens' })),
  );
}

function tokenSection(
  name: 'text' | 'source' | 'target',
  documents: readonly (readonly number[])[],
): Section {
  const offsets = [0];
  for (const tokens of documents) offsets.push((offsets.at(-1) ?? 0) + tokens.length);
  return {
    name,
    kind: 'tokens',
    offsets: Uint32Array.from(offsets),
    values: Uint16Array.from(documents.flat()),
  };
}

function write(
  directory: string,
  contents: readonly (readonly Section[])[],
  columns: DataManifest['columns'],
): Dataset {
  const blobPath = (hash: string) => join(directory, hash);
  const entries = contents.map((sections) => {
    const [first] = sections;
    const documents = first?.kind === 'tokens' ? first.offsets.length - 1 : 0;
    const content = encodeShard({ documents, sections });
    const hash = sha256(content);
    writeFileSync(blobPath(hash), content);
    const tokens = sections
      .filter(({ kind }) => kind === 'tokens')
      .reduce((sum, { values }) => sum + values.length, 0);
    return { sha256: hash, bytes: content.length, documents, tokens };
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
    columns,
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
