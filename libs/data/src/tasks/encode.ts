import { readFileSync } from 'node:fs';
import { RingmasterError, sha256 } from '@ringmaster/protocol';
import { z } from 'zod';
import { Growing } from '../parts/growing.js';
import { Part, type PartFile } from '../parts/part.js';
import { contentOf, textIn } from '../prepare/content.js';
import {
  encodersOf,
  type ColumnEncoder,
  type EncodedColumn,
  type EncodingPlan,
} from '../prepare/encoders.js';
import {
  Conversations,
  countedConversationsSchema,
  rolesIn,
  type CountedConversations,
} from '../prepare/conversations.js';
import {
  countedUnknownSchema,
  UnknownTokens,
  type CountedUnknown,
} from '../prepare/unknown-tokens.js';
import type { Columns } from '../document.js';
import { loadTokenizer } from '../tokenizers/load.js';
import type { Tokenizer } from '../tokenizers/tokenizer.js';

export interface EncodeRequest {
  readonly part: PartFile;
  /** Of each document whether it is wanted, and whether its tokens are counted [N]. */
  readonly wanted: Uint8Array;
  /** The file of the tokenizer, and its hash. */
  readonly tokenizer: { readonly path: string; readonly sha256: string };
  readonly plan: EncodingPlan;
}

/** Values of `wanted`. */
export const WANTED = 1;
export const COUNTED = 2;

/** The documents of a part that are wanted, encoded: in each column the values of one behind those of another. */
export interface EncodeAnswer {
  readonly columns: readonly {
    readonly lengths: Uint32Array;
    readonly values: Int32Array | Float64Array;
  }[];
  /** Characters of each document. */
  readonly characters: Uint32Array;
  /** Bytes of the texts of all of them, in UTF-8. */
  readonly bytes: number;
  readonly unknown: CountedUnknown;
  /** How often each token occurs in documents that are counted. */
  readonly frequencies: Float64Array;
  /** Of conversations, those that are not learned. */
  readonly conversations?: CountedConversations | undefined;
}

export const encodeAnswerSchema = z.strictObject({
  columns: z.array(
    z.strictObject({
      lengths: z.instanceof(Uint32Array),
      values: z.union([z.instanceof(Int32Array), z.instanceof(Float64Array)]),
    }),
  ),
  characters: z.instanceof(Uint32Array),
  bytes: z.int().min(0),
  unknown: countedUnknownSchema,
  frequencies: z.instanceof(Float64Array),
  conversations: countedConversationsSchema.optional(),
}) satisfies z.ZodType<EncodeAnswer>;

/** Why an answer cannot be the one to a request, in words; null where it may be. */
export function encodeFault(
  { wanted, plan }: EncodeRequest,
  { columns, characters, frequencies }: EncodeAnswer,
): string | null {
  const documents = wanted.reduce((sum, want) => sum + (want === 0 ? 0 : 1), 0);
  const expected = encodersOf(plan).flatMap((encoder) => encoder.columns);
  if (columns.length !== expected.length)
    return `it has ${columns.length} columns in place of ${expected.length}`;
  if (characters.length !== documents)
    return `it has ${characters.length} documents in place of ${documents}`;
  for (const [index, { name, kind }] of expected.entries()) {
    const { lengths = new Uint32Array(0), values = new Int32Array(0) } = columns[index] ?? {};
    const length = lengths.reduce((sum, each) => sum + each, 0);
    const isOfKind = values instanceof Float64Array === (kind === 'value');
    if (lengths.length !== documents || values.length !== length || !isOfKind)
      return `its column ${name} has not the values of its documents`;
    const isToken = (token: number) => token >= 0 && token < frequencies.length;
    if (kind === 'tokens' && !values.every(isToken))
      return `its column ${name} has tokens that are none`;
    if (kind === 'spans' && !areSpans(lengths, values, columns[index - 1]?.lengths))
      return `its column ${name} has spans that are none of its documents`;
  }
  return null;
}

