import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import type { DataSection } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../batches/dataset.js';
import { BlobStore } from '../blobs/blob-store.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { prepareData } from './prepare.js';

const directory = temporaryDirectory();
const tokenizer = { algorithm: 'bpe', vocabulary: 300, lowercase: false } as const;
let places = 0;

async function prepare(data: DataSection, threads = 1) {
  const place = join(directory, `place-${places++}`);
  const store = new BlobStore(join(place, 'blobs'));
  const options = { store, index: join(place, 'index'), threads };
  const prepared = await prepareData({ data, tokenizer }, options);
  const { manifest } = prepared;
  const loaded = loadTokenizer((await store.read(manifest.tokenizer.sha256)).toString());
  const { splits } = openDataset(manifest, (sha256) => store.path(sha256));
  const textsOf = (split: 'train' | 'test') =>
    Array.from({ length: splits[split].documents }, (_, at) =>
      loaded.decode(splits[split].get(at, 'text')),
    );
  return { ...prepared, texts: textsOf('train'), heldOut: textsOf('test') };
}

function write(name: string, texts: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  return path;
}

const files = write('corpus.jsonl', [
  'Write to ann@example.org today.',
  'short',
  'Menu\nThe same line again.\nThe same line again.\nBye',
  'Alle Menschen sind frei und gleich an Würde und Rechten geboren.',
  'All human beings are born free and equal in dignity and rights.',
  'Ring 0171 1234567 in the evening, or write to bob@example.org.',
]);
const cleaning: DataSection['cleaning'] = [
  'default',
  { length: { minimum: 20 } },
  { language: ['en'] },
  'personal-data',
  'duplicate-lines',
];

describe('cleaning that a job file asks for', () => {
  it('takes the steps in their order and counts what each of them did', async () => {
    const { manifest, texts, report } = await prepare({ files, cleaning });
    const { steps } = report ?? {};
    expect(texts).toEqual([
      'Write to <EMAIL_ADDRESS> today.',
      'Menu\nThe same line again.\nBye',
      'All human beings are born free and equal in dignity and rights.',
      'Ring <PHONE_NUMBER> in the evening, or write to <EMAIL_ADDRESS>.',
    ]);
    const { dropped, cleaned } = manifest.statistics;
    expect(dropped).toEqual({ empty: 0, 'exact-duplicate': 0, length: 1, language: 1 });
    expect(cleaned).toEqual({ 'email-addresses': 2, 'phone-numbers': 1, 'duplicate-lines': 1 });
    expect(manifest.filters).toEqual([
      { length: { minimum: 20 } },
      { language: ['en'] },
      'duplicate-lines',
    ]);
    expect(steps?.['email-addresses']?.examples[0]).toEqual({
      place: 'corpus.jsonl line 1',
      before: 'Write to ann@example.org today.',
      after: 'Write to <EMAIL_ADDRESS> today.',
    });
    expect(steps?.['length']).toEqual({
      changed: 0,
      dropped: 1,
      examples: [{ place: 'corpus.jsonl line 2', before: 'short', after: null }],
    });
  });

  it('says of a model the rules that its texts are cleaned by, and no filter', async () => {
    const { manifest } = await prepare({ files, cleaning });
    expect(manifest.cleaning?.slice(-4)).toEqual([
      'email-addresses',
      'ip-addresses',
      'card-numbers',
      'phone-numbers',
    ]);
    expect(manifest.cleaning).not.toContain('duplicate-lines');
  });

  it('leaves the default alone, whose manifests say nothing of filters', async () => {
    const given = await prepare({ files, cleaning: ['default'] });
    const without = await prepare({ files });
    expect(given.manifest).toEqual(without.manifest);
    expect(without.manifest).not.toHaveProperty('filters');
    const bare = await prepare({ files, cleaning: [] });
    expect(bare.manifest.cleaning).toEqual([]);
  });

  it('leaves no document of files out that are given for a split', async () => {
    const test = write('test.jsonl', ['tiny', 'mail me@example.org']);
    const { heldOut } = await prepare({ files, cleaning, test });
    expect(heldOut).toEqual(['tiny', 'mail <EMAIL_ADDRESS>']);
  });

  it('keeps three examples, the first of all, however many threads there are', async () => {
    // More files than one chunk has.
    const many = Array.from({ length: 300 }, (_, at) =>
      write(`part-${at + 100}.jsonl`, [`x${at}@example.org wrote ${at * 7919}`]),
    );
    const data: DataSection = { files: many, cleaning: ['email-addresses'] };
    const one = await prepare(data);
    const two = await prepare(data, 2);
    expect(two.sha256).toBe(one.sha256);
    expect(two.report).toEqual(one.report);
    expect(one.report?.steps['email-addresses']?.changed).toBe(300);
    expect(one.report?.steps['email-addresses']?.examples.map(({ place }) => place)).toEqual([
      'part-100.jsonl line 1',
      'part-101.jsonl line 1',
      'part-102.jsonl line 1',
    ]);
  });
});
