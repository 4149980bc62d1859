import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import type { ColumnNeeds, DataSection } from '@ringmaster/protocol';
import { Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../batches/dataset.js';
import { BlobStore } from '../blobs/blob-store.js';
import { TEXT_NEEDS } from '../readers/columns.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { epochsOf } from './epochs.js';
import { prepareData } from './prepare.js';
import { openSources } from './request.js';

const directory = temporaryDirectory();
const tokenizer = { algorithm: 'bpe', vocabulary: 300, lowercase: false } as const;
let places = 0;

async function prepare(data: DataSection, threads = 1, needs: ColumnNeeds = TEXT_NEEDS) {
  const place = join(directory, `place-${places++}`);
  const store = new BlobStore(join(place, 'blobs'));
  const options = { store, index: join(place, 'index'), threads };
  const prepared = await prepareData({ data, needs, tokenizer }, options);
  const { manifest } = prepared;
  const loaded = loadTokenizer((await store.read(manifest.tokenizer.sha256)).toString());
  const { splits } = openDataset(manifest, (sha256) => store.path(sha256));
  const textsOf = (split: 'train' | 'validation' | 'test') =>
    Array.from({ length: splits[split].documents }, (_, at) =>
      loaded.decode(splits[split].get(at, 'text')),
    );
  const ids = (await store.read(manifest.splits.train.ids)).toString().trimEnd().split('\n');
  return { ...prepared, train: textsOf('train'), textsOf, ids };
}

function write(name: string, content: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Texts that are not alike. */
const textOf = (kind: string, at: number) =>
  Array.from({ length: 12 }, (_, word) => `${kind}${at}${word * word + at}`).join(' ');
const letters = Array.from({ length: 12 }, (_, at) => textOf('l', at));
const mails = Array.from({ length: 3 }, (_, at) => textOf('m', at));
const lettersFile = write(
  'letters/rows.jsonl',
  letters.map((text) => `${JSON.stringify({ body: text })}\n`).join(''),
);
const mailsFile = write('mails/rows.csv', ['content', ...mails].join('\n'));
const sources = [
  { name: 'letters', files: lettersFile, columns: { text: 'body' } },
  { files: mailsFile, text: 'content' },
];
const times = (texts: readonly string[], count: number) =>
  Array.from({ length: count }, () => texts).flat();

describe('a mixture', () => {
  it('is one source after another, each with its own columns and format', async () => {
    const { train, ids, manifest } = await prepare({ sources });
    expect(train).toEqual([...letters, ...mails]);
    expect(ids).toEqual([
      ...letters.map((_, at) => `letters/rows.jsonl#${at}`),
      ...mails.map((_, at) => `2/rows.csv#${at}`),
    ]);
    expect(manifest.mixture).toMatchObject([
      { name: 'letters', weight: null, documents: 12, epochs: 1 },
      { name: '2', weight: null, documents: 3, epochs: 1 },
    ]);
  });

  it('has the shares of its weights: what has less is repeated, whole passes in the same shards', async () => {
    const weighted = sources.map((source) => ({ ...source, weight: 1 }));
    const needs = { text: 'required', class: 'required' } as const;
    const labelled = await prepare(
      {
        sources: [
          {
            name: 'a',
            weight: 2,
            files: write(
              'a.jsonl',
              letters
                .map((text, at) => `${JSON.stringify({ text, label: `c${at % 2}` })}\n`)
                .join(''),
            ),
          },
          {
            name: 'b',
            weight: 1,
            files: write(
              'b.jsonl',
              mails
                .map((text, at) => `${JSON.stringify({ text, label: `c${at % 2}` })}\n`)
                .join(''),
            ),
          },
        ],
      },
      1,
      needs,
    );
    expect(labelled.manifest.mixture).toMatchObject([{ epochs: 1 }, { epochs: 2 }]);
    expect(labelled.train).toEqual([...letters, ...times(mails, 2)]);
    expect(labelled.manifest.splits.train).toMatchObject({
      documents: 18,
      counts: { class: { c0: 10, c1: 8 } },
    });

    const { train, ids, manifest } = await prepare({ sources: weighted });
    const [one, other] = manifest.mixture ?? [];
    expect((one?.tokens ?? 0) * (one?.epochs ?? 0)).toBeCloseTo(
      (other?.tokens ?? 0) * (other?.epochs ?? 0),
      6,
    );
    const passes = Math.floor(other?.epochs ?? 0);
    expect(train.slice(0, 12 + 3 * passes)).toEqual([...letters, ...times(mails, passes)]);
    const bySmallestHash = [...mails].sort((a, b) => {
      const hash = (text: string) => createHash('sha256').update(text).digest('hex');
      return hash(a) < hash(b) ? -1 : 1;
    });
    const rest = train.slice(12 + 3 * passes);
    expect(rest).toEqual(
      mails.filter((text) => bySmallestHash.slice(0, rest.length).includes(text)),
    );
    expect(ids).toHaveLength(train.length);
    expect(manifest.splits.train.documents).toBe(train.length);
    const shards = manifest.splits.train.shards.map(({ sha256 }) => sha256);
    expect(new Set(shards).size).toBe(rest.length > 0 ? 3 : 2);
  });

  it('takes no more of a source than its limit, and more of the same for a larger one', async () => {
    const limited = (limit: number): DataSection => ({
      sources: sources.map((source, at) => (at === 0 ? { ...source, limit } : source)),
    });
    const four = await prepare(limited(4));
    const seven = await prepare(limited(7));
    expect(four.train).toHaveLength(4 + mails.length);
    expect(seven.train).toHaveLength(7 + mails.length);
    for (const text of four.train) expect(seven.train).toContain(text);
    expect(four.manifest.statistics.dropped).toMatchObject({ limit: 8 });
  });

  it('has the same bytes for any number of threads, and others for other weights', async () => {
    const mixed = (weight: number): DataSection => ({
      sources: sources.map((source, at) => ({ ...source, weight: at === 0 ? 1 : weight })),
      validation: 0.2,
    });
    const one = await prepare(mixed(1.5));
    expect((await prepare(mixed(1.5), 2)).sha256).toBe(one.sha256);
    expect((await prepare(mixed(2))).sha256).not.toBe(one.sha256);
  });

  it('is refused where a source has next to nothing for its weight', async () => {
    const greedy = sources.map((source, at) => ({ ...source, weight: at === 0 ? 1 : 1000 }));
    await expect(prepare({ sources: greedy })).rejects.toMatchObject({
      code: 'DATA_SOURCE_SMALL',
      message: expect.stringContaining("'2'") as string,
    });
    const { warnings } = await prepare({
      sources: greedy.map((source, at) => ({ ...source, weight: at === 0 ? 1 : 2 })),
    });
    expect(warnings).toContainEqual(
      expect.stringMatching(/^the source '2' is read \d+\.\d times in an epoch$/),
    );
  });
});

describe('epochs of a mixture', () => {
  it('share what is read as the weights say, and read every source at least once', () => {
    const source = fc.record({
      size: fc.integer({ min: 1, max: 50 }),
      weight: fc.integer({ min: 1, max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(source, { minLength: 1, maxLength: 6 }), (all) => {
        const mixture = all.map(({ weight }, at) => ({ name: String(at), weight, limit: null }));
        const epochs = epochsOf(
          mixture,
          all.map(({ size }) => size),
        );
        const total = all.reduce((sum, { size }, at) => sum + size * (epochs[at] ?? 0), 0);
        const weights = all.reduce((sum, { weight }) => sum + weight, 0);
        for (const [at, { size, weight }] of all.entries())
          expect((size * (epochs[at] ?? 0)) / total).toBeCloseTo(weight / weights, 9);
        expect(Math.min(...epochs)).toBe(1);
      }),
    );
  });
});

describe('a dataset of Hugging Face', () => {
  const line = (text: string) => `${JSON.stringify({ text })}\n`;
  const info = (name: string) => write(`${name}/dataset_info.json`, '{"features": {}}');

  it('has the splits that its files are named for', async () => {
    info('hub');
    write('hub/README.md', 'no data');
    write('hub/data/train-00000-of-00002.jsonl', line(letters[0] ?? ''));
    write('hub/data/train-00001-of-00002.jsonl', line(letters[1] ?? ''));
    write('hub/data/validation.jsonl', line(letters[2] ?? ''));
    write('hub/data/test.jsonl', line(letters[3] ?? ''));
    const { train, textsOf } = await prepare({ files: join(directory, 'hub'), validation: 0.5 });
    expect([train, textsOf('validation'), textsOf('test')]).toEqual([
      letters.slice(0, 2),
      letters.slice(2, 3),
      letters.slice(3, 4),
    ]);
    const test = write('own.jsonl', line(mails[0] ?? ''));
    const own = await prepare({ files: join(directory, 'hub'), test });
    expect(own.textsOf('test')).toEqual(mails.slice(0, 1));
    const source = { files: join(directory, 'hub') };
    expect((await prepare({ sources: [source] })).train).toEqual(letters.slice(0, 2));
  });

  it('is one split where no file is named for one', async () => {
    info('plain');
    write('plain/some.jsonl', letters.map(line).join(''));
    const { train } = await prepare({ files: join(directory, 'plain') });
    expect(train).toEqual(letters);
  });

  it('is read as save_to_disk writes it, a split or several', async () => {
    const save = (name: string, texts: readonly string[]) => {
      info(name);
      write(`${name}/state.json`, '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}');
      const table = new Table({ text: vectorFromArray(texts, new Utf8()) });
      const path = join(directory, name, 'data-00000-of-00001.arrow');
      writeFileSync(path, tableToIPC(table, 'stream'));
    };
    save('saved/train', letters.slice(0, 8));
    save('saved/test', mails);
    write('saved/dataset_dict.json', '{"splits": ["train", "test"]}');
    const { train, textsOf } = await prepare({ files: join(directory, 'saved') });
    expect([train, textsOf('test')]).toEqual([letters.slice(0, 8), mails]);
    const one = await prepare({ files: join(directory, 'saved/test') });
    expect(one.train).toEqual(mails);
  });

  it('is described by nothing outside the directories that data may be read from', async () => {
    const secret = write('secret.json', 'secret');
    mkdirSync(join(directory, 'roots'));
    symlinkSync(secret, join(directory, 'roots/dataset_dict.json'));
    const opened = openSources({ data: { files: join(directory, 'roots') } }, [
      join(directory, 'roots'),
    ]);
    await expect(opened).rejects.toMatchObject({ code: 'DATA_PATH_REFUSED' });
    write('upwards/dataset_dict.json', '{"splits": ["../train"]}');
    write('train/state.json', 'secret');
    const above = openSources({ data: { files: join(directory, 'upwards') } }, [
      join(directory, 'upwards'),
    ]);
    await expect(above).rejects.toMatchObject({ code: 'DATA_PATH_REFUSED' });
  });

  it('says what is wrong with it', async () => {
    write('broken/dataset_dict.json', '{"splits": 1}');
    await expect(prepare({ files: join(directory, 'broken') })).rejects.toMatchObject({
      code: 'DATA_FILE_INVALID',
      message: expect.stringContaining('dataset_dict.json') as string,
    });
  });
});
