import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { Contestant, turnSchema, type Command } from '../contestant.js';
import { peerCommand, type Allocator } from '../peer.js';
import type { Pace } from '../report.js';
import { DEVICE, within, type Room } from '../room.js';
import { Team } from '../team.js';
import { seatSchema } from './trained-run.js';
import type { PeerBatches } from './peer-batches.js';
import { optimizerOf, SEED, TRAINING, type Shape, type TrainCase } from './shapes.js';
import type { TrainingHome } from './training-home.js';

export const readySchema = z.object({
  /** Numbers that are trained. */
  parameters: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});

const ourReadySchema = readySchema.extend({ seat: seatSchema, names: z.array(z.string()) });

/** The answer to `{"steps": n}`: with the mean loss of each step, in nats. */
export const blockSchema = turnSchema.extend({
  /** The most memory that one process has had. */
  peakBytes: z.number(),
  losses: z.array(z.number()),
  /** Mean seconds of each phase of a step, of a side that measures them. */
  phases: z.record(z.string(), z.number()).optional(),
});

/** The answer to `{"store": …}`. */
export const storedSchema = z.object({ seconds: z.number(), peakBytes: z.number() });

export type Ready = z.infer<typeof readySchema>;
export type OurReady = z.infer<typeof ourReadySchema>;
export type Block = z.infer<typeof blockSchema>;
export type Stored = z.infer<typeof storedSchema>;
export type Side = Team<Ready, Block>;

/** Parameters at step 0, for a side that does not draw them itself: a file of float32, or a model in a directory. */
export type Initial =
  { readonly path: string; readonly names: readonly string[] } | { readonly directory: string };

const DEVICES = { cpu: { kind: 'cpu' }, gpu: { kind: 'gpu', index: 0 } } as const;

/** What the processes of a side compute on, and on which hosts they are, if not all on this machine. */
export interface Seating {
  readonly device?: Pace['device'];
  /** Of each rank. */
  readonly rooms?: readonly Room[];
}

/** Our trainers, linked to a ring, at step 0. */
export async function startOurs(
  home: TrainingHome,
  chosen: Omit<TrainCase, 'shape'>,
  size: number,
  { device = 'cpu', rooms }: Seating = {},
): Promise<Team<OurReady, Block>> {
  const launch = home.launch(chosen);
  const program = fileURLToPath(new URL('./train.process.js', import.meta.url));
  const ranks = await Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const room = rooms?.[rank];
      const address = room === undefined ? {} : { address: room.address };
      const settings = { home: home.root, launch, rank, size, ...address };
      const command: Command = {
        program: process.execPath,
        args: [program, JSON.stringify(settings)],
        env: trainerEnvironment({ threads: 1, device: DEVICES[device] }),
      };
      return Contestant.start(within(room, command), ourReadySchema);
    }),
  );
  const seats = ranks.map(({ ready }) => ready.seat);
  await Promise.all(ranks.map((rank) => rank.ask({ seats }, z.object({}))));
  return new Team(ranks, blockSchema);
}

/** The network of PyTorch that stands for a family: one of its own, or what reads the family's models. */
function networkOf({ model }: Shape): 'transformer' | 'model' {
  return model.architecture === 'gpt' || model.architecture === 'bert' ? 'transformer' : 'model';
}

/** The values that our side has at step 0, as the other side takes them. */
export async function initialOf(side: Team<OurReady, Block>, home: TrainingHome): Promise<Initial> {
  if (networkOf(home.shape) === 'model') return { directory: await home.writeInitialModel() };
  return parametersOf(side, home);
}

/** The parameters that our side has now, in a file of its home. */
async function parametersOf(side: Team<OurReady, Block>, home: TrainingHome): Promise<Initial> {
  const path = join(home.root, 'parameters.float32');
  const [rank] = side.ranks;
  await rank?.ask({ parametersTo: path }, z.object({}));
  return { path, names: rank?.ready.names ?? [] };
}

export interface PeerOptions extends Seating {
  readonly shape: Shape;
  readonly chosen: Omit<TrainCase, 'shape'>;
  readonly size: number;
  /** Null for values that it draws itself, as its own training would. */
  readonly initial: Initial | null;
  readonly batches: PeerBatches;
  readonly compile: boolean;
  /** Compute only the masked rows from the last attention on. */
  readonly narrow: boolean;
  readonly allocator: Allocator;
  /** Begin with the checkpoint that was stored last beside the batches. */
  readonly resume?: boolean;
}

/** PyTorch, with DistributedDataParallel over gloo where there are several ranks. */
export async function startPeer(options: PeerOptions): Promise<Side> {
  const { shape, chosen, size, initial, batches, compile, narrow, allocator } = options;
  const { device = 'cpu', rooms, resume = false } = options;
  const { model, vocabulary, lora = null } = shape;
  const { dropout, precision } = chosen;
  const directory = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  try {
    const ranks = await Promise.all(
      Array.from({ length: size }, async (_, rank) => {
        const settings = {
          rank,
          size,
          meeting: join(directory, 'meeting'),
          network: networkOf(shape),
          task: TRAINING[model.architecture].task,
          initial,
          resume,
          lora,
          batches,
          compile,
          precision,
          device: device === 'gpu' ? 'cuda' : 'cpu',
          interface: rooms === undefined ? 'lo' : DEVICE,
          model: { ...model, intermediate: 4 * model.hidden, vocabulary, dropout, narrow },
          optimizer: optimizerOf(shape),
          seed: SEED,
        };
        const command = await peerCommand('train.py', settings, { allocator });
        return Contestant.start(within(rooms?.[rank], command), readySchema);
      }),
    );
    return new Team(ranks, blockSchema);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A comparison of models of different sizes would say nothing. */
export function checkSizes(sides: Iterable<Side>): void {
  const sizes = new Set([...sides].map(({ ranks }) => ranks[0]?.ready.parameters));
  if (sizes.size !== 1) throw new Error(`the sides have ${[...sizes].join(' and ')} parameters`);
}

/**
 * Nor would one of sides that do not learn alike. From the same parameters and batches the first loss is the same but
 * for how sums are rounded, and later ones stay near; with dropout the sides drop different elements.
 * @param curves losses by side, from the first step on
 * @param learned nats that the last loss is at least below the first
 */
export function checkLosses(
  curves: ReadonlyMap<string, readonly number[]>,
  { precision, dropout }: Pick<TrainCase, 'precision' | 'dropout'>,
  learned = 0.5,
): void {
  const first = dropout > 0 ? 0.1 : precision === 'float32' ? 0.001 : 0.02;
  const later = dropout > 0 || precision === 'bfloat16' ? 0.2 : 0.1;
  const all = [...curves.values()];
  const steps = all[0]?.length ?? 0;
  for (let step = 0; step < steps; step++) {
    const losses = all.map((curve) => curve[step] ?? NaN);
    const apart = Math.max(...losses) - Math.min(...losses);
    if (!(apart < (step === 0 ? first : later)))
      throw new Error(`in step ${step + 1} the sides have losses of ${losses.join(' and ')}`);
  }
  for (const [side, curve] of curves) {
    if (!((curve.at(-1) ?? NaN) < (curve[0] ?? NaN) - learned))
      throw new Error(`${side} does not learn: ${curve.join(', ')}`);
  }
}