/** Whether each document has pairs of places, ascending and within its tokens; two may share one that lies across their border. @param tokens How many each document has. */
function areSpans(
  lengths: Uint32Array,
  values: ArrayLike<number>,
  tokens: Uint32Array = new Uint32Array(0),
): boolean {
  let start = 0;
  return lengths.every((length, document) => {
    let least = 0;
    for (let at = start; at < start + length; at += 2) {
      const [first = -1, last = -1] = [values[at], values[at + 1]];
      if (first < least || last < first || last >= (tokens[document] ?? 0)) return false;
      least = last;
    }
    start += length;
    return length % 2 === 0;
  });
}

/** What the answer is a function of. */
export function encoded({ part, wanted, tokenizer, plan }: EncodeRequest): unknown {
  return { part: part.sha256, wanted: sha256(wanted), tokenizer: tokenizer.sha256, plan };
}

/** Encodes documents of a part. */
export function encodeDocuments({ part, wanted, tokenizer, plan }: EncodeRequest): EncodeAnswer {
  const loaded = loadedTokenizer(tokenizer.path);
  const encoders = encodersOf(plan);
  const columns = encoders.flatMap((encoder) => encoder.columns);
  const values = columns.map(({ kind }) =>
    kind === 'value'
      ? new Growing<Int32Array | Float64Array>((length) => new Float64Array(length))
      : new Growing<Int32Array | Float64Array>((length) => new Int32Array(length)),
  );
  const lengths = columns.map(() => new Growing((length) => new Uint32Array(length)));
  const characters = new Growing((length) => new Uint32Array(length));
  const unknown = new UnknownTokens(loaded);
  const conversations = plan.needs.messages === undefined ? null : new Conversations();
  let bytes = 0;
  const frequencies = new Float64Array(loaded.vocabulary);
  for (const { at, columns: read } of new Part(part).read((document) => wanted[document] !== 0)) {
    const encoded = encoders.flatMap((encoder) => {
      if (conversations === null) return encoder.encode(read, loaded);
      const columns = learned(encoder, read, loaded);
      if (typeof columns === 'string') conversations.add('refused', at, columns);
      else if (columns[1]?.length === 0) conversations.add('silent', at, rolesIn(read));
      return typeof columns === 'string' ? encoder.columns.map(() => []) : columns;
    });
    let length = 0;
    for (const [index, { name, kind }] of columns.entries()) {
      const found = encoded[index] ?? [];
      values[index]?.append(found);
      lengths[index]?.push(found.length);
      if (kind !== 'tokens') continue;
      const text = textIn(read, name) ?? (name === 'messages' ? contentOf(read) : '');
      length += text.length;
      bytes += Buffer.byteLength(text);
      unknown.add(text, found);
      if (wanted[at] !== COUNTED) continue;
      for (const token of found) frequencies[token] = (frequencies[token] ?? 0) + 1;
    }
    characters.push(length);
  }
  return {
    columns: values.map((column, index) => ({
      lengths: lengths[index]?.take() ?? new Uint32Array(0),
      values: column.take(),
    })),
    characters: characters.take(),
    bytes,
    unknown: unknown.counted(),
    frequencies,
    ...(conversations === null ? {} : { conversations: conversations.counted() }),
  };
}

/** The tokens and the answers of a conversation, or why the template does not take it. */
function learned(
  encoder: ColumnEncoder,
  read: Columns,
  tokenizer: Tokenizer,
): readonly EncodedColumn[] | string {
  try {
    return encoder.encode(read, tokenizer);
  } catch (error) {
    if (error instanceof RingmasterError && error.code === 'CHAT_TEMPLATE_INVALID')
      return (error as RingmasterError<'CHAT_TEMPLATE_INVALID'>).detail.reason;
    throw error;
  }
}

let kept: { readonly path: string; readonly tokenizer: Tokenizer } | null = null;

/** The tokenizer of a file, which is the same for all parts of a preparation. */
function loadedTokenizer(path: string): Tokenizer {
  if (kept?.path !== path) kept = { path, tokenizer: loadTokenizer(readFileSync(path, 'utf8')) };
  return kept.tokenizer;
}
