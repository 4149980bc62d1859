import type { BertNormalizer } from './bert-words.js';

const vocabularyOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

const specialTokens = (tokens: readonly string[], special: readonly string[]) =>
  special.map((content) => ({
    id: tokens.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));

const serialize = (file: object): string => `${JSON.stringify(file)}\n`;

/** A BERT tokenizer in the format of Hugging Face tokenizers. */
export function wordPieceFile(tokens: readonly string[], normalizer: BertNormalizer): string {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const sequence = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } });
  const token = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  return serialize({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, special),
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
