import * as huggingFace from '@huggingface/tokenizers';
import { gitLfsPointer } from '@ringmaster/base';
import { RingmasterError } from '@ringmaster/protocol';
import { z } from 'zod';
import type { BertNormalizer } from './bert-words.js';
import { bytePairEncoder, decodeByteLevel } from './byte-pair.js';
import { marianCodec } from './marian/codec.js';
import { merges } from './merges-file.js';
import { surroundingsOf } from './post-processor.js';
import { sentencePieceCodec } from './sentence-pieces.js';
import { sentinel } from './sentinels.js';
import type { SpecialTokens, Tokenizer } from './tokenizer.js';
import { wordLevelEncoder } from './word-level.js';
import { decodeWordPieces, wordPieceEncoder } from './wordpiece.js';
import { writtenEncoder } from './written.js';

/** The part that is used of a class whose published types do not resolve under NodeNext. */
type GeneralTokenizer = new (
  file: object,
  config: object,
) => {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
};
const { Tokenizer: GeneralTokenizer } = huggingFace as unknown as { Tokenizer: GeneralTokenizer };

const bertNormalizer = z.object({
  type: z.literal('BertNormalizer'),
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullable().default(null),
  lowercase: z.boolean().default(true),
});

const wordPiece = z.object({
  normalizer: bertNormalizer,
  pre_tokenizer: z.object({ type: z.literal('BertPreTokenizer') }),
  decoder: z.object({ type: z.literal('WordPiece'), cleanup: z.boolean().default(true) }),
  model: z.object({
    type: z.literal('WordPiece').optional(),
    unk_token: z.string(),
    continuing_subword_prefix: z.string().default('##'),
    max_input_chars_per_word: z.int(),
    vocab: z.record(z.string(), z.int().min(0)),
  }),
});

const wordLevel = z.object({
  normalizer: bertNormalizer,
  pre_tokenizer: z.object({ type: z.literal('BertPreTokenizer') }),
  decoder: z.null(),
  model: z.object({
    type: z.literal('WordLevel'),
    unk_token: z.string(),
    vocab: z.record(z.string(), z.int().min(0)),
  }),
});

const byteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.literal(false),
  use_regex: z.literal(true).default(true),
});
const bytePair = z.object({
  normalizer: z.null().optional(),
  pre_tokenizer: byteLevel,
  decoder: z.object({ type: z.literal('ByteLevel') }),
  model: z.object({
    type: z.literal('BPE').optional(),
    continuing_subword_prefix: z.literal(['', null]).optional(),
    end_of_word_suffix: z.literal(['', null]).optional(),
    dropout: z.null().optional(),
    byte_fallback: z.literal(false).default(false),
    ignore_merges: z.literal(false).default(false),
    vocab: z.record(z.string(), z.int().min(0)),
    merges,
  }),
});

const anyTokenizer = z.looseObject({
  added_tokens: z
    .array(
      z.looseObject({
        id: z.int().min(0),
        content: z.string().min(1),
        special: z.boolean(),
        lstrip: z.boolean().default(false),
        rstrip: z.boolean().default(false),
      }),
    )
    .default([]),
  model: z.looseObject({
    type: z.string().optional(),
    unk_token: z.string().nullable().optional(),
    unk_id: z.int().min(0).nullish(),
    vocab: z.union([z.record(z.string(), z.int()), z.array(z.tuple([z.string(), z.number()]))]),
  }),
});

/** How tokens are decoded: to the text that they stand for. */
const EXACTLY = { skip_special_tokens: true, clean_up_tokenization_spaces: false };

/**
 * A tokenizer from the content of a Hugging Face `tokenizer.json`. BERT's WordPiece and whole words, GPT-2's byte-level BPE and what is
 * made of models of SentencePiece are encoded here (several times faster); any other kind by `@huggingface/tokenizers`.
 * @param path Named in errors.
 * @throws TOKENIZER_INVALID
 */
