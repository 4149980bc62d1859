import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventKind } from './event.js';

const CHUNK_BYTES = 64 * 1024;
/** A larger disk than this is nobody's to fill. */
export const SMALL_DISK_BYTES = 2 ** 30;

/** Nothing is left of the disk under the home directory for a while. A coordinator that gives up is started again. */
export const fillDisk: EventKind<'fill-disk'> = {
  draw: (dice) => ({ kind: 'fill-disk', forMs: dice.integer(500, 3000) }),
  disturbs: () => true,
  apply: async ({ forMs }, { cluster }) => {
    const { root } = cluster.home;
    const { blocks, bsize } = await statfs(root);
    if (blocks * bsize > SMALL_DISK_BYTES)
      throw new Error(`the disk of ${root} is too large to be filled`);
    const filler = join(root, 'filler');
    await fill(filler);
    await sleep(forMs);
    await rm(filler);
    const survived = cluster.coordinator.isAlive;
    if (!survived) {
      cluster.coordinator.expectEnd();
      await cluster.startCoordinator();
    }
    return { what: `for ${forMs} ms${survived ? '' : '; the coordinator gave up'}`, culprits: [] };
  },
};

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  const chunk = Buffer.alloc(CHUNK_BYTES, 1);
  try {
    for (;;) if ((await file.write(chunk)).bytesWritten < chunk.length) break;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    await file.close();
  }
}
