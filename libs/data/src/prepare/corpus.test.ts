import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namesIn } from '@ringmaster/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { BlobStore } from '../blobs/blob-store.js';
import { prepareData } from './prepare.js';

describe('spam-assassin', { timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'rm-corpus-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });
  const data = { corpus: 'spam-assassin', test: 0.2, validation: 0.05 } as const;
  const place = (name: string) => ({
    store: new BlobStore(join(directory, name)),
    index: join(directory, `${name}-index`),
  });

  it('has the same bytes for a pretraining on one thread and for a fine-tune of what it made on three', async () => {
    const tokenizer = { algorithm: 'wordpiece', vocabulary: 8192, lowercase: true } as const;
    const first = place('first');
    const pretrain = await prepareData({ data, tokenizer }, { ...first, threads: 1 });
    const tokenizerFile = first.store.path(pretrain.manifest.tokenizer.sha256);
    const second = { ...place('second'), threads: 3 };
    const finetune = await prepareData({ data, tokenizerFile }, second);
    expect(finetune).toEqual(pretrain);

    const { splits, warnings, statistics } = pretrain.manifest;
    expect(statistics.read).toBe(6046);
    expect(namesIn(pretrain.manifest, 'class')).toEqual(['ham', 'spam']);
    expect(warnings).toEqual([]);
    expect(splits.test.documents / (statistics.read - 137)).toBeCloseTo(0.2, 1);
    const spam = (split: keyof typeof splits) =>
      (splits[split].counts.class?.['spam'] ?? 0) / splits[split].documents;
    expect(Math.abs(spam('test') - spam('train'))).toBeLessThan(0.03);
  });

  it('throws the error of the first file that has one, from any thread', async () => {
    const files = Array.from({ length: 200 }, (_, at) =>
      join(directory, `${String(at).padStart(3, '0')}.txt`),
    );
    for (const [at, file] of files.entries())
      writeFileSync(file, at === 100 || at === 40 ? Buffer.of(0x61, 0xff) : `text ${at}`);
    for (const threads of [1, 2, 3]) {
      const prepared = prepareData(
        { data: { files }, tokenizer: { algorithm: 'bpe', vocabulary: 300, lowercase: false } },
        { ...place('broken'), threads },
      );
      await expect(prepared).rejects.toMatchObject({
        code: 'DATA_NOT_TEXT',
        detail: { path: files[40] },
      });
    }
  });
});
