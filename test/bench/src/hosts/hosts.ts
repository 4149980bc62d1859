import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canMakeHosts, Network, type Host } from '@ringmaster/hosts';
import { RingmasterError } from '@ringmaster/protocol';
import { interleave } from '../interleave.js';
import { peerPython } from '../peer.js';
import { ratesOf, rowOf, type Findings, type Pace, type Row } from '../report.js';
import { compareRings, MEGABYTE, type Pair } from '../ring/compare.js';
import { startGloo, startOurs as startRing, type RingTeam } from '../ring/sides.js';
import {
  checkLosses,
  checkSizes,
  initialOf,
  startOurs as startTrainers,
  startPeer,
  type Side,
} from '../train/sides.js';
import { WARM_UP_STEPS } from '../train/train.js';
import { GPT } from '../train/shapes.js';
import { TrainingHome } from '../train/training-home.js';

/** Ranks, each on a host of its own. */
const SIZES = [2, 4];
const BYTES = [1, 4, 25, 100].map((megabytes) => megabytes * MEGABYTE);
/** What is summed over links that are limited. */
const LIMITED_BYTES = 25 * MEGABYTE;
const STEP_BYTES = 100 * MEGABYTE;
/** Megabits a second of each host's link. */
const LIMITS = [1000, 250];

const [OURS, SEALED, GLOO, PYTORCH] = ['ours', 'ours, sealed', 'gloo', 'PyTorch'];
const PAIRS: readonly Pair[] = [
  [OURS, GLOO],
  [SEALED, GLOO],
  [SEALED, OURS],
];

/** All-reduce and training over several hosts, beside PyTorch's on the same hosts. */
export async function hosts(pace: Pace): Promise<Findings> {
  await peerPython('torch');
  if (!canMakeHosts()) throw new RingmasterError('NOT_FOUND', { what: 'what hosts are made by' });
  const versions: Record<string, string> = { node: process.versions.node };
  const rows: Row[] = [];
  const wanted = (name: string) => pace.only?.includes(name) ?? true;
  const names = Array.from({ length: Math.max(...SIZES) }, (_, number) => `host-${number + 1}`);
  const network = await Network.create(names);
  try {
    for (const size of SIZES) {
      const team = network.hosts.slice(0, size);
      if (wanted('ring')) rows.push(...(await rings(network, team, pace, versions)));
      if (wanted('train')) rows.push(...(await training(network, team, pace, versions)));
    }
  } finally {
    await network.remove();
  }
  return {
    benchmark: 'hosts',
    versions,
    rows,
    notes: [
      `Hosts are network namespaces of one machine on a bridge, a rank on each; all of them share its processors. ` +
        `${pace.rounds} rounds in turns. Rows of sums have bus bandwidth as nccl-tests define it; integers are as wide as ` +
        `quantised gradients, and bandwidth counts 32 bits of each. Ours is in the clear, which no ring between hosts is, ` +
        `sealed is what trainers do; gloo is in the clear. Sums over links that are limited are of ${LIMITED_BYTES / MEGABYTE} MB.`,
      `Rows of training are the whole step of the GPT of \`train\` in float32, ours sealed, PyTorch's ` +
        `DistributedDataParallel over gloo in the clear. A link is limited in both directions, in the kernel ` +
        `(token bucket, tc-tbf(8)).`,
    ],
  };
}

/** Has every host send and receive no more than so many megabits a second; null for no limit. */
function limit(network: Network, megabits: number | null): void {
  for (const host of network.hosts) network.limit(host, megabits);
}

async function rings(
  network: Network,
  rooms: readonly Host[],
  { rounds, steps }: Pace,
  versions: Record<string, string>,
): Promise<Row[]> {
  const size = rooms.length;
  const seating = { size, bytes: Math.max(...BYTES), rooms };
  const directory = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  const teams = new Map<string, RingTeam>();
  const rows: Row[] = [];
  const compare = async (link: string, bytes: number, operations: number) => {
    const title = `N = ${size}, ${bytes / MEGABYTE} MB${link}`;
    const sum = { title, size, bytes, operations };
    rows.push(...(await compareRings(teams, sum, PAIRS, rounds)));
  };
  try {
    for (const [side, seal] of [[OURS, false] as const, [SEALED, true] as const])
      teams.set(side, await startRing(seating, { shared: false, seal, narrow: true }));
    teams.set(GLOO, await startGloo(seating, join(directory, 'meeting'), versions));
    for (const bytes of BYTES) await compare('', bytes, Math.ceil((steps * STEP_BYTES) / bytes));
    for (const megabits of LIMITS) {
      limit(network, megabits);
      await compare(` at ${megabits} Mbit/s`, LIMITED_BYTES, 1);
    }
    return rows;
  } finally {
    limit(network, null);
    await Promise.all([...teams.values()].map((team) => team.end()));
    await rm(directory, { recursive: true, force: true });
  }
}

async function training(
  network: Network,
  rooms: readonly Host[],
  { rounds, steps }: Pace,
  versions: Record<string, string>,
): Promise<Row[]> {
  const size = rooms.length;
  const all = WARM_UP_STEPS + LIMITS.length * rounds * steps;
  const home = await TrainingHome.create(GPT, all);
  const sides = new Map<string, Side>();
  try {
    const batches = await home.writeBatches(all, size);
    const chosen = { dropout: 0, microbatches: size, precision: 'float32' } as const;
    const ours = await startTrainers(home, chosen, size, { rooms });
    sides.set(OURS, ours);
    const initial = await initialOf(ours, home);
    sides.set(
      PYTORCH,
      await startPeer({
        shape: GPT,
        chosen,
        size,
        initial,
        batches,
        rooms,
        compile: false,
        narrow: false,
        allocator: 'keeps memory',
      }),
    );
    checkSizes(sides.values());
    for (const { ranks } of sides.values()) Object.assign(versions, ranks[0]?.ready.versions);
    const curves = new Map<string, number[]>();
    for (const [name, team] of sides)
      curves.set(name, [...(await team.takeTurn({ steps: WARM_UP_STEPS })).losses]);
    const rows: Row[] = [];
    for (const megabits of LIMITS) {
      limit(network, megabits);
      const turns = new Map(
        [...sides].map(([name, team]) => [name, () => team.takeTurn({ steps })]),
      );
      const results = await interleave(turns, rounds);
      for (const [name, blocks] of results)
        curves.get(name)?.push(...blocks.flatMap((block) => block.losses));
      const tokens = steps * GPT.sequences * GPT.model.context;
      const rates = (name: string) => ratesOf(results.get(name), tokens);
      const title = `GPT, W = ${size} at ${megabits} Mbit/s: sealed; PyTorch`;
      rows.push(rowOf(title, 'tokens/s', rates(OURS), rates(PYTORCH)));
    }
    checkLosses(curves, chosen);
    return rows;
  } finally {
    limit(network, null);
    await Promise.all([...sides.values()].map((team) => team.end()));
    await home.remove();
  }
}
