import { canonicalJson } from '@ringmaster/protocol';
import { z } from 'zod';
import type { BlobStore } from '../blobs/blob-store.js';
import { stepTallySchema } from '../clean/tally.js';

const count = z.int().min(0);

const reportSchema = z.strictObject({
  format: z.literal(1),
  /** What each step of cleaning did, by its name. */
  steps: z.record(z.string(), stepTallySchema),
  /** All documents that were encoded, each once: tokens, bytes of their texts in UTF-8, and tokens that are unknown. */
  encoded: z.strictObject({
    tokens: count,
    bytes: count,
    unknown: count,
    /** A word that the tokenizer does not know; null where there is none. */
    example: z.string().nullable(),
  }),
});

/**
 * What a preparation saw and the manifest does not hold. It is a function of the same things, but nothing is computed from
 * it, so that it may say more in another version: a blob beside the manifest, which the index remembers.
 */
export type PreparationReport = z.infer<typeof reportSchema>;

/** @returns the hash of its blob */
export async function putReport(
  store: BlobStore,
  report: Omit<PreparationReport, 'format'>,
): Promise<string> {
  const { sha256 } = await store.putBytes(Buffer.from(canonicalJson({ format: 1, ...report })));
  return sha256;
}

/** The report of a preparation; null where it is gone, or is one of another version. */
export async function readReport(
  store: BlobStore,
  sha256: string | undefined,
): Promise<PreparationReport | null> {
  if (sha256 === undefined) return null;
  try {
    return reportSchema.parse(JSON.parse((await store.read(sha256)).toString()));
  } catch {
    return null; // Who asks goes without what it tells.
  }
}
