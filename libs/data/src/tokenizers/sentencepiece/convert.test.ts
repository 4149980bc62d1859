import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { RingmasterError } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../load.js';
import { convertSentencePiece } from './convert.js';

/** What sentencepiece makes of texts with small models that it trained (sentencepiece_models.py). */
const reference = JSON.parse(
  readFileSync(new URL('../../../reference/sentencepiece.json', import.meta.url), 'utf8'),
) as {
  texts: string[];
  models: Record<string, { model: string; ids: number[][]; decoded: string[] }>;
};
const plain = { extraIds: 0, before: [], after: [], keepsFirstSpace: false };
const bytesOf = (model: string) => gunzipSync(Buffer.from(model, 'base64'));

describe.each(Object.entries(reference.models))('a model of SentencePiece: %s', (_, model) => {
  const tokenizer = loadTokenizer(convertSentencePiece(bytesOf(model.model), 'a.model', plain));

  it('encodes as sentencepiece does', () => {
    const found = reference.texts.map((text) => tokenizer.encode(text));
    expect(found).toEqual(model.ids);
  });

  it('decodes as sentencepiece does', () => {
    // Unknown tokens are left out here.
    const isKnown = model.ids.map((ids) => !ids.includes(tokenizer.unknown ?? -1));
    const known = <T>(list: readonly T[]) => list.filter((__, at) => isKnown[at]);
    expect(known(model.ids).map((ids) => tokenizer.decode(ids))).toEqual(known(model.decoded));
  });
});

const [t5, llama] = Object.values(reference.models).map(({ model }) => bytesOf(model)) as [
  Buffer,
  Buffer,
];

it("has T5's additional tokens behind its pieces, and ends texts", () => {
  const use = { ...plain, extraIds: 3, after: ['</s>'] };
  const tokenizer = loadTokenizer(convertSentencePiece(t5, 'spiece.model', use));
  const { vocabulary } = loadTokenizer(convertSentencePiece(t5, 'spiece.model', plain));
  expect(tokenizer).toMatchObject({ pad: 0, endOfText: 1, unknown: 2, vocabulary: vocabulary + 3 });
  expect(tokenizer.token(vocabulary)).toBe('<extra_id_2>');
  expect(tokenizer.surroundings).toEqual({ before: [], after: [1] });
});

it('puts no other space before a text that begins with one where it is not to', () => {
  const [legacy, other] = [false, true].map((keepsFirstSpace) =>
    loadTokenizer(convertSentencePiece(llama, 'a', { ...plain, keepsFirstSpace })),
  );
  expect(other?.encode('the dog')).toEqual(legacy?.encode('the dog'));
  expect(other?.encode(' the dog')).toEqual(legacy?.encode('the dog'));
  expect(legacy?.encode(' the dog')).not.toEqual(legacy?.encode('the dog'));
});

it('reads no text as a special token or as a byte', () => {
  const tokenizer = loadTokenizer(convertSentencePiece(llama, 'a', plain));
  const ids = tokenizer.encode('<s></s><unk><0x41>');
  expect(tokenizer.decode(ids)).toBe('<s></s><unk><0x41>');
});

it('is refused by its path where it is damaged, and never anything else', () => {
  const damage = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      byte: fc.nat(255),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.constantFrom(t5, llama), damage, fc.nat(10)).map(([model, changes, cut]) => {
      const bytes = Buffer.from(model.subarray(0, model.length - (cut % 2) * cut * 1000));
      for (const { at, byte } of changes) bytes[Math.floor(at * bytes.length)] = byte;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(some, (bytes) => {
      try {
        const tokenizer = loadTokenizer(convertSentencePiece(bytes, 'b.model', plain), 'b.model');
        for (const text of reference.texts.slice(0, 4)) tokenizer.decode(tokenizer.encode(text));
      } catch (error) {
        if (!(error instanceof RingmasterError)) throw error;
        expect(error).toMatchObject({ code: 'TOKENIZER_INVALID', detail: { path: 'b.model' } });
      }
    }),
    { numRuns: 60 },
  );
});
