import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerPython, type MpiTransport } from '../peer.js';
import { LIMITS_NOTE, type Findings, type Pace, type Row } from '../report.js';
import { compareRings, MEGABYTE, type Pair } from './compare.js';
import { startGloo, startMpi, startOurs, type RingTeam } from './sides.js';

const SIZES = [1, 4, 25, 100].map((megabytes) => megabytes * MEGABYTE);
const LARGEST = Math.max(...SIZES);

/** A turn moves as much as this many bytes a step, whatever the size of an operation. */
const STEP_BYTES = 100 * MEGABYTE;

/** How trainers of one host do it, and how those of several; and on tcp where packing gains nothing. */
const OURS = {
  'ours, same host': { shared: true, seal: false, narrow: true },
  'ours, tcp': { shared: false, seal: false, narrow: true },
  'ours, tcp, full width': { shared: false, seal: false, narrow: false },
  'ours, tcp, sealed': { shared: false, seal: true, narrow: true },
};
const GLOO = 'gloo, tcp';
const MPI: Readonly<Record<string, MpiTransport>> = {
  'Open MPI, same host': 'same host',
  'Open MPI, tcp': 'tcp',
};

const PAIRS: readonly Pair[] = [
  ['ours, same host', GLOO],
  ['ours, same host', 'Open MPI, same host'],
  ['ours, tcp', GLOO],
  ['ours, tcp', 'Open MPI, tcp'],
  ['ours, tcp, full width', GLOO],
  ['ours, tcp, sealed', GLOO],
];

/** How many processes. */
const TEAM_SIZES = [2, 4];

/** All-reduce over processes of one machine: int32 in our ring and in Open MPI, float32 in gloo. */
export async function ring(pace: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is measured, which takes minutes.
  await peerPython('torch');
  const rows: Row[] = [];
  const versions: Record<string, string> = { node: process.versions.node };
  for (const size of TEAM_SIZES) {
    const directory = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
    const teams = new Map<string, RingTeam>();
    try {
      const seating = { size, bytes: LARGEST };
      for (const [side, how] of Object.entries(OURS))
        teams.set(side, await startOurs(seating, how));
      const gloo = await startGloo(seating, join(directory, 'meeting'), versions);
      teams.set(GLOO, gloo);
      for (const [side, transport] of Object.entries(MPI))
        teams.set(side, await startMpi(seating, transport, versions));
      for (const bytes of SIZES) {
        const title = `N = ${size}, ${bytes / MEGABYTE} MB`;
        const operations = Math.max(2, Math.ceil((pace.steps * STEP_BYTES) / bytes));
        const sum = { title, size, bytes, operations };
        rows.push(...(await compareRings(teams, sum, PAIRS, pace.rounds)));
      }
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
