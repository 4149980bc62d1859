import { z } from 'zod';
import { sha256Schema } from '../canonical.js';
import { cleaningRuleSchema, filterSchema } from './cleaning.js';
import { columnNameSchema, type ColumnName } from './columns.js';

/**
 * Prepared data: a tokenizer and the columns of three splits in shards, all named by content. The manifest is a blob
 * itself, in canonical JSON and written last; its SHA-256 is what a run's specification holds. It is a function of the
 * sources' bytes and the request alone: no time, path or host is in it.
 */
const count = z.int().min(0);
const counts = z.record(z.string(), count);
const tokenId = count.nullable();

/** A file of columns; `@ringmaster/data` writes and reads it (`shards/format.ts`). */
const shard = z.strictObject({
  sha256: sha256Schema,
  bytes: count,
  documents: count,
  /** Tokens of all its columns. */
  tokens: count,
});

const split = z.strictObject({
  documents: count,
  /** Tokens of all columns. */
  tokens: count,
  characters: count,
  /** How often each name of a column with names occurs, by column. */
  counts: z.partialRecord(columnNameSchema, counts),
  shards: z.array(shard),
  /** Blob with the document ids of the split in order, one a line. */
  ids: sha256Schema,
});

/** A column of the shards; one whose values are ids has their names in the order of the ids. */
const column = z.discriminatedUnion('kind', [
  z.strictObject({ name: columnNameSchema, kind: z.enum(['tokens', 'value', 'spans']) }),
  z.strictObject({
    name: columnNameSchema,
    kind: z.enum(['class', 'classes', 'tags']),
    names: z.array(z.string()),
  }),
]);

const common = {
  tokenizer: z.strictObject({
    /** Blob of `tokenizer.json`. */
    sha256: sha256Schema,
    /** Number of token ids: the rows of the embedding. */
    vocabulary: z.int().positive(),
    /** Token ids by role; null where the tokenizer has no such token. */
    pad: tokenId,
    unknown: tokenId,
    classify: tokenId,
    separate: tokenId,
    mask: tokenId,
    endOfText: tokenId,
    /** Every id that no text is encoded to, and the unknown token, ascending: never masked, never drawn. */
    special: z.array(count),
    /** Those of `<extra_id_0>`, `<extra_id_1>` …, which stand for spans of a text, where the tokenizer has them. */
    sentinels: z.array(count).optional(),
  }),
  /** Bytes of a token id in a shard. */
  width: z.union([z.literal(2), z.literal(4)]),
  statistics: z.strictObject({
    /** Documents that the readers gave. */
    read: count,
    /** Documents that are in no split, by reason. */
    dropped: counts,
    /** Documents that each cleaning rule changed. */
    cleaned: counts,
    /** Documents that have a near duplicate, and the groups they form; a group is on one side of a split. */
    nearDuplicates: z.strictObject({ documents: count, groups: count }),
    /** Documents of a split given as files whose text, or nearly so, is in another split too. */
    overlap: counts,
    /** Tokens of all splits that the tokenizer does not know. */
    unknownTokens: count.default(0),
    /** Entropy of the unigram distribution of the train split over tokens that are not special, nats a token. */
    unigramEntropy: z.number().min(0),
  }),
  /** What a user should know, one sentence each. */
  warnings: z.array(z.string()),
};

const current = z.strictObject({
  format: z.literal(2),
  ...common,
  columns: z.array(column),
  /** The rules that the train documents were cleaned by, in order; null where the data are older than the record of it. */
  cleaning: z.array(cleaningRuleSchema).nullable(),
  /** The filters that the train documents went through, in order, where there were any. */
  filters: z.array(filterSchema).optional(),
  /**
   * The sources of a mixture, in order, where there are several: what each has in the train split, and how often an epoch
   * passes over it. A part of a pass is over the documents whose content has the smallest hashes.
   */
  mixture: z
    .array(
      z.strictObject({
        name: z.string(),
        weight: z.number().positive().nullable(),
        documents: count,
        tokens: count,
        epochs: z.number().min(0),
      }),
    )
    .optional(),
  splits: z.strictObject({ train: split, validation: split, test: split }),
});

export type DataManifest = z.infer<typeof current>;
export type DataSplit = keyof DataManifest['splits'];
export type DataColumn = DataManifest['columns'][number];

/** Format 1 has one column of tokens and a label for each document, or none. */
const oldSplit = split.omit({ counts: true }).extend({ labels: counts });
const old = z
  .strictObject({
    format: z.literal(1),
    ...common,
    labels: z.array(z.string()),
    splits: z.strictObject({ train: oldSplit, validation: oldSplit, test: oldSplit }),
  })
  .transform(({ labels, splits, ...rest }): DataManifest => {
    const isLabelled = labels.length > 0;
    const upgrade = ({ labels: byClass, ...split }: z.infer<typeof oldSplit>) => ({
      ...split,
      counts: isLabelled ? { class: byClass } : {},
    });
    const classes: DataColumn[] = isLabelled
      ? [{ name: 'class', kind: 'class', names: labels }]
      : [];
    return {
      ...rest,
      format: 2,
      columns: [{ name: 'text', kind: 'tokens' }, ...classes],
      cleaning: null,
      splits: {
        train: upgrade(splits.train),
        validation: upgrade(splits.validation),
        test: upgrade(splits.test),
      },
    };
  });

/** Data manifests of format 2, and of format 1 as if they were. */
export const dataManifestSchema = z.discriminatedUnion('format', [current, old]);

/** Names of the ids of a column, in their order; none where the data do not have the column. */
export function namesIn({ columns }: Pick<DataManifest, 'columns'>, name: ColumnName): string[] {
  const found = columns.find((each) => each.name === name);
  return found === undefined || !('names' in found) ? [] : found.names;
}
