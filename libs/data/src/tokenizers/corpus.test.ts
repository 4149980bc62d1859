import { Tokenizer as Native } from 'tokenizers';
import { beforeAll, describe, expect, it } from 'vitest';
import { cleanText, MARKUP } from '../clean/clean.js';
import { openSpamAssassin } from '../readers/spam-assassin.js';
import { loadTokenizer } from './load.js';
import { trainTokenizer } from './train.js';

/** What holds of every one of the 6,046 mails. */
describe('spam-assassin', { timeout: 300_000 }, () => {
  const mails: { readonly text: string; readonly label: string | null }[] = [];
  beforeAll(async () => {
    for await (const { columns } of await openSpamAssassin())
      mails.push({ text: columns.text ?? '', label: columns.class ?? null });
  }, 300_000);

  it('has 4,150 ham and 1,896 spam, and no header beside the subject', () => {
    expect(mails.filter(({ label }) => label === 'ham')).toHaveLength(4150);
    expect(mails.filter(({ label }) => label === 'spam')).toHaveLength(1896);
    const leaks = mails.filter(({ text }) => /^(X-Spam|X-Mailman|List-Id|Received:)/.test(text));
    expect(leaks).toEqual([]);
  });

  it.each(['wordpiece', 'bpe', 'sentencepiece-bpe'] as const)(
    'is encoded by our %s as by the oracle',
    async (algorithm) => {
      const texts = mails.map(({ text }) => text);
      const some = texts
        .filter((_, index) => index % 4 === 0)
        .map((text) => cleanText(text, MARKUP).text);
      const json = trainTokenizer(some, { algorithm, vocabulary: 8192, lowercase: true });
      const tokenizer = loadTokenizer(json);
      const native = Native.fromString(json);
      expect(tokenizer.vocabulary).toBe(8192);
      const BATCH = 512;
      for (let start = 0; start < texts.length; start += BATCH) {
        const batch = texts.slice(start, start + BATCH);
        const encodings = await native.encodeBatch(batch, { addSpecialTokens: false });
        for (const [at, encoding] of encodings.entries()) {
          const ids = Uint32Array.from(tokenizer.encode(batch[at] ?? ''));
          expect(
            Buffer.from(ids.buffer).equals(Buffer.from(Uint32Array.from(encoding.getIds()).buffer)),
          ).toBe(true);
        }
      }
    },
  );
});
