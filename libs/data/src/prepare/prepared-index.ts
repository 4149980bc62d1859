import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RingmasterError, type DataManifest } from '@ringmaster/protocol';
import { parseDataManifest } from '../batches/dataset.js';
import type { BlobStore } from '../blobs/blob-store.js';
import { diskErrors, syncDirectory } from '../blobs/disk.js';
import { readReport, type PreparationReport } from './report.js';

/**
 * The index of a home: a file a request, named by the request's key, with the hash of the manifest that it gave in its first
 * line, and that of the report in its second.
 */
export interface Remembered {
  readonly manifest: DataManifest;
  /** Of the manifest's blob. */
  readonly sha256: string;
  /** What the manifest does not hold; null where it is not remembered. */
  readonly report: PreparationReport | null;
}

/** What an entry says, if all of it is still there with the bytes that it had. */
export async function recall(entry: string, store: BlobStore): Promise<Remembered | null> {
  try {
    const [id = '', report] = await hashesOf(entry);
    const remembered = await read(store, id, report);
    const blobs = Object.values(remembered.manifest.splits).flatMap((split) => [
      split.ids,
      ...split.shards.map((shard) => shard.sha256),
    ]);
    for (const blob of [remembered.manifest.tokenizer.sha256, ...blobs])
      if (!(await store.isWhole(blob))) return null;
    // Its age tells for how long nobody has wanted it.
    const now = Date.now() / 1000;
    await utimes(entry, now, now);
    return remembered;
  } catch {
    return null; // Never prepared, or damaged since: it is prepared again.
  }
}

/** @param hashes Of the manifest and the report. */
export async function remember(entry: string, hashes: readonly string[]): Promise<void> {
  const directory = dirname(entry);
  const temporary = `${entry}.${randomBytes(4).toString('hex')}`;
  try {
    await diskErrors(directory, async () => {
      await mkdir(directory, { recursive: true });
      await writeFile(temporary, `${hashes.join('\n')}\n`, { flag: 'wx', flush: true });
      await rename(temporary, entry);
      await syncDirectory(directory);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

const ENTRY = /^[0-9a-f]{64}$/;
const SHOWN = 5;

/**
 * What was prepared, by its id or how it begins. Its blobs are checked by who reads them.
 * @throws DATA_NOT_FOUND, REFERENCE_AMBIGUOUS; DATA_MANIFEST_INVALID, BLOB_MISSING, BLOB_CORRUPT
 */
export async function findPrepared(
  id: string,
  { store, index }: { readonly store: BlobStore; readonly index: string },
): Promise<Remembered> {
  const names = await readdir(index).catch((): string[] => []);
  const found = new Map<string, string | undefined>();
  for (const name of names.filter((each) => ENTRY.test(each))) {
    const [manifest = '', report] = await hashesOf(join(index, name));
    if (manifest.startsWith(id)) found.set(manifest, report ?? found.get(manifest));
  }
  const [first, ...others] = found;
  if (first === undefined) throw new RingmasterError('DATA_NOT_FOUND', { id });
  const candidates = [...found.keys()].sort().slice(0, SHOWN);
  if (others.length > 0)
    throw new RingmasterError('REFERENCE_AMBIGUOUS', {
      reference: id,
      candidates,
      more: found.size > SHOWN,
    });
  return read(store, ...first);
}

async function hashesOf(entry: string): Promise<string[]> {
  return (await readFile(entry, 'utf8')).trim().split('\n');
}

async function read(store: BlobStore, id: string, report: string | undefined): Promise<Remembered> {
  const manifest = parseDataManifest((await store.read(id)).toString(), store.path(id));
  return { manifest, sha256: id, report: await readReport(store, report) };
}
