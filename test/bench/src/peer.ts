import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot } from '@ringmaster/model';
import type { Command } from './contestant.js';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

/**
 * Settings that keep freed memory in the process: PyTorch's step is a fifth faster with them here. Huge pages, which our
 * trainers have, gain it nothing more.
 */
const KEEPS_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 32),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 40),
};

export type Allocator = 'as installed' | 'keeps memory';

/** How a script of `peers/` is started, on one thread. */
export async function peerCommand(
  script: string,
  settings: object,
  allocator: Allocator = 'as installed',
): Promise<Command> {
  return {
    program: await peerPython(),
    args: [join(PEERS, script), JSON.stringify(settings)],
    env: {
      ...process.env,
      OMP_NUM_THREADS: '1',
      MKL_NUM_THREADS: '1',
      ...(allocator === 'keeps memory' ? KEEPS_MEMORY : {}),
    },
  };
}

/** The Python that has the peers: `RINGMASTER_PEER_PYTHON`, else what `peers/setup.sh` made. */
async function peerPython(): Promise<string> {
  const path =
    process.env['RINGMASTER_PEER_PYTHON'] ?? join(cacheRoot(), 'peers', 'torch', 'bin', 'python');
  try {
    await access(path);
  } catch {
    throw new Error(`There is no peer at ${path}. Run test/bench/peers/setup.sh`);
  }
  return path;
}
