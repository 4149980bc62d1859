import type { ColumnKind, ColumnName, columnKinds } from '@ringmaster/protocol';

/** Bytes of a token id. */
export type TokenWidth = 2 | 4;
export type TokenArray = Uint16Array | Uint32Array;

/** Kinds of columns that a shard has sections for. */
export type SectionKind = ColumnKind;

/** What a document has in a column of a kind. */
export interface SectionValues {
  readonly tokens: TokenArray;
  /** Id of the class; −1 without one. */
  readonly class: number;
  /** Ids of the classes, ascending. */
  readonly classes: Int32Array;
  readonly value: number;
  /** Id of the tag of each token [N]; −1 where a token has none. */
  readonly tags: Int32Array;
  /** First and last token of each span [2K]. */
  readonly spans: Int32Array;
}

/** What a document has in a column. */
export type EncodedColumns = {
  readonly [Name in ColumnName]: (typeof columnKinds)[Name] extends infer Kind extends SectionKind
    ? SectionValues[Kind]
    : never;
};

/** One column of the documents of a shard. */
export type Section = { readonly name: ColumnName } & (
  | {
      readonly kind: 'tokens';
      /** [D + 1]: document i has the values offsets[i] … offsets[i + 1]. */
      readonly offsets: Uint32Array;
      readonly values: TokenArray;
    }
  | {
      readonly kind: 'classes' | 'tags' | 'spans';
      readonly offsets: Uint32Array;
      readonly values: Int32Array;
    }
  | { readonly kind: 'class'; readonly values: Int32Array }
  | { readonly kind: 'value'; readonly values: Float64Array }
);

/** What a document, by its number in the shard, has in a section. */
export function valueAt(section: Section, document: number): SectionValues[SectionKind] {
  if (section.kind === 'class') return section.values[document] ?? -1;
  if (section.kind === 'value') return section.values[document] ?? NaN;
  const { offsets, values } = section;
  return values.subarray(offsets[document], offsets[document + 1]);
}

/** Bytes of a token id in shards of a vocabulary. */
export function tokenWidth(vocabulary: number): TokenWidth {
  return vocabulary <= 0x10000 ? 2 : 4;
}