export function loadTokenizer(json: string, path = 'tokenizer.json'): Tokenizer {
  try {
    return fromFile(JSON.parse(json), path);
  } catch (cause) {
    const pointer = gitLfsPointer(json);
    if (pointer !== null)
      throw new RingmasterError('TOKENIZER_INVALID', { path, reason: pointer.reason }, pointer);
    const reason =
      cause instanceof z.ZodError
        ? z.prettifyError(cause)
        : cause instanceof Error
          ? cause.message
          : String(cause);
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}

function fromFile(file: unknown, path: string): Tokenizer {
  const any = anyTokenizer.parse(file);
  const tokens = new Map<string, number>(
    Array.isArray(any.model.vocab)
      ? any.model.vocab.map(([token], id) => [token, id])
      : Object.entries(any.model.vocab),
  );
  for (const { content, id } of any.added_tokens) tokens.set(content, id);
  const names: string[] = [];
  for (const [token, id] of tokens) names[id] = token;
  const special = specialTokens(any, tokens);
  const hidden = new Set(special.special);
  const visible = (ids: Iterable<number>) =>
    [...ids].filter((id) => !hidden.has(id)).map((id) => names[id] ?? '');
  const surroundings = surroundingsOf(any['post_processor']);
  const added = [...surroundings.before, ...surroundings.after];
  if (added.some((id) => names[id] === undefined))
    throw new Error('its post-processor adds a token that it does not have');
  const token = (id: number) => names[id] ?? '';
  const common = { vocabulary: names.length, ...special, surroundings, token };

  const written = (encode: (text: string, isFirst: boolean) => number[]) =>
    writtenEncoder(any.added_tokens, encode);
  const onlySpecial = any.added_tokens.every((token) => token.special);
  const wordPieces = wordPiece.safeParse(file);
  if (onlySpecial && wordPieces.success) {
    const { normalizer, model, decoder } = wordPieces.data;
    const encode = wordPieceEncoder({
      vocabulary: new Map(Object.entries(model.vocab)),
      unknown: model.vocab[model.unk_token] ?? 0,
      prefix: model.continuing_subword_prefix,
      longestWord: model.max_input_chars_per_word,
      normalizer: bertSettings(normalizer),
    });
    const decode = (ids: Iterable<number>) =>
      decodeWordPieces(visible(ids), model.continuing_subword_prefix, decoder.cleanup);
    const encodeWritten = written(encode);
    return { ...common, beforeWord: '', encode, encodeWritten, encodeTarget: encode, decode };
  }

  const wordLevels = wordLevel.safeParse(file);
  if (onlySpecial && wordLevels.success) {
    const { normalizer, model } = wordLevels.data;
    const encode = wordLevelEncoder({
      vocabulary: new Map(Object.entries(model.vocab)),
      unknown: model.vocab[model.unk_token] ?? 0,
      normalizer: bertSettings(normalizer),
    });
    const decode = (ids: Iterable<number>) => visible(ids).join(' ');
    const encodeWritten = written(encode);
    return { ...common, beforeWord: '', encode, encodeWritten, encodeTarget: encode, decode };
  }

  const bytePairs = bytePair.safeParse(file);
  if (onlySpecial && bytePairs.success) {
    const { vocab, merges } = bytePairs.data.model;
    const encode = bytePairEncoder({ vocabulary: new Map(Object.entries(vocab)), merges });
    const decode = (ids: Iterable<number>) => decodeByteLevel(visible(ids));
    const encodeWritten = written(encode);
    return { ...common, beforeWord: ' ', encode, encodeWritten, encodeTarget: encode, decode };
  }

  const marian = marianCodec(file);
  if (marian !== null) {
    const decode = (ids: Iterable<number>) => marian.decode(visible(ids));
    const { encode, encodeTarget } = marian;
    const encodeWritten = written(encode);
    return { ...common, beforeWord: '', encode, encodeWritten, encodeTarget, decode };
  }

  const sentencePieces = onlySpecial ? sentencePieceCodec(file, hidden) : null;
  if (sentencePieces !== null) {
    const encode = (text: string) => sentencePieces.encode(text, true);
    const encodeWritten = written(sentencePieces.encode);
    const decode = (ids: Iterable<number>) => sentencePieces.decode(visible(ids));
    return { ...common, beforeWord: '', encode, encodeWritten, encodeTarget: encode, decode };
  }

  const general = new GeneralTokenizer(any, {});
  /** @throws TOKENIZER_INVALID for what the library makes of texts that the file has no token for. */
  const checked = (ids: readonly (number | undefined)[]) =>
    ids.map((id) => {
      if (id !== undefined && names[id] !== undefined) return id;
      const reason = 'it has no token for what it does not know';
      throw new RingmasterError('TOKENIZER_INVALID', { path, reason });
    });
  const encode = (text: string) => checked(general.encode(text, { add_special_tokens: false }).ids);
  return {
    ...common,
    beforeWord: '',
    encode,
    // The library finds names of tokens itself.
    encodeWritten: encode,
    encodeTarget: encode,
    // The library decodes nothing else than some tokens, and takes blanks before punctuation away unless told not to.
    decode: (ids) => {
      const all = checked([...ids]);
      return all.length === 0 ? '' : general.decode(all, EXACTLY);
    },
  };
}

const bertSettings = (normalizer: z.output<typeof bertNormalizer>): BertNormalizer => ({
  cleanText: normalizer.clean_text,
  handleChineseCharacters: normalizer.handle_chinese_chars,
  stripAccents: normalizer.strip_accents ?? normalizer.lowercase,
  lowercase: normalizer.lowercase,
});

/** The sentinels of T5, from the first on. */
function sentinelsIn(marked: ReadonlyMap<string, number>): number[] {
  const found: number[] = [];
  for (;;) {
    const id = marked.get(sentinel(found.length));
    if (id === undefined) return found;
    found.push(id);
  }
}

/** Finds the tokens by their usual names: BERT's, RoBERTa's and GPT-2's. */
function specialTokens(
  file: z.output<typeof anyTokenizer>,
  tokens: ReadonlyMap<string, number>,
): SpecialTokens {
  const marked = new Map(
    file.added_tokens.filter(({ special }) => special).map(({ content, id }) => [content, id]),
  );
  const role = (...names: readonly string[]): number | null => {
    for (const name of names) {
      const id = marked.get(name);
      if (id !== undefined) return id;
    }
    return null;
  };
  const { unk_token: unknownToken, unk_id: unknownId } = file.model;
  const unknown = tokens.get(unknownToken ?? '') ?? unknownId ?? role('<unk>');
  const special = new Set(marked.values());
  if (unknown !== null) special.add(unknown);
  for (const [token, id] of tokens) if (/^\[unused\d+\]$/.test(token)) special.add(id);
  return {
    pad: role('[PAD]', '<pad>'),
    unknown,
    classify: role('[CLS]', '<s>'),
    separate: role('[SEP]', '</s>'),
    mask: role('[MASK]', '<mask>'),
    endOfText: role('<|endoftext|>', '</s>'),
    special: [...special].sort((a, b) => a - b),
    sentinels: sentinelsIn(marked),
  };
}
