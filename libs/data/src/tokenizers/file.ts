import type { BertNormalizer } from './bert-words.js';
import { SPACE } from './pipeline/pre-tokenizer.js';
import { templateOf } from './post-processor.js';

/** BERT's special tokens, in the order in which its vocabularies have them. */
export const bertSpecials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

const vocabularyOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** The `added_tokens` of a file. */
export function specialTokens(tokens: readonly string[], special: readonly string[]): object[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return special.map((content) => ({
    id: ids.get(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

/** A file's text. */
export const serialize = (file: object): string => `${JSON.stringify(file)}\n`;

/** RoBERTa's special tokens, in the order in which `RobertaTokenizer` has them. */
export const robertaSpecials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'] as const;

/** A BERT tokenizer in the format of Hugging Face tokenizers. */
export function wordPieceFile(tokens: readonly string[], normalizer: BertNormalizer): string {
  return serialize({
    ...aroundBertWords(tokens, normalizer),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabularyOf(tokens),
    },
  });
}

/** A tokenizer whose tokens are the words that BERT divides texts into, in the format of Hugging Face tokenizers. */
export function wordLevelFile(tokens: readonly string[], normalizer: BertNormalizer): string {
  return serialize({
    ...aroundBertWords(tokens, normalizer),
    decoder: null,
    model: { type: 'WordLevel', vocab: vocabularyOf(tokens), unk_token: '[UNK]' },
  });
}

/** What comes before and after the model of a tokenizer of BERT's words. */
function aroundBertWords(tokens: readonly string[], normalizer: BertNormalizer): object {
  const sequence = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } });
  const token = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, bertSpecials),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: normalizer.cleanText,
      handle_chinese_chars: normalizer.handleChineseCharacters,
      strip_accents: normalizer.stripAccents,
      lowercase: normalizer.lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0)],
      pair: [
        token('[CLS]', 0),
        sequence('A', 0),
        token('[SEP]', 0),
        sequence('B', 1),
        token('[SEP]', 1),
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [tokens.indexOf(id)], tokens: [id] }]),
      ),
    },
  };
}

/**
 * A byte-level tokenizer in the format of Hugging Face tokenizers: RoBERTa's where `special` has a token that begins a
 * text and one that ends it, else GPT-2's.
 */
export function byteLevelFile(
  tokens: readonly string[],
  merges: readonly string[],
  special: readonly string[],
): string {
  const byteLevel = {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  };
  return serialize({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, special),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: special.includes('<s>')
      ? {
          type: 'RobertaProcessing',
          sep: ['</s>', tokens.indexOf('</s>')],
          cls: ['<s>', tokens.indexOf('<s>')],
          trim_offsets: true,
          add_prefix_space: false,
        }
      : byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabularyOf(tokens),
      merges,
    },
  });
}

/** Byte-pair encoding of characters, as converters write it of models of SentencePiece. */
export function characterPairModel(
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
  { unknown, isByteFallback }: { unknown: string; isByteFallback: boolean },
): object {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: unknown,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: true,
    byte_fallback: isByteFallback,
    ignore_merges: false,
    vocab: vocabularyOf(tokens),
    merges,
  };
}

/** LLaMA's special tokens, in the order in which `LlamaTokenizer` has them, and those that pad and mask. */
export const llamaSpecials = ['<unk>', '<s>', '</s>'] as const;
export const llamaExtraSpecials = ['<pad>', '<mask>'] as const;

/**
 * A byte-pair tokenizer of characters with byte fallback in the format of Hugging Face tokenizers, as it makes one of
 * LLaMA's model of SentencePiece: a text loses nothing, and has a space put before it.
 */
export function sentencePieceBpeFile(
  tokens: readonly string[],
  merges: readonly (readonly [string, string])[],
  { special, isSurrounded }: { special: readonly string[]; isSurrounded: boolean },
): string {
  const around = { before: [tokens.indexOf('<s>')], after: [tokens.indexOf('</s>')] };
  return serialize({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, special),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: SPACE },
        { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
      ],
    },
    pre_tokenizer: null,
    post_processor: isSurrounded ? templateOf(around, (id) => tokens[id] ?? '') : null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: characterPairModel(tokens, merges, { unknown: '<unk>', isByteFallback: true }),
  });
}

/** A Unigram tokenizer in the format of Hugging Face tokenizers, as it makes one of a model of SentencePiece. */
export function unigramFile(
  pieces: readonly (readonly [piece: string, score: number])[],
  {
    special,
    isByteFallback,
    isSurrounded,
  }: { special: readonly string[]; isByteFallback: boolean; isSurrounded: boolean },
): string {
  const tokens = pieces.map(([piece]) => piece);
  const metaspace = {
    type: 'Metaspace',
    replacement: SPACE,
    prepend_scheme: 'always',
    split: true,
  };
  const around = { before: [tokens.indexOf('<s>')], after: [tokens.indexOf('</s>')] };
  return serialize({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, special),
    normalizer: { type: 'NFKC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] },
    post_processor: isSurrounded ? templateOf(around, (id) => tokens[id] ?? '') : null,
    decoder: isByteFallback
      ? { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, metaspace] }
      : metaspace,
    model: {
      type: 'Unigram',
      unk_id: tokens.indexOf('<unk>'),
      vocab: pieces,
      byte_fallback: isByteFallback,
    },
  });
}
