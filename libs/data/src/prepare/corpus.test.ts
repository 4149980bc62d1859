import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  it('has the same bytes for a pretraining and for a fine-tune of what it made', async () => {
    const tokenizer = { algorithm: 'wordpiece', vocabulary: 8192, lowercase: true } as const;
    const first = place('first');
    const pretrain = await prepareData({ data, tokenizer }, first);
    const tokenizerFile = first.store.path(pretrain.manifest.tokenizer.sha256);
    const finetune = await prepareData({ data, tokenizerFile }, place('second'));
    expect(finetune).toEqual(pretrain);

    const { splits, labels, warnings, statistics } = pretrain.manifest;
    expect(labels).toEqual(['ham', 'spam']);
    expect(warnings).toEqual([]);
    expect(splits.test.documents / (statistics.read - 137)).toBeCloseTo(0.2, 1);
    const spam = (split: keyof typeof splits) =>
      (splits[split].labels['spam'] ?? 0) / splits[split].documents;
    expect(Math.abs(spam('test') - spam('train'))).toBeLessThan(0.03);
  });
});
