import * as huggingFace from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from './load.js';
import { surround } from './post-processor.js';
import { trainTokenizer } from './train.js';

interface File {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

const { Tokenizer: Oracle } = huggingFace as unknown as {
  Tokenizer: new (
    file: object,
    config: object,
  ) => { encode(text: string, options: object): { ids: number[] } };
};

const TEXTS = ['red green blue cats and dogs run over a lazy fox'];
const files = (['wordpiece', 'bpe'] as const).map(
  (algorithm) =>
    JSON.parse(trainTokenizer(TEXTS, { algorithm, vocabulary: 300, lowercase: true })) as File,
);

/** A template, or an older processor that stands for one, of some of a tokenizer's special tokens. */
function processor(file: File) {
  const token = fc.constantFrom(...file.added_tokens);
  const pair = token.map(({ content, id }): [string, number] => [content, id]);
  const template = fc
    .tuple(fc.array(token, { maxLength: 3 }), fc.array(token, { maxLength: 3 }))
    .map(([before, after]) => {
      const piece = ({ content }: { content: string }) => ({
        SpecialToken: { id: content, type_id: 0 },
      });
      const single = [
        ...before.map(piece),
        { Sequence: { id: 'A', type_id: 0 } },
        ...after.map(piece),
      ];
      const special = [...before, ...after].map(({ content, id }) => [
        content,
        { id: content, ids: [id], tokens: [content] },
      ]);
      const special_tokens: unknown = Object.fromEntries(special);
      return { type: 'TemplateProcessing', single, pair: single, special_tokens };
    });
  const older = fc
    .record({ type: fc.constantFrom('BertProcessing', 'RobertaProcessing'), sep: pair, cls: pair })
    .map((each) => ({ ...each, trim_offsets: true, add_prefix_space: false }));
  const byteLevel = fc.constant({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true });
  const sequence = fc
    .tuple(byteLevel, template)
    .map((processors) => ({ type: 'Sequence', processors }));
  return fc.oneof(template, older, byteLevel, sequence, fc.constant(null));
}

describe('a post-processor', () => {
  it('puts around a text what the tokenizer of Hugging Face puts there', () => {
    const given = fc.constantFrom(...files).chain((file) =>
      fc.record({
        file: fc.constant(file),
        post_processor: processor(file),
        text: fc.constantFrom('', 'red', 'cats and dogs', 'a lazy fox runs'),
      }),
    );
    fc.assert(
      fc.property(given, ({ file, post_processor, text }) => {
        const changed = { ...file, post_processor };
        const tokenizer = loadTokenizer(JSON.stringify(changed));
        const oracle = new Oracle(changed, {});
        const ids = surround(tokenizer.encode(text), tokenizer.surroundings, 1000);
        expect(ids).toEqual(oracle.encode(text, { add_special_tokens: true }).ids);
      }),
      { numRuns: 300 },
    );
  });

  it('takes no more than the context, from the end that is wanted', () => {
    const ids = [1, 2, 3, 4, 5, 6];
    const around = { before: [8], after: [9] };
    expect(surround(ids, around, 5)).toEqual([8, 1, 2, 3, 9]);
    expect(surround(ids, around, 5, 'end')).toEqual([8, 4, 5, 6, 9]);
    expect(surround(ids, around, 1)).toEqual([8]);
    expect(surround([], around, 5)).toEqual([8, 9]);
  });

  it.each([
    ['of a kind that is not known', { type: 'Other' }],
    [
      'without a place for the text',
      { type: 'TemplateProcessing', single: [], special_tokens: {} },
    ],
    [
      'with a token that it does not have',
      { type: 'BertProcessing', sep: ['x', 9999], cls: ['y', 0] },
    ],
  ])('%s is refused', (_, post_processor) => {
    const json = JSON.stringify({ ...files[0], post_processor });
    expect(() => loadTokenizer(json)).toThrow(
      expect.objectContaining({ code: 'TOKENIZER_INVALID' }),
    );
  });
});

describe('a tokenizer file', () => {
  it('is read or refused with a code, whatever is damaged in it', () => {
    const texts = files.map((file) => JSON.stringify(file));
    const damage = fc.record({
      text: fc.constantFrom(...texts),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      by: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom('null', '[]', '{}', '1e9', '-1', '"'),
      ),
      length: fc.nat({ max: 8 }),
      isCut: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ text, at, by, length, isCut }) => {
        const place = Math.floor(at * text.length);
        const damaged = text.slice(0, place) + by + (isCut ? '' : text.slice(place + length));
        try {
          const tokenizer = loadTokenizer(damaged);
          for (const id of tokenizer.encode('red cats and a fox'))
            expect(id).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'TOKENIZER_INVALID' });
        }
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
