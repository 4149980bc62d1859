import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import type { ColumnNeeds, DataSection, TokenizerRequest } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../batches/dataset.js';
import { BlobStore } from '../blobs/blob-store.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { prepareData } from './prepare.js';

const directory = temporaryDirectory();
function write(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const jsonl = (name: string, rows: readonly object[]) =>
  write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const tokenizer = { algorithm: 'wordpiece', vocabulary: 300, lowercase: true } as const;
let places = 0;

async function prepare(
  data: DataSection,
  needs: ColumnNeeds,
  vocabulary: TokenizerRequest = tokenizer,
) {
  const place = join(directory, `place-${places++}`);
  const store = new BlobStore(join(place, 'blobs'));
  const { manifest } = await prepareData(
    { data, needs, tokenizer: vocabulary },
    { store, index: join(place, 'index') },
  );
  const json = (await store.read(manifest.tokenizer.sha256)).toString();
  const { splits } = openDataset(manifest, (sha256) => store.path(sha256));
  return { manifest, tokenizer: loadTokenizer(json), train: splits.train };
}

it('the manifest names sentinels where texts are learned, and of pairs it is what it was without them', async () => {
  const rows = Array.from({ length: 40 }, (_, at) => ({
    text: `row ${at} of ${at * 7}`,
    source: `ask ${at}`,
    target: `say ${at * 3}`,
  }));
  const files = jsonl('texts-and-pairs.jsonl', rows);
  const unigram = { algorithm: 'unigram', vocabulary: 120, lowercase: true, sentinels: 3 } as const;
  const texts = await prepare({ files }, { text: 'required', class: 'found' }, unigram);
  expect(texts.manifest.tokenizer.sentinels).toEqual(texts.tokenizer.sentinels);
  expect(texts.tokenizer.sentinels).toHaveLength(3);
  const pairs = await prepare({ files }, { source: 'required', target: 'required' }, unigram);
  expect(pairs.tokenizer.sentinels).toHaveLength(3);
  expect(pairs.manifest.tokenizer).not.toHaveProperty('sentinels');
});

const people = ['Ann', 'Bob', 'Cleo'];
const sentences = Array.from({ length: 30 }, (_, at) => ({
  words: [people[at % 3] ?? '', 'met', `Dr. Kim-${at}`, '\u200b', 'today', String(at * 37)],
  tags: ['I-PER', 'O', 'I-PER', 'O', 'O', 'O'],
}));

describe('words with tags', () => {
  const needs = { words: 'required', tags: 'required' } as const;
  const rows = jsonl(
    'words.jsonl',
    sentences.map(({ words, tags }) => ({ tokens: words, ner: tags })),
  );
  const conll = write(
    'words.conll',
    sentences
      .map(({ words, tags }) =>
        words.map((word, at) => `${word}\tx\t${tags[at] ?? ''}`).join('\r\n'),
      )
      .join('\r\n\r\n'),
  );

  it('are tokens of which the first of each word has its tag', async () => {
    const columns = { words: 'tokens', tags: 'ner' };
    const { manifest, tokenizer: loaded, train } = await prepare({ files: rows, columns }, needs);
    const names = ['B-PER', 'I-PER', 'O'];
    expect(manifest.columns).toEqual([
      { name: 'words', kind: 'tokens' },
      { name: 'tags', kind: 'tags', names },
    ]);
    expect(manifest.splits.train.counts).toEqual({ tags: { 'B-PER': 60, O: 120 } });
    expect(manifest.cleaning).toEqual([
      'newlines',
      'control-characters',
      'unicode-nfc',
      'whitespace',
    ]);
    expect(manifest.warnings).toContainEqual(
      expect.stringContaining('30 documents have entities that begin with I-'),
    );
    for (const [at, { words }] of sentences.entries()) {
      const tokens = train.get(at, 'words');
      const tags = train.get(at, 'tags');
      expect(tags).toHaveLength(tokens.length);
      const expected = words.map((word) => loaded.encode(word));
      expect(expected[3]).toEqual([]);
      const firsts = [...tags.keys()].filter((place) => tags[place] !== -1);
      const pieces = firsts.map((first, word) => [...tokens.subarray(first, firsts[word + 1])]);
      expect(pieces).toEqual(expected.map((ids) => (ids.length === 0 ? [loaded.unknown] : ids)));
      expect(firsts.map((first) => names[tags[first] ?? -1])).toEqual([
        'B-PER',
        'O',
        'B-PER',
        'O',
        'O',
        'O',
      ]);
    }
  });

  it('are the same from CoNLL columns', async () => {
    const columns = { words: 'tokens', tags: 'ner' };
    const one = await prepare({ files: rows, columns }, needs);
    const other = await prepare({ files: conll }, needs);
    expect(other.manifest.splits.train.shards).toEqual(one.manifest.splits.train.shards);
    expect(other.manifest.tokenizer).toEqual(one.manifest.tokenizer);
  });

  it('count the documents at fault, and name the first', async () => {
    const broken = jsonl('broken.jsonl', [
      { tokens: ['a'], tags: ['O'] },
      { tokens: ['a', 'b'], tags: ['O'] },
      { tokens: ['a'] },
      { tokens: ['a'], tags: 'O' },
    ]);
    await expect(prepare({ files: broken }, needs)).rejects.toMatchObject({
      code: 'DATA_COLUMN_INVALID',
      detail: { path: broken, line: 2, column: 'tags', documents: 3 },
    });
    const without = jsonl('without.jsonl', [{ tokens: ['a'] }, { tokens: ['b'] }]);
    await expect(prepare({ files: without }, needs)).rejects.toThrow(
      "line 1 has no column 'tags'; it has tokens; so it is in 2 documents",
    );
    const lines = write('lines.txt', 'one\ntwo\n');
    await expect(prepare({ files: lines, format: 'lines' }, needs)).rejects.toThrow(
      "has no column 'tokens'; it has text",
    );
  });
});

describe('other columns', () => {
  const rows = Array.from({ length: 20 }, (_, at) => ({
    text: `the first text number ${at}`,
    pair: `and a second one, ${at * 17}`,
    labels: at % 2 === 0 ? ['b', 'a'] : at % 3 === 0 ? [] : ['10'],
    value: at / 7,
  }));
  const files = jsonl('pairs.jsonl', rows);

  it('are a section each, as they were', async () => {
    const needs = {
      text: 'required',
      pair: 'required',
      classes: 'required',
      value: 'required',
    } as const;
    const { manifest, tokenizer: loaded, train } = await prepare({ files }, needs);
    expect(manifest.columns).toEqual([
      { name: 'text', kind: 'tokens' },
      { name: 'pair', kind: 'tokens' },
      { name: 'classes', kind: 'classes', names: ['10', 'a', 'b'] },
      { name: 'value', kind: 'value' },
    ]);
    expect(manifest.splits.train.counts.classes).toEqual({ a: 10, b: 10, '10': 7 });
    for (const [at, row] of rows.entries()) {
      expect([...train.get(at, 'text')]).toEqual(loaded.encode(row.text));
      expect([...train.get(at, 'pair')]).toEqual(loaded.encode(row.pair));
      expect([...train.get(at, 'classes')]).toEqual(
        row.labels.map((name) => ['10', 'a', 'b'].indexOf(name)).sort((a, b) => a - b),
      );
      expect(train.get(at, 'value')).toBe(row.value);
    }
    expect(() => train.get(0, 'class')).toThrow("the data have no column 'class'");
    const { tokens } = manifest.splits.train;
    expect(tokens).toBe(
      rows.reduce(
        (sum, _, at) => sum + train.get(at, 'text').length + train.get(at, 'pair').length,
        0,
      ),
    );
  });

  it('tell examples apart that share a text', async () => {
    const same = jsonl('same.jsonl', [
      { text: 'one text', pair: 'one' },
      { text: 'one text', pair: 'other' },
      { text: 'one text', pair: 'one' },
      { text: 'one', pair: 'text\n\none' },
      { text: 'one\n\ntext', pair: 'one' },
    ]);
    const { manifest } = await prepare({ files: same }, { text: 'required', pair: 'required' });
    expect(manifest.statistics.dropped['exact-duplicate']).toBe(1);
    expect(manifest.splits.train.documents).toBe(4);
  });
});
