import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { artifactManifestSchema, type ArtifactManifest } from '@ringmaster/protocol';
import { until } from '../patience.js';
import type { EventKind } from './event.js';
import { killAll, startAll } from './kill-cluster.js';

/** A manifest is smaller than this, and a state larger. */
const MANIFEST_BYTES = 16 * 1024;
const CHECKPOINT_MS = 120_000;

/** One bit of the newest checkpoint changes, and then everything is killed, so that somebody has to read it. */
export const damageCheckpoint: EventKind<'damage-checkpoint'> = {
  draw: (dice) => ({ kind: 'damage-checkpoint', bit: dice.integer(0, 2 ** 20) }),
  disturbs: () => true,
  apply: async ({ bit }, stage) => {
    const { home } = stage.cluster;
    const { step, files } = await until(
      'the run has a checkpoint',
      () => newestCheckpoint(home.artifacts, stage.job),
      CHECKPOINT_MS,
    );
    const workers = await killAll(stage.cluster);
    const largest = Object.values(files).reduce((one, other) =>
      one.bytes > other.bytes ? one : other,
    );
    await flipBit(blobPath(home.artifacts, largest.sha256), bit);
    await startAll(stage.cluster, workers);
    return { what: `checkpoint of step ${step}, then everything was killed`, culprits: [] };
  },
};

export async function newestCheckpoint(
  artifacts: string,
  job: string,
): Promise<ArtifactManifest | null> {
  const found: ArtifactManifest[] = [];
  const blobs = join(artifacts, 'sha256');
  for (const name of await readdir(blobs, { recursive: true })) {
    const path = join(blobs, name);
    const manifest = await manifestIn(path).catch(() => null);
    if (manifest?.kind === 'checkpoint' && manifest.job === job) found.push(manifest);
  }
  return found.sort((a, b) => b.step - a.step)[0] ?? null;
}

async function manifestIn(path: string): Promise<ArtifactManifest | null> {
  const info = await stat(path);
  if (!info.isFile() || info.size > MANIFEST_BYTES) return null;
  return artifactManifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

export function blobPath(artifacts: string, sha256: string): string {
  return join(artifacts, 'sha256', sha256.slice(0, 2), sha256.slice(2));
}

export async function flipBit(path: string, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const position = (bit >> 3) % size;
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ (1 << (bit & 7));
    await file.write(byte, 0, 1, position);
  } finally {
    await file.close();
  }
}
