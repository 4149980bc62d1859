import {
  loadTokenizer,
  marianFiles,
  templateOf,
  type Surroundings,
  type Tokenizer,
} from '@ringmaster/data';
import type { HeadKind, TokenConstraints } from '@ringmaster/model';
import type { ModelKind, PairedTexts } from '@ringmaster/protocol';
import { surroundingsFor } from '@ringmaster/tasks';
import type { KeptChat } from './chat-template.js';

/** What of a model decides how its tokenizer is to be used. */
export interface TokenizerUse {
  /** What the model reads of the tokenizer's output, beside the tokens and what of them is padding. */
  readonly inputs: readonly string[];
  readonly head: HeadKind;
  readonly kind: ModelKind;
  /** How an encoder–decoder is given texts; null for the others. */
  readonly texts: PairedTexts | null;
  /** Longest sequence, in tokens. */
  readonly context: number;
  /** Of a model that takes conversations: which tokens its template writes in which roles, and which of them end an answer. */
  readonly chat?: Pick<KeptChat, 'roles' | 'ends'> | null;
}

/** Ids of special tokens in the roles that `config.json` names. */
export function tokensOf(
  tokenizer: Tokenizer,
  { head, texts }: Pick<TokenizerUse, 'head' | 'texts'>,
): { padding: number | null; begin: number | null; end: number | null } {
  const { pad, classify, separate, endOfText } = tokenizer;
  const isCausal = head === 'causal-language-model';
  const end = isCausal ? endBetweenTexts(tokenizer) : (separate ?? endOfText);
  // As GPT-2's own users do: whoever pads masks what is padded, so any token will do.
  const first = texts === null ? (classify ?? endOfText) : texts.beginsTexts ? classify : null;
  const begin = isCausal ? end : first;
  return { padding: pad ?? endOfText, begin, end };
}

/** What generation must do with special tokens; undefined for nothing. */
export function constraintsOf(
  { padding }: { readonly padding: number | null },
  texts: PairedTexts | null,
): TokenConstraints | undefined {
  return padding !== null && texts?.suppressesPadding === true
    ? { suppressed: [padding], first: null, last: null }
    : undefined;
}

/** The token between the texts that a causal model is trained on, as `causalSampleSet` joins them. */
function endBetweenTexts({ endOfText, separate }: Tokenizer): number | null {
  return endOfText ?? separate;
}

/**
 * The files with which Python `transformers` makes sequences as they were made in training, without arguments: the
 * tokenizer itself, which tokens have which role, and of a model that generates, where it ends.
 * @param json The `tokenizer.json` that the data was prepared with.
 */
export function tokenizerFiles(json: string, use: TokenizerUse): Record<string, string | Buffer> {
  const tokenizer = loadTokenizer(json);
  const { inputs, head, texts, context } = use;
  const roles = { ...rolesOf(tokenizer, use), ...use.chat?.roles };
  const { padding, begin, end } = tokensOf(tokenizer, use);
  // A model of a base may have learned either: answers that end as the base's, and texts that end as they are joined.
  const ends = [...new Set([...(use.chat?.ends ?? []), ...(end === null ? [] : [end])])];
  const isPaired = head === 'sequence-to-sequence';
  const suppressed = constraintsOf({ padding }, texts)?.suppressed ?? [];
  const start = texts?.decoderStart === 'end' ? end : padding;
  const generation = {
    // transformers 4 then looks into config.json instead, which may say what is suppressed, and not how long texts may be.
    ...(suppressed.length === 0 ? { _from_model_config: true } : {}),
    ...(isPaired ? { decoder_start_token_id: start } : {}),
    ...(isPaired && begin === null ? {} : { bos_token_id: begin }),
    ...(suppressed.length === 0 ? {} : { bad_words_ids: suppressed.map((token) => [token]) }),
    eos_token_id: ends.length > 1 ? ends : (ends[0] ?? null),
    pad_token_id: padding,
    // Pipelines go on for 256 tokens otherwise, beyond the last position. They take 20 for no value at all.
    max_length: context === 20 ? 19 : context,
  };
  const marian = marianFiles(json);
  return {
    ...marian,
    'tokenizer.json': withSurroundings(json, tokenizer, surroundingsIn(tokenizer, use)),
    'tokenizer_config.json': serialize({
      tokenizer_class: marian === null ? 'PreTrainedTokenizerFast' : 'MarianTokenizer',
      model_max_length: context,
      model_input_names: ['input_ids', ...inputs, 'attention_mask'],
      clean_up_tokenization_spaces: false,
      // What is generated goes on where a text ends.
      padding_side: head === 'causal-language-model' ? 'left' : 'right',
      ...roles,
    }),
    'special_tokens_map.json': serialize(roles),
    ...(head === 'causal-language-model' || isPaired
      ? { 'generation_config.json': serialize(generation) }
      : {}),
  };
}

/** Tokens by the names of their roles in `transformers`. */
function rolesOf(tokenizer: Tokenizer, use: TokenizerUse): Record<string, string> {
  const { head } = use;
  const { pad, unknown, classify, separate, mask, endOfText } = tokenizer;
  const isPaired = head === 'sequence-to-sequence';
  const tokens = tokensOf(tokenizer, use);
  const end = head === 'causal-language-model' || isPaired ? tokens.end : endOfText;
  const ids = {
    pad_token: pad ?? endOfText,
    unk_token: unknown ?? endOfText,
    cls_token: classify,
    sep_token: separate,
    mask_token: mask,
    // RoBERTa begins and ends texts with the tokens that BERT classifies and separates with, GPT-2 with one token.
    bos_token: isPaired ? tokens.begin : endOfText === null ? end : (classify ?? end),
    eos_token: end,
  };
  return Object.fromEntries(
    Object.entries(ids).flatMap(([role, id]) => (id === null ? [] : [[role, tokenizer.token(id)]])),
  );
}

/** What surrounds a text in training; a causal language model is trained on a stream of texts. */
function surroundingsIn(tokenizer: Tokenizer, { head, kind, texts }: TokenizerUse): Surroundings {
  return head === 'causal-language-model'
    ? { before: [], after: [] }
    : surroundingsFor(tokenizer, kind, texts);
}

/** A `tokenizer.json` whose post-processor puts this around a text; unchanged where it does. */
function withSurroundings(json: string, tokenizer: Tokenizer, wanted: Surroundings): string {
  const found = tokenizer.surroundings;
  const isSame =
    found.before.join() === wanted.before.join() && found.after.join() === wanted.after.join();
  if (isSame) return json;
  const file = JSON.parse(json) as object;
  const post_processor = templateOf(wanted, (id) => tokenizer.token(id));
  return `${JSON.stringify({ ...file, post_processor })}\n`;
}

function serialize(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
