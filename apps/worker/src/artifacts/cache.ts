import { mkdir, statfs } from 'node:fs/promises';
import { BlobStore, claimedSince, makeClaim, takeBlob, type BlobInfo } from '@ringmaster/data';

/** Share of the file system that fetched blobs may take. */
const SHARE = 0.1;

/**
 * Has the cache keep what this process fetches for as long as it lives, after making room for it: beyond the limit,
 * blobs that no process has fetched for longest are removed, but for those that a process that lives may have fetched.
 * @param cache Directory of fetched blobs.
 * @param limit Bytes that they may take together; null for a tenth of the file system.
 * @returns What lets go of it before the process ends.
 * @throws DISK_FULL
 */
export async function holdCache(cache: string, limit: number | null): Promise<() => void> {
  const store = new BlobStore(cache);
  const found: (BlobInfo & { readonly putMs: number })[] = [];
  for await (const blob of store.list()) found.push(blob);
  let total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  const most = limit ?? (await sizeOfFileSystem(cache)) * SHARE;
  for (const { sha256, putMs } of found.sort((a, b) => a.putMs - b.putMs)) {
    if (total <= most) break;
    const held = claimedSince(cache) ?? Infinity;
    const taken = takeBlob(store, sha256, Math.min(putMs, held - 1));
    await taken?.gone;
    total -= taken?.bytes ?? 0;
  }
  return makeClaim(cache);
}

async function sizeOfFileSystem(directory: string): Promise<number> {
  await mkdir(directory, { recursive: true });
  const { blocks, bsize } = await statfs(directory);
  return blocks * bsize;
}
