import { loadTokenizer, trainTokenizer } from '@ringmaster/data';
import { expect, it } from 'vitest';
import { encodeSpans, sentinelsIn, spansOf } from './spans.js';

const texts = ['the quick brown fox jumps over the lazy dog'];
const request = { algorithm: 'unigram', vocabulary: 320, lowercase: true, sentinels: 3 } as const;
const tokenizer = loadTokenizer(trainTokenizer(texts, request));
const clean = (text: string) => text.trim();

it('names of sentinels stand for these, and one that the tokenizer does not have is text', () => {
  const ids = encodeSpans(
    { tokenizer, clean },
    'the quick <extra_id_1> jumps<extra_id_0> <extra_id_3>',
  );
  const encode = (part: string) => tokenizer.encode(part);
  expect(ids).toEqual([
    ...encode('the quick'),
    318,
    ...encode('jumps'),
    319,
    ...encode('<extra_id_3>'),
  ]);
  expect(sentinelsIn(tokenizer, ids)).toEqual([318, 319]);
  const plain = { ...tokenizer, sentinels: undefined };
  expect(encodeSpans({ tokenizer: plain, clean }, 'a <extra_id_1>')).toEqual([
    ...encode('a'),
    ...encode('<extra_id_1>'),
  ]);
});

it('each sentinel has the text that was made behind it', () => {
  const made = [319, ...tokenizer.encode('brown fox'), 318, ...tokenizer.encode('the dog'), 317];
  expect(spansOf(tokenizer, [318, 319, 317], made)).toEqual(['the dog', 'brown fox', '']);
  expect(spansOf(tokenizer, [319], [])).toEqual(['']);
});
