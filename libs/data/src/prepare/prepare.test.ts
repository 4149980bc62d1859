import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@ringmaster/testing';
import { randomKey, RandomStream } from '@ringmaster/base';
import { namesIn, type DataSection, type PreparationProgress } from '@ringmaster/protocol';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../batches/dataset.js';
import { BlobStore } from '../blobs/blob-store.js';
import { loadTokenizer } from '../tokenizers/load.js';
import { prepareData } from './prepare.js';
import type { PrepareRequest } from './request.js';

const directory = temporaryDirectory();
let places = 0;
function freshPlace(): { store: BlobStore; index: string } {
  const root = join(directory, `place-${places++}`);
  return { store: new BlobStore(join(root, 'blobs')), index: join(root, 'index') };
}

function write(name: string, lines: readonly object[]): string {
  const path = join(directory, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

const stream = new RandomStream(randomKey(1, 'sentences'));
const words =
  'red green blue white black large small old new fast slow deep high low warm cold'.split(' ');
/** 30 words and the number, so that no two sentences are nearly the same. */
const sentence = (number: number) =>
  [
    ...Array.from({ length: 30 }, (_, at) => words[stream.integer(30 * number + at, 16)]),
    number,
  ].join(' ');
const rows = Array.from({ length: 120 }, (_, seed) => ({
  text: sentence(seed),
  label: seed % 3 === 0 ? 'yes' : 'no',
}));
const tokenizer = { algorithm: 'bpe', vocabulary: 320, lowercase: true } as const;
const request = (data: DataSection): PrepareRequest => ({ data, tokenizer });
const files = write('rows.jsonl', rows);

describe('prepareData', () => {
  it('gives the same bytes in another place, from another directory', async () => {
    const first = freshPlace();
    const one = await prepareData(request({ files, test: 0.2, validation: 0.1 }), first);
    const elsewhere = mkdtempSync(join(directory, 'elsewhere-'));
    const copy = join(elsewhere, 'rows.jsonl');
    writeFileSync(copy, readFileSync(files));
    const second = freshPlace();
    const two = await prepareData(request({ files: [copy], test: 0.2, validation: 0.1 }), second);
    expect(two).toEqual(one);
    const blobs = (store: BlobStore) =>
      readdirSync(join(store.root, 'sha256'), { recursive: true }).sort();
    expect(blobs(second.store)).toEqual(blobs(first.store));
  });

  it('puts each document into one split, as the tokens of its text', async () => {
    const place = freshPlace();
    const { manifest } = await prepareData(request({ files, test: 0.2 }), place);
    const json = (await place.store.read(manifest.tokenizer.sha256)).toString();
    const loaded = loadTokenizer(json);
    const dataset = openDataset(manifest, (sha256) => place.store.path(sha256));
    const texts = (['train', 'validation', 'test'] as const).flatMap((split) =>
      Array.from({ length: manifest.splits[split].documents }, (_, index) => {
        const text = loaded.decode(dataset.splits[split].get(index, 'text'));
        return {
          text,
          label: namesIn(manifest, 'class')[dataset.splits[split].get(index, 'class')],
        };
      }),
    );
    const sorted = (list: readonly object[]) => list.map((each) => JSON.stringify(each)).sort();
    expect(sorted(texts)).toEqual(sorted(rows));
    expect(manifest.splits.validation.documents).toBe(0);
    expect(manifest.splits.test.documents).toBeGreaterThan(10);
    const ids = await Promise.all(
      Object.values(manifest.splits).map(async ({ ids }) =>
        (await place.store.read(ids)).toString(),
      ),
    );
    expect(ids.join('').trim().split('\n').sort()).toEqual(
      rows.map((_, at) => `rows.jsonl#${at}`).sort(),
    );
  });

  it('remembers a request until its sources change or a blob is lost', async () => {
    const place = freshPlace();
    const source = write('changing.jsonl', rows);
    const prepare = () => prepareData(request({ files: source, test: 0.2 }), place);
    const first = await prepare();
    expect(first.cached).toBe(false);
    expect(await prepare()).toEqual({ ...first, cached: true });

    await place.store.remove(first.manifest.splits.train.shards[0]?.sha256 ?? '');
    expect(await prepare()).toEqual(first);

    write('changing.jsonl', rows.slice(1));
    const changed = await prepare();
    expect(changed.cached).toBe(false);
    expect(changed.sha256).not.toBe(first.sha256);
  });

  it.each(['cut', 'changed'])('prepares again what is %s, of whatever it consists', async (how) => {
    const place = freshPlace();
    const first = await prepareData(request({ files, test: 0.3 }), place);
    const { splits, tokenizer } = first.manifest;
    const blobs = Object.values(splits).flatMap(({ ids, shards }) => [
      ids,
      ...shards.map(({ sha256 }) => sha256),
    ]);
    for (const blob of [first.sha256, tokenizer.sha256, ...blobs]) {
      const path = place.store.path(blob);
      const whole = readFileSync(path);
      if (whole.length === 0) continue;
      chmodSync(path, 0o644);
      const last = whole.length - 1;
      if (how === 'cut') truncateSync(path, last);
      else writeFileSync(path, Buffer.from(whole).fill(whole[last]! ^ 1, last));
      const again = await prepareData(request({ files, test: 0.3 }), place);
      expect(again).toEqual(first);
      expect(readFileSync(path)).toEqual(whole);
    }
  });

  it('holds out the same documents with another tokenizer and without labels', async () => {
    const place = freshPlace();
    const heldOut = async (prepare: PrepareRequest) => {
      const { manifest } = await prepareData(prepare, place);
      return (await place.store.read(manifest.splits.test.ids)).toString();
    };
    const data = { files, test: 0.3 };
    const unlabelled = write(
      'rows-2.jsonl',
      rows.map(({ text }) => ({ text })),
    );
    const base = await prepareData(request(data), place);
    const first = await heldOut(request(data));
    const tokenizerFile = place.store.path(base.manifest.tokenizer.sha256);
    expect(await heldOut({ data, tokenizerFile })).toBe(first);
    expect(
      (await heldOut(request({ ...data, files: unlabelled }))).replaceAll('rows-2', 'rows'),
    ).toBe(first);
  });

  it('counts what it drops, and warns of texts in two splits', async () => {
    const train = write('train.jsonl', [
      ...rows.slice(0, 60),
      ...rows.slice(0, 5),
      { text: ' \n', label: 'no' },
    ]);
    const test = write('test.jsonl', [
      ...rows.slice(50, 80),
      { text: `${sentence(0)} more`, label: 'yes' },
    ]);
    const { manifest } = await prepareData(request({ files: train, test }), freshPlace());
    expect(manifest.statistics).toMatchObject({
      read: 97,
      dropped: { empty: 1, 'exact-duplicate': 5 },
      overlap: { test: 11 },
    });
    expect(manifest.warnings).toContainEqual(
      expect.stringContaining('11 documents of the test files'),
    );
    expect(manifest.splits.train.documents).toBe(60);
    expect(manifest.splits.test.documents).toBe(31);
  });

  it('orders labels that are numbers as numbers', async () => {
    const numbered = write(
      'numbered.jsonl',
      rows.map(({ text }, at) => ({ text, label: at % 12 })),
    );
    const { manifest } = await prepareData(request({ files: numbered }), freshPlace());
    expect(namesIn(manifest, 'class')).toEqual(Array.from({ length: 12 }, (_, at) => String(at)));
  });

  it('uses no label, and says so, where some documents have none', async () => {
    const partly = write('partly.jsonl', [...rows, { text: 'one without' }]);
    const { manifest } = await prepareData(request({ files: partly }), freshPlace());
    expect(namesIn(manifest, 'class')).toEqual([]);
    expect(manifest.warnings).toContain(
      'no label is used: 1 document has no label, the first of them partly.jsonl line 121',
    );
  });

  const labelled = (data: DataSection): PrepareRequest => ({
    ...request(data),
    needs: { text: 'required', class: 'required' },
  });

  it('is the same with and without a task that needs the labels', async () => {
    const pretrain = await prepareData(request({ files, test: 0.2 }), freshPlace());
    const finetune = await prepareData(labelled({ files, test: 0.2 }), freshPlace());
    expect(finetune).toEqual(pretrain);
  });

  it.each([
    [
      'DATA_LABEL_UNKNOWN',
      { files, test: write('maybe.jsonl', [{ text: 'x', label: 'maybe' }]) },
      "'maybe'",
    ],
    [
      'DATA_LABELS_MISSING',
      { files: write('none.jsonl', [...rows.slice(0, 47), { text: 'x', label: null }]) },
      '1 document has no label, the first of them none.jsonl line 48',
    ],
    [
      'DATA_LABELS_USELESS',
      {
        files: write(
          'same.jsonl',
          rows.map(({ text }) => ({ text, label: 'a' })),
        ),
      },
      "All 120 train documents have the label 'a'",
    ],
    [
      'DATA_LABELS_USELESS',
      {
        files: write(
          'own.jsonl',
          rows.map(({ text }, id) => ({ text, label: id })),
        ),
      },
      '120 labels, each its own',
    ],
  ] as const)(
    'refuses with %s what a classifier cannot learn from',
    async (code, data, message) => {
      const cached = freshPlace();
      await prepareData(request(data), cached);
      const refused = prepareData(labelled(data), cached);
      await expect(refused).rejects.toMatchObject({ code });
      await expect(refused).rejects.toThrow(message);
    },
  );

  it.each([
    [
      'DATA_SPLIT_EMPTY',
      { files: write('one.jsonl', [{ text: 'x' }]), test: 0.2 },
      '1 document is left',
    ],
    ['DATA_SPLIT_EMPTY', { files: write('blank.jsonl', [{ text: ' ' }]) }, '0 documents are left'],
    [
      'DATA_SPLIT_EMPTY',
      {
        files: write(
          'preamble.jsonl',
          rows.slice(0, 9).map((_, id) => ({ text: `${sentence(1)} ${id}` })),
        ),
        test: 0.2,
      },
      '9 documents are left after cleaning, but they are only 1 group of near duplicates',
    ],
    [
      'DATA_SPLIT_EMPTY',
      {
        files: write(
          'own-test.jsonl',
          rows.map(({ text }, id) => ({ text, label: id })),
        ),
        test: 0.2,
      },
      '120 documents are left after cleaning, and they have 120 classes, of each of which',
    ],
    ['JOB_FILE_INVALID', { files, test: 0.5, validation: 0.5 }, 'nothing to train on'],
  ] as const)('refuses with %s', async (code, data, message) => {
    const refused = prepareData(request(data), freshPlace());
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(message);
  });

  it('refuses texts of which a tokenizer knows nothing, and warns of those of which it knows little', async () => {
    const wordpiece = { algorithm: 'wordpiece', vocabulary: 300, lowercase: true } as const;
    const letters = 'acgt';
    const gene = (seed: number) =>
      Array.from(
        { length: 300 },
        (_, at) => letters[stream.integer(1e6 + 300 * seed + at, 4)],
      ).join('');
    const genes = write('genes.txt', []);
    writeFileSync(genes, Array.from({ length: 50 }, (_, seed) => `${gene(seed)}\n`).join(''));
    const data = { files: genes, format: 'lines' } as const;
    const refused = prepareData({ data, tokenizer: wordpiece }, freshPlace());
    await expect(refused).rejects.toMatchObject({ code: 'DATA_TOKENS_UNKNOWN' });
    await expect(refused).rejects.toThrow('100 % of the tokens are unknown');

    writeFileSync(
      genes,
      rows.map(({ text }, at) => `${text} ${at % 2 ? gene(at) : ''}\n`).join(''),
    );
    const { manifest } = await prepareData({ data, tokenizer: wordpiece }, freshPlace());
    expect(manifest.statistics.unknownTokens).toBe(60);
    expect(manifest.warnings).toContainEqual(
      expect.stringMatching(/^1\.\d % of the tokens are unknown/),
    );
  });

  it('tells what was left out, each time and outside the manifest', async () => {
    const folder = mkdtempSync(join(directory, 'left-out-'));
    writeFileSync(join(folder, 'a.jsonl'), readFileSync(files));
    const place = freshPlace();
    const whole = await prepareData(request({ files: folder }), place);
    writeFileSync(join(folder, '.DS_Store'), 'x');
    const again = await prepareData(request({ files: folder }), place);
    expect(again).toEqual({
      ...whole,
      cached: true,
      warnings: ['left out as hidden: .DS_Store', ...whole.warnings],
    });
  });

  it('refuses a tokenizer that is not there', async () => {
    const missing = { data: { files }, tokenizerFile: join(directory, 'none.json') };
    await expect(prepareData(missing, freshPlace())).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
    });
  });

  it('tells what it is doing', async () => {
    const seen: PreparationProgress[] = [];
    const onProgress = (progress: PreparationProgress) => seen.push(progress);
    await prepareData(request({ files }), { ...freshPlace(), onProgress });
    const phases = [...new Set(seen.map(({ phase }) => phase))];
    expect(phases).toEqual(['hash', 'read', 'duplicates', 'tokenizer', 'encode']);
    expect(seen.at(-1)).toMatchObject({ phase: 'encode', done: 120, total: 120, secondsLeft: 0 });
    for (const { bytes } of seen.filter(
      ({ phase, done }) => phase !== 'duplicates' && done === 120,
    ))
      expect(bytes?.done).toBe(bytes?.total);
  });

  it('leaves nothing that is taken for whole when it is killed', async () => {
    const whole = await prepareData(request({ files }), freshPlace());
    const script = join(directory, 'killed.mjs');
    const module = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
    writeFileSync(
      script,
      `import { BlobStore } from ${module('../blobs/blob-store.js')};
       import { prepareData } from ${module('./prepare.js')};
       const [root, index, phase, done, data] = process.argv.slice(2);
       const onProgress = (progress) => {
         if (progress.phase === phase && progress.done === Number(done)) process.kill(process.pid, 'SIGKILL');
       };
       await prepareData(JSON.parse(data), { store: new BlobStore(root), index, onProgress });`,
    );
    for (const [phase, done] of [
      ['read', '0'],
      ['tokenizer', '0'],
      ['encode', '120'],
    ] as const) {
      const place = freshPlace();
      const data = JSON.stringify(request({ files }));
      const killed = fork(script, [place.store.root, place.index, phase, done, data]);
      const [, signal] = (await once(killed, 'exit')) as [unknown, string];
      expect(signal).toBe('SIGKILL');
      expect(await prepareData(request({ files }), place)).toEqual(whole);
    }
  });
});
