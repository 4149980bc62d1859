import { z } from 'zod';

/**
 * - `models`: the files of registered models, and of bases that jobs at work were given as directories.
 * - `checkpoints`: states that runs can go on from.
 * - `data`: prepared data.
 * - `other`: blobs that nothing refers to, yet or any more, and uploads that are not whole.
 * - `cache`: what workers of this home keep beside the artifact store.
 * - `logs`: log files.
 * - `database`: the coordinator's store.
 */
export const storageKinds = [
  'models',
  'checkpoints',
  'data',
  'other',
  'cache',
  'logs',
  'database',
] as const;
export type StorageKind = (typeof storageKinds)[number];

/** Bytes under the home of a coordinator, each counted once, under the first kind that it is of. */
export const storageViewSchema = z.object({
  /** When they were counted: a large home is counted now and then. */
  at: z.string(),
  total: z.int(),
  kinds: z.object({
    models: z.int(),
    checkpoints: z.int(),
    data: z.int(),
    other: z.int(),
    cache: z.int(),
    logs: z.int(),
    database: z.int(),
  }),
});
export type StorageView = z.infer<typeof storageViewSchema>;

/** Prepared data, as GET /v1/data tells of it. */
export const preparedDataViewSchema = z.object({
  /** SHA-256 of its manifest. */
  id: z.string(),
  /** Of all its blobs, shared ones included. */
  bytes: z.int(),
  documents: z.int(),
  tokens: z.int(),
  vocabulary: z.int(),
  /** When it was prepared, or a job last took it. */
  usedAt: z.string(),
  /** A job that needs it and has not ended. */
  job: z.string().nullable(),
});
export type PreparedDataView = z.infer<typeof preparedDataViewSchema>;

/** Jobs and data that an answer names at most; it counts them all. */
export const PRUNED_NAMED = 1000;

/** What POST /v1/prune has removed, or would remove. */
export const pruneViewSchema = z.object({
  dryRun: z.boolean(),
  /** Ended jobs: their records, curves, logs and checkpoints. */
  jobs: z.object({ count: z.int(), ids: z.array(z.string()).max(PRUNED_NAMED) }),
  /** Prepared data. */
  data: z.object({ count: z.int(), ids: z.array(z.string()).max(PRUNED_NAMED) }),
  /** Bytes of files that nothing refers to any more. */
  bytes: z.int(),
});
export type PruneView = z.infer<typeof pruneViewSchema>;
