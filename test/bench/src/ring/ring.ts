import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { curveKeyPair } from 'zeromq';
import { z } from 'zod';
import { Contestant, turnSchema, type Command, type Turn } from '../contestant.js';
import { interleave } from '../interleave.js';
import { mpiCommand, peerCommand, peerPython, type MpiTransport } from '../peer.js';
import { LIMITS_NOTE, ratesOf, rowOf, type Findings, type Pace, type Row } from '../report.js';
import { Team } from '../team.js';

const MEGABYTE = 1e6;
const SIZES = [1, 4, 25, 100].map((megabytes) => megabytes * MEGABYTE);
const LARGEST = Math.max(...SIZES);

/** A turn moves as much as this many bytes a step, whatever the size of an operation. */
const STEP_BYTES = 100 * MEGABYTE;

/** How trainers of one host do it, and how those of several; and on tcp where packing gains nothing. */
const OURS = {
  'ours, same host': { shared: true, encrypted: false, seal: false, narrow: true },
  'ours, tcp': { shared: false, encrypted: false, seal: false, narrow: true },
  'ours, tcp, full width': { shared: false, encrypted: false, seal: false, narrow: false },
  'ours, tcp, sealed': { shared: false, encrypted: false, seal: true, narrow: true },
  'ours, tcp with CURVE': { shared: false, encrypted: true, seal: false, narrow: true },
};
const GLOO = 'gloo, tcp';
const MPI: Readonly<Record<string, MpiTransport>> = {
  'Open MPI, same host': 'same host',
  'Open MPI, tcp': 'tcp',
};
type Side = string;

/** Whom each of ours is compared with. */
const PEERS: Readonly<Record<keyof typeof OURS, readonly Side[]>> = {
  'ours, same host': [GLOO, 'Open MPI, same host'],
  'ours, tcp': [GLOO, 'Open MPI, tcp'],
  'ours, tcp, full width': [GLOO],
  'ours, tcp, sealed': [GLOO],
  'ours, tcp with CURVE': [GLOO],
};

type RingTeam = Team<unknown, Turn>;

const versionsSchema = z.object({ versions: z.record(z.string(), z.string()) });

/** How many processes, and which of our sides. With more processes than processors CURVE says nothing new. */
const TEAMS: readonly { size: number; ours: readonly (keyof typeof OURS)[] }[] = [
  {
    size: 2,
    ours: [
      'ours, same host',
      'ours, tcp',
      'ours, tcp, full width',
      'ours, tcp, sealed',
      'ours, tcp with CURVE',
    ],
  },
  { size: 4, ours: ['ours, same host', 'ours, tcp', 'ours, tcp, full width', 'ours, tcp, sealed'] },
];

/** All-reduce over processes of one machine: int32 in our ring and in Open MPI, float32 in gloo. */
export async function ring(pace: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is measured, which takes minutes.
  await peerPython('torch');
  const rows: Row[] = [];
  const versions: Record<string, string> = { node: process.versions.node };
  for (const { size, ours } of TEAMS) {
    const directory = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
    const teams = new Map<Side, RingTeam>();
    try {
      for (const side of ours) teams.set(side, await startOurs(size, OURS[side]));
      const gloo = await startGloo(size, join(directory, 'meeting'), versions);
      teams.set(GLOO, gloo);
      for (const [side, transport] of Object.entries(MPI))
        teams.set(side, await startMpi(size, transport, versions));
      for (const bytes of SIZES) rows.push(...(await compare(teams, { size, bytes, ours }, pace)));
    } finally {
      await Promise.all([...teams.values()].map((team) => team.end()));
      await rm(directory, { recursive: true, force: true });
    }
  }
  return {
    benchmark: 'ring',
    versions,
    rows,
    notes: [
      `Bus bandwidth as nccl-tests define it, 2(N−1)/N · bytes / time, over loopback; N processes on one machine, ` +
        `${pace.rounds} rounds in turns of about ${(pace.steps * STEP_BYTES) / MEGABYTE} MB. The time is that of the ` +
        `slowest rank, the processor time that of all. Ours and Open MPI sum int32, gloo float32. Open MPI is as it comes ` +
        `on the same host (its ranks read each other's memory), and restricted to tcp. What ours sends over tcp is packed ` +
        `where that makes it shorter: the integers are as wide as quantised gradients of the models of \`train\`, 17 to 19 ` +
        `bits in the mean, but for "full width", where they need all of their 32 bits. Bandwidth counts 32 either way.`,
      LIMITS_NOTE,
    ],
  };
}

/** One size, every side in turns. */
async function compare(
  teams: ReadonlyMap<Side, RingTeam>,
  chosen: { size: number; bytes: number; ours: readonly (keyof typeof OURS)[] },
  { rounds, steps }: Pace,
): Promise<Row[]> {
  const { size, bytes, ours } = chosen;
  const operations = Math.max(2, Math.ceil((steps * STEP_BYTES) / bytes));
  const sides = new Map(
    [...teams].map(([side, team]) => [side, () => team.takeTurn({ operations, bytes })]),
  );
  const results = await interleave(sides, rounds);
  const gigabytes = (((2 * (size - 1)) / size) * bytes * operations) / 1e9;
  const rates = (side: Side) => ratesOf(results.get(side), gigabytes);
  const title = `N = ${size}, ${bytes / MEGABYTE} MB`;
  return ours.flatMap((side) =>
    PEERS[side].map((peer) =>
      rowOf(`${title}: ${side}; ${peer}`, 'GB/s', rates(side), rates(peer)),
    ),
  );
}

async function startOurs(size: number, how: (typeof OURS)[keyof typeof OURS]): Promise<RingTeam> {
  const { encrypted, ...values } = how;
  const keys = Array.from({ length: size }, () => curveKeyPair());
  const peers = keys.map(({ publicKey }) => publicKey);
  const ranks = await Promise.all(
    keys.map((pair, rank) => {
      const curve = encrypted ? { curve: { ...pair, peers } } : {};
      const command: Command = {
        program: process.execPath,
        args: [
          fileURLToPath(new URL('./ring.process.js', import.meta.url)),
          JSON.stringify({ rank, size, bytes: LARGEST, ...values, ...curve }),
        ],
        env: process.env,
      };
      return Contestant.start(command, z.object({ endpoint: z.string() }));
    }),
  );
  const endpoints = ranks.map(({ ready }) => ready.endpoint);
  await Promise.all(ranks.map((rank) => rank.ask({ endpoints }, z.object({}))));
  return new Team(ranks, turnSchema);
}

async function startGloo(
  size: number,
  meeting: string,
  versions: Record<string, string>,
): Promise<RingTeam> {
  const commands = await Promise.all(
    Array.from({ length: size }, (_, rank) =>
      peerCommand('ring.py', { rank, size, bytes: LARGEST, meeting }),
    ),
  );
  const ranks = await Promise.all(
    commands.map((command) => Contestant.start(command, versionsSchema)),
  );
  for (const { ready } of ranks) Object.assign(versions, ready.versions);
  return new Team(ranks, turnSchema);
}

async function startMpi(
  size: number,
  transport: MpiTransport,
  versions: Record<string, string>,
): Promise<RingTeam> {
  const command = await mpiCommand('mpi.py', { bytes: LARGEST }, { size, transport });
  const ranks = await Contestant.start(command, versionsSchema);
  Object.assign(versions, ranks.ready.versions);
  return new Team([ranks], turnSchema);
}
