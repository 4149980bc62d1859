import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { z } from 'zod';

const Manifest = z.strictObject({
  tensorflow: z.string(),
  /** `sourceHash` of what was compiled. */
  sources: z.string(),
  variant: z.enum(['cpu', 'gpu']),
  platform: z.string(),
  /** Path inside the folder → size in bytes and SHA-256. */
  files: z.record(z.string(), z.strictObject({ bytes: z.int().min(1), sha256: z.string() })),
});

/** What a build of TensorFlow consists of; written last, so that a folder that has one is whole. */
export type Manifest = z.infer<typeof Manifest>;

const NAME = 'manifest.json';

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFile(join(folder, NAME), JSON.stringify(manifest, null, 2) + '\n');
}

/** The manifest of `folder` if every file that it lists is there with its size; else why not. */
export function checkManifest(folder: string): Manifest | { readonly reason: string } {
  let manifest: Manifest;
  try {
    manifest = Manifest.parse(JSON.parse(readFileSync(join(folder, NAME), 'utf8')));
  } catch {
    return { reason: `${folder} has no valid manifest` };
  }
  for (const [path, { bytes }] of Object.entries(manifest.files)) {
    const size = statSync(join(folder, path), { throwIfNoEntry: false })?.size;
    if (size !== bytes) return { reason: `${join(folder, path)} is damaged or missing` };
  }
  return manifest;
}

/** Hashes every file that a manifest lists; returns the first that differs, if any. */
export async function damagedFile(
  folder: string,
  manifest: Manifest,
  onBytes: (count: number) => void,
): Promise<string | null> {
  for (const [path, { sha256 }] of Object.entries(manifest.files)) {
    if ((await hashFile(join(folder, path), onBytes)) !== sha256) return join(folder, path);
  }
  return null;
}

/** SHA-256 of a file, hex; `onBytes` hears of every chunk, for progress. */
export async function hashFile(path: string, onBytes: (count: number) => void): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        onBytes(chunk.length);
      }
    },
  );
  return hash.digest('hex');
}
