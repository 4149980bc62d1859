import { z } from 'zod';
import { sha256Schema } from '../canonical.js';

/**
 * Prepared data: a tokenizer and the token ids of three splits in shards, all named by content. The manifest is a blob
 * itself, in canonical JSON and written last; its SHA-256 is what a run's specification holds. It is a function of the
 * sources' bytes and the request alone: no time, path or host is in it.
 */
const count = z.int().min(0);
const counts = z.record(z.string(), count);
const tokenId = count.nullable();

/** A file of token ids; `@ringmaster/data` writes and reads it (`shards/format.ts`). */
const shard = z.strictObject({
  sha256: sha256Schema,
  bytes: count,
  documents: count,
  tokens: count,
});

const split = z.strictObject({
  documents: count,
  tokens: count,
  characters: count,
  /** Documents by label; empty when documents have none. */
  labels: counts,
  shards: z.array(shard),
  /** Blob with the document ids of the split in order, one a line. */
  ids: sha256Schema,
});

export const dataManifestSchema = z.strictObject({
  format: z.literal(1),
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
  }),
  /** Labels in the order of their ids; empty when documents have none. */
  labels: z.array(z.string()),
  /** Bytes of a token id in a shard. */
  width: z.union([z.literal(2), z.literal(4)]),
  splits: z.strictObject({ train: split, validation: split, test: split }),
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
});

export type DataManifest = z.infer<typeof dataManifestSchema>;
export type DataSplit = keyof DataManifest['splits'];
