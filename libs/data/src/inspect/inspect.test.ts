import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@ringmaster/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../batches/dataset.js';
import { BlobStore } from '../blobs/blob-store.js';
import { findPrepared } from '../prepare/prepared-index.js';
import { prepareData } from '../prepare/prepare.js';
import { lengthsOf } from './lengths.js';
import { surveyTexts } from './texts.js';

const directory = temporaryDirectory();
describe('lengths', () => {
  it('count each document in the one bin that it belongs to', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { minLength: 1 }), (tokens) => {
        const { bins, longest, mean } = lengthsOf(tokens);
        expect(bins.reduce((sum, { documents }) => sum + documents, 0)).toBe(tokens.length);
        for (const { from, to, documents } of bins)
          expect(tokens.filter((each) => each >= from && each <= to)).toHaveLength(documents);
        expect(longest).toBe(Math.max(...tokens));
        expect(bins.at(-1)?.to).toBeGreaterThanOrEqual(longest);
        expect(mean).toBeCloseTo(tokens.reduce((a, b) => a + b) / tokens.length, 6);
      }),
    );
  });

  it('are few, however long documents are', () => {
    expect(lengthsOf([]).bins).toEqual([]);
    expect(lengthsOf([0, 8, 9, 100_000_000]).bins).toHaveLength(25);
    expect(lengthsOf([100, 101]).bins).toEqual([{ from: 65, to: 128, documents: 2 }]);
  });
});

describe('texts', () => {
  it('tell their words and languages, the most frequent first', () => {
    const languageOf = (text: string) => (text.includes('the') ? 'en' : '');
    const survey = surveyTexts(['the cat, THE dog', 'the 42', '中文 naïve 中'], languageOf);
    expect(survey).toEqual({
      documents: 3,
      words: 9,
      frequent: [
        { name: 'the', count: 3 },
        { name: '中', count: 2 },
        { name: 'cat', count: 1 },
        { name: 'dog', count: 1 },
        { name: 'naïve', count: 1 },
        { name: '文', count: 1 },
      ],
      languages: [
        { name: 'en', count: 2 },
        { name: '', count: 1 },
      ],
    });
  });
});

describe('prepared data', () => {
  const store = new BlobStore(join(directory, 'blobs'));
  const place = { store, index: join(directory, 'index') };
  const prepared = async (texts: readonly string[]) => {
    const files = join(directory, `${texts.length}.txt`);
    writeFileSync(files, texts.join('\n'));
    const tokenizer = { algorithm: 'bpe', vocabulary: 300, lowercase: false } as const;
    return prepareData({ data: { files, format: 'lines' }, tokenizer }, place);
  };

  it('are found by how their id begins, with what was told of them', async () => {
    const one = await prepared(['a b c', 'd e f', 'ö']);
    const other = await prepared(['g h i', 'j k l']);
    expect(one.sha256[0]).not.toBe(other.sha256[0]);
    const { manifest, report } = await findPrepared(one.sha256.slice(0, 8), place);
    expect(manifest).toEqual(one.manifest);
    expect(report?.encoded).toEqual({ tokens: 12, bytes: 12, unknown: 0, example: null });
    const { splits } = openDataset(manifest, (sha256) => store.path(sha256));
    expect([...splits.train.tokenCounts()].sort()).toEqual([2, 5, 5]);
    await expect(findPrepared('', place)).rejects.toMatchObject({ code: 'REFERENCE_AMBIGUOUS' });
    await expect(findPrepared('00000000', place)).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
    });
  });

  it('go without a report that is gone, and are not prepared anew for it', async () => {
    const { sha256 } = await prepared(['m n o', 'p q r', 's t u', 'v w x']);
    const text = Buffer.from('{"format":2}');
    for await (const blob of store.list())
      if ((await store.read(blob.sha256)).includes('"steps"'))
        writeFileSync(store.path(blob.sha256), text);
    const again = await prepared(['m n o', 'p q r', 's t u', 'v w x']);
    expect(again).toMatchObject({ sha256, cached: true, report: null });
  });
});
