import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RingmasterError } from '@ringmaster/protocol';
import { cacheRoot } from '@ringmaster/tensorflow';
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

/** What is installed in one virtual environment, each by a script of its own. */
type Peers = 'torch' | 'data';

const SETUP: Readonly<Record<Peers, string>> = { torch: 'setup.sh', data: 'setup-data.sh' };

/** How a script of `peers/` is started, on one thread a process. */
export async function peerCommand(
  script: string,
  settings: object,
  {
    allocator = 'as installed',
    peers = 'torch',
  }: { readonly allocator?: Allocator; readonly peers?: Peers } = {},
): Promise<Command> {
  return {
    program: await peerPython(peers),
    args: [join(PEERS, script), JSON.stringify(settings)],
    env: {
      ...process.env,
      OMP_NUM_THREADS: '1',
      MKL_NUM_THREADS: '1',
      ...(allocator === 'keeps memory' ? KEEPS_MEMORY : {}),
    },
  };
}

/** Settings of Open MPI by how its processes reach each other: as it likes, or over loopback tcp alone. */
const MPI_TRANSPORTS = {
  'same host': [],
  tcp: ['--mca', 'pml', 'ob1', '--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', 'lo'],
};

export type MpiTransport = keyof typeof MPI_TRANSPORTS;

/** How `size` ranks of a script of `peers/` are started under Open MPI; more of them than processors share these. */
export async function mpiCommand(
  script: string,
  settings: object,
  { size, transport }: { readonly size: number; readonly transport: MpiTransport },
): Promise<Command> {
  const { program: python, args, env } = await peerCommand(script, settings);
  return {
    program: join(dirname(python), 'mpirun'),
    args: ['--oversubscribe', ...MPI_TRANSPORTS[transport], '-n', String(size), python, ...args],
    // A container's only user is often root.
    env: { ...env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
  };
}

/**
 * The Python that has the peers: `RINGMASTER_PEER_PYTHON`, else what the setup script made.
 * @throws NOT_FOUND with what installs it
 */
export async function peerPython(peers: Peers): Promise<string> {
  const path =
    process.env['RINGMASTER_PEER_PYTHON'] ?? join(cacheRoot(), 'peers', peers, 'bin', 'python');
  try {
    await access(path);
  } catch {
    const remedy = `Install what is compared with, with: test/bench/peers/${SETUP[peers]}`;
    throw new RingmasterError('NOT_FOUND', { what: path }, { remedy });
  }
  return path;
}
