import { RingmasterError } from '@ringmaster/protocol';
import { characterPairModel, serialize, specialTokens } from '../file.js';
import { SPACE } from '../pipeline/pre-tokenizer.js';
import { templateOf } from '../post-processor.js';
import { sentinelTokens } from '../sentinels.js';
import { readSentencePiece, type SentencePieceModel } from './model.js';

/** What the class of a tokenizer in `transformers` adds to its model of SentencePiece. */
export interface SentencePieceUse {
  /** Tokens `<extra_id_N>` behind the pieces, N falling to 0, as T5 has them. */
  readonly extraIds: number;
  /** Pieces that are put around a text. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Whether a text that begins with a space has no other put before it: `legacy: false` of LLaMA's tokenizer. */
  readonly keepsFirstSpace: boolean;
}

/**
 * The `tokenizer.json` that encodes as a model of SentencePiece does, in the form in which the converters of
 * `transformers` write it (`convert_slow_tokenizer.py`).
 * @param path Named in errors.
 * @throws TOKENIZER_INVALID
 */
export function convertSentencePiece(bytes: Buffer, path: string, use: SentencePieceUse): string {
  try {
    return convertModel(readSentencePiece(bytes), use);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RingmasterError('TOKENIZER_INVALID', { path, reason }, { cause });
  }
}

/** The same of a model that is read. @throws Error where it lacks what it needs */
export function convertModel(model: SentencePieceModel, use: SentencePieceUse): string {
  const { pieces, isByteFallback } = model;
  const extra = sentinelTokens(use.extraIds);
  const tokens = [...pieces.map(({ text }) => text), ...extra];
  const special = pieces
    .filter(({ kind }) => kind === 'control' || kind === 'unknown')
    .map(({ text }) => text);
  const unknown = pieces.findIndex(({ kind }) => kind === 'unknown');
  if (unknown < 0) throw new Error('it has no unknown piece');
  const idOf = (token: string): number => {
    const id = tokens.indexOf(token);
    if (id < 0) throw new Error(`it has no piece '${token}'`);
    return id;
  };
  const surroundings = { before: use.before.map(idOf), after: use.after.map(idOf) };
  return serialize({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(tokens, [...special, ...extra]),
    ...spacesOf(model, use),
    post_processor: templateOf(surroundings, (id) => tokens[id] ?? ''),
    model:
      model.algorithm === 'unigram'
        ? {
            type: 'Unigram',
            unk_id: unknown,
            vocab: tokens.map((token, id) => [token, pieces[id]?.score ?? 0]),
            byte_fallback: isByteFallback,
          }
        : characterPairModel(tokens, mergesOf(pieces), {
            unknown: tokens[unknown] ?? '',
            isByteFallback,
          }),
  });
}

/** How spaces become a part of pieces, and spaces again. */
function spacesOf(
  { pieces, isByteFallback, normalizer }: SentencePieceModel,
  { keepsFirstSpace }: SentencePieceUse,
): { normalizer: object | null; pre_tokenizer: object | null; decoder: object } {
  const { charsmap, addsPrefix, removesSpaces } = normalizer;
  const metaspace = (prepend_scheme: 'always' | 'first' | 'never', split: boolean) => ({
    type: 'Metaspace',
    replacement: SPACE,
    prepend_scheme,
    split,
  });
  const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
  const precompiled =
    charsmap.length === 0
      ? []
      : [{ type: 'Precompiled', precompiled_charsmap: charsmap.toString('base64') }];
  const sequence = (normalizers: readonly object[]) =>
    normalizers.length === 0 ? null : { type: 'Sequence', normalizers };
  const bytes = isByteFallback ? [{ type: 'ByteFallback' }] : [];
  if (removesSpaces) {
    const scheme = addsPrefix ? 'always' : 'never';
    // Where no piece goes beyond a word, words are encoded each by itself.
    const split = !pieces.some(({ text }) => text.indexOf(SPACE, 1) > 0);
    const strip = { type: 'Strip', strip_left: !addsPrefix, strip_right: true };
    return {
      normalizer: sequence([...precompiled, strip, replace({ Regex: ' {2,}' }, SPACE)]),
      pre_tokenizer: metaspace(scheme, split),
      decoder: { type: 'Sequence', decoders: [...bytes, metaspace(scheme, split)] },
    };
  }
  const decoders = [replace({ String: SPACE }, ' '), ...bytes, { type: 'Fuse' }];
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const decoder = { type: 'Sequence', decoders: addsPrefix ? [...decoders, strip] : decoders };
  if (keepsFirstSpace) {
    const scheme = addsPrefix ? 'first' : 'never';
    return { normalizer: sequence(precompiled), pre_tokenizer: metaspace(scheme, false), decoder };
  }
  const prepend = addsPrefix ? [{ type: 'Prepend', prepend: SPACE }] : [];
  return {
    normalizer: sequence([...precompiled, ...prepend, replace({ String: ' ' }, SPACE)]),
    pre_tokenizer: null,
    decoder,
  };
}

/**
 * The pairs of pieces that make another, the likeliest of which comes first (`generate_merges` in `transformers`). Pieces
 * that texts are not encoded to make none and are made of none.
 */
function mergesOf(pieces: SentencePieceModel['pieces']): [string, string][] {
  const normal = pieces.filter(({ kind }) => kind === 'normal');
  const ids = new Map(normal.map(({ text }, id) => [text, id]));
  const merges = normal.flatMap(({ text, score }, id) =>
    splitsOf(text).flatMap(([left, right]) => {
      const [leftId, rightId] = [ids.get(left), ids.get(right)];
      return leftId === undefined || rightId === undefined
        ? []
        : [{ pair: [left, right] as [string, string], score, id, leftId, rightId }];
    }),
  );
  const lengthOf = (text: string) => Array.from(text).length;
  merges.sort(
    (a, b) =>
      b.score - a.score ||
      lengthOf(b.pair[0]) - lengthOf(a.pair[0]) ||
      lengthOf(b.pair[1]) - lengthOf(a.pair[1]) ||
      a.id - b.id ||
      a.leftId - b.leftId ||
      a.rightId - b.rightId,
  );
  return merges.map(({ pair }) => pair);
}

/** The ways to part a text in two, between characters. */
function splitsOf(text: string): [string, string][] {
  const characters = Array.from(text);
  return characters
    .slice(1)
    .map((_, at) => [characters.slice(0, at + 1).join(''), characters.slice(at + 1).join('')]);
}
