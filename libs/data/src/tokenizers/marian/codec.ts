import { z } from 'zod';
import { wellFormed } from '../../text/unicode.js';
import { normalizerOf } from '../pipeline/normalizer.js';
import { preTokenizerOf, SPACE } from '../pipeline/pre-tokenizer.js';
import { remembering } from '../remember.js';
import { sentencePieces } from '../sentence-pieces.js';
import { convertModel } from '../sentencepiece/convert.js';
import { readSentencePiece } from '../sentencepiece/model.js';
import type { Tokenizer } from '../tokenizer.js';
import { unigramDivider } from '../unigram/encoder.js';

const model = z
  .base64()
  .transform((text) => readSentencePiece(Buffer.from(text, 'base64')))
  .refine(({ algorithm, isByteFallback }) => algorithm === 'unigram' && !isByteFallback, {
    error: 'it is not of Unigram alone, as models of Marian are',
  });

const file = z.object({
  model: z.object({
    type: z.literal('Marian'),
    unk_token: z.string(),
    source: model,
    target: model,
    vocab: z.record(z.string(), z.int().min(0)),
  }),
});
const kind = z.looseObject({ model: z.looseObject({ type: z.literal('Marian') }) });

/** A language that begins a text for models that translate to several: `>>fr<< `. */
const language = /^>>[^]*?<</;

/**
 * Encodes as `MarianTokenizer` of `transformers` does: sources and targets are divided by a model of SentencePiece each, and
 * pieces have ids of a vocabulary that both share. What neither the model nor the vocabulary has is unknown.
 * @returns null for a file of another kind
 * @throws Error for one that contradicts itself
 */
export function marianCodec(
  json: unknown,
):
  | (Pick<Tokenizer, 'encode' | 'encodeTarget'> & { decode(tokens: readonly string[]): string })
  | null {
  if (!kind.safeParse(json).success) return null;
  const { source, target, vocab, unk_token: unknownToken } = file.parse(json).model;
  const vocabulary = new Map(Object.entries(vocab));
  const unknown = vocabulary.get(unknownToken);
  if (unknown === undefined) throw new Error('its unknown token is not in the vocabulary');
  const idOf = (token: string): number => vocabulary.get(token) ?? unknown;
  const encoderOf = (model: typeof source) => {
    const piecesOf = dividerOf(model);
    const idsOf = remembering((word) => piecesOf(word).map(idOf));
    const normalized = wordsOf(model);
    return (text: string): number[] => {
      const [code = ''] = language.exec(text) ?? [];
      const ids = code === '' ? [] : [idOf(code)];
      for (const word of normalized(wellFormed(text.slice(code.length))))
        for (const id of idsOf(word)) ids.push(id);
      return ids;
    };
  };
  return {
    encode: encoderOf(source),
    encodeTarget: encoderOf(target),
    decode: (tokens) => tokens.join('').replaceAll(SPACE, ' ').trim(),
  };
}

type SentencePiece = z.output<typeof model>;

const converted = (model: SentencePiece) =>
  sentencePieces.parse(
    JSON.parse(convertModel(model, { extraIds: 0, before: [], after: [], keepsFirstSpace: false })),
  );

/** The words of a text that are divided each by itself. */
function wordsOf(model: SentencePiece): (text: string) => Iterable<string> {
  const { normalizer, pre_tokenizer: preTokenizer } = converted(model);
  const normalize = normalizerOf(normalizer);
  const divide = preTokenizerOf(preTokenizer);
  return (text) => divide(normalize(text), true);
}

/** The pieces of a word, and what is between them, as texts. */
function dividerOf({ pieces }: SentencePiece): (word: string) => string[] {
  const hidden = new Set([...pieces.keys()].filter((id) => pieces[id]?.kind !== 'normal'));
  const divide = unigramDivider({
    pieces: pieces.map(({ text, score }) => [text, score] as const),
    hidden,
  });
  return (word) => divide(word).map(({ text }) => text);
}
