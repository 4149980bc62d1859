import { z } from 'zod';
import { wellFormed } from '../text/unicode.js';
import { merger } from './byte-pair.js';
import { merges } from './merges-file.js';
import { byteOf, decoder, decoderOf } from './pipeline/decoder.js';
import { normalizer, normalizerOf } from './pipeline/normalizer.js';
import { preTokenizer, preTokenizerOf, SPACE } from './pipeline/pre-tokenizer.js';
import { remembering } from './remember.js';
import { unigramEncoder } from './unigram/encoder.js';

const unigram = z.object({
  type: z.literal('Unigram'),
  unk_id: z.int().min(0),
  byte_fallback: z.boolean().default(false),
  vocab: z.array(z.tuple([z.string(), z.number()])).min(1),
});

const bytePair = z.object({
  type: z.literal('BPE'),
  unk_token: z.string(),
  dropout: z.null().optional(),
  continuing_subword_prefix: z.literal(['', null]).optional(),
  end_of_word_suffix: z.literal(['', null]).optional(),
  fuse_unk: z.literal(true),
  byte_fallback: z.boolean().default(false),
  ignore_merges: z.literal(false).default(false),
  vocab: z.record(z.string(), z.int().min(0)),
  merges,
});

/** What of a `tokenizer.json` says how texts are encoded, of one that is made of a model of SentencePiece. */
export const sentencePieces = z.object({
  normalizer,
  pre_tokenizer: preTokenizer,
  decoder,
  model: z.discriminatedUnion('type', [unigram, bytePair]),
});

/** How texts become ids, and tokens a text. */
interface Codec {
  /** @param isFirst Whether a text is where a whole one begins, not what follows a special token. */
  readonly encode: (text: string, isFirst: boolean) => number[];
  readonly decode: (tokens: readonly string[]) => string;
}

/**
 * Encodes as a `tokenizer.json` says that was made of a model of SentencePiece, or is like one: pieces that spaces are a
 * part of, found by Unigram or by byte-pair encoding.
 * @param hidden Ids that no text is encoded to.
 * @returns null for a file of another kind
 * @throws Error for one that contradicts itself
 */
export function sentencePieceCodec(file: unknown, hidden: ReadonlySet<number>): Codec | null {
  const parsed = sentencePieces.safeParse(file);
  if (!parsed.success) return null;
  const { model } = parsed.data;
  const normalize = normalizerOf(parsed.data.normalizer);
  const wordsOf = preTokenizerOf(parsed.data.pre_tokenizer);
  const piecesOf = remembering(
    model.type === 'Unigram' ? ofUnigram(model, hidden) : ofBytePairs(model),
  );
  const partsOf =
    model.type === 'BPE' && isOfWords(model.vocab)
      ? (stretch: string) => stretch.match(spacedWord) ?? []
      : (stretch: string) => [stretch];
  return {
    encode: (text, isFirst) => {
      const ids: number[] = [];
      for (const stretch of wordsOf(normalize(wellFormed(text)), isFirst))
        for (const part of partsOf(stretch)) for (const id of piecesOf(part)) ids.push(id);
      return ids;
    },
    decode: decoderOf(parsed.data.decoder),
  };
}

/** A word and the spaces before it. */
const spacedWord = new RegExp(`${SPACE}+[^${SPACE}]*|[^${SPACE}]+`, 'gu');
const betweenWords = new RegExp(`[^${SPACE}]${SPACE}`, 'u');

/**
 * Whether no token goes from one word to the next, so that pairs merge alike in each word by itself, and words that recur
 * are encoded once.
 */
const isOfWords = (vocabulary: Record<string, number>): boolean =>
  SPACE in vocabulary && !Object.keys(vocabulary).some((token) => betweenWords.test(token));

function ofUnigram(
  { vocab, unk_id: unknown, byte_fallback: isByteFallback }: z.output<typeof unigram>,
  hidden: ReadonlySet<number>,
): (word: string) => number[] {
  if (unknown >= vocab.length) throw new Error('its unknown token is not in the vocabulary');
  const bytes = isByteFallback ? byteIds(vocab.map(([piece], id) => [piece, id])) : null;
  const withBytes = bytes === null ? hidden : new Set([...hidden, ...bytes]);
  return unigramEncoder({ pieces: vocab, unknown, hidden: withBytes, bytes });
}

function ofBytePairs({
  vocab,
  merges,
  unk_token: unknownToken,
  byte_fallback: isByteFallback,
}: z.output<typeof bytePair>): (word: string) => readonly number[] {
  const vocabulary = new Map(Object.entries(vocab));
  const merge = merger({ vocabulary, merges });
  const unknown = vocabulary.get(unknownToken);
  if (unknown === undefined) throw new Error('its unknown token is not in the vocabulary');
  const bytes = isByteFallback ? byteIds(vocabulary) : null;
  return (word) => {
    const symbols: number[] = [];
    let wasUnknown = false;
    for (const character of word) {
      const id = vocabulary.get(character);
      const isUnknown = id === undefined && bytes === null;
      if (id !== undefined) symbols.push(id);
      else if (bytes !== null)
        for (const byte of Buffer.from(character)) symbols.push(bytes[byte] ?? unknown);
      else if (!wasUnknown) symbols.push(unknown);
      wasUnknown = isUnknown;
    }
    return merge(symbols);
  };
}

/** Ids by byte [256]; null where a byte has none. */
function byteIds(tokens: Iterable<readonly [string, number]>): number[] | null {
  const ids: number[] = [];
  for (const [token, id] of tokens) {
    const byte = byteOf(token);
    if (byte !== null) ids[byte] = id;
  }
  return Object.keys(ids).length === 256 ? ids : null;
}
