import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '@ringmaster/model';
import { z } from 'zod';
import { Contestant, turnSchema, type Command } from './contestant.js';
import { interleave } from './interleave.js';
import { peerCommand } from './peer.js';
import { ratesOf, rowOf, table, type Findings, type Pace, type Row } from './report.js';
import { OPTIMIZER, SEED, TrainingHome, type Shape, type TrainCase } from './training-home.js';

export const readySchema = z.object({
  parameters: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});

/** The answer to `{"steps": n}`: with the mean loss of each step, in nats. */
export const blockSchema = turnSchema.extend({ losses: z.array(z.number()) });

export type Ready = z.infer<typeof readySchema>;
export type Block = z.infer<typeof blockSchema>;

/** 5.29 million parameters. */
export const GPT: Shape = {
  layers: 4,
  hidden: 256,
  heads: 4,
  context: 128,
  vocabulary: 8192,
  sequences: 16,
};

/** Steps that nobody is timed on: memory is first touched and the first exponents are measured. */
export const WARM_UP_STEPS = 3;

const DROPOUTS = [0, 0.1];

/** Sides by what they are called in the report, and how many microbatches they make of a step. */
const OURS = { 'ours, 1 × 16': 1, 'ours, 2 × 8': 2 };
const PEERS = {
  'PyTorch, 1 × 16': { microbatches: 1, compile: false, allocator: 'keeps memory' },
  'PyTorch, 2 × 8': { microbatches: 2, compile: false, allocator: 'keeps memory' },
  'PyTorch compiled, 1 × 16': { microbatches: 1, compile: true, allocator: 'keeps memory' },
  'PyTorch as installed, 1 × 16': { microbatches: 1, compile: false, allocator: 'as installed' },
} as const;

const PAIRS = [
  ['ours, 1 × 16', 'PyTorch, 1 × 16'],
  ['ours, 2 × 8', 'PyTorch, 2 × 8'],
  ['ours, 1 × 16', 'PyTorch compiled, 1 × 16'],
  ['ours, 1 × 16', 'PyTorch as installed, 1 × 16'],
] as const;

type Side = keyof typeof OURS | keyof typeof PEERS;
type Contestants = ReadonlyMap<Side, Contestant<Ready>>;

/** One process and one thread a side: training steps of a GPT with TensorFlow here and PyTorch there. */
export async function train(pace: Pace): Promise<Findings> {
  const steps = WARM_UP_STEPS + pace.rounds * pace.steps;
  const tokens = pace.steps * GPT.sequences * GPT.context;
  const home = await TrainingHome.create(GPT, steps);
  const rows: Row[] = [];
  const losses: string[][] = [];
  const versions: Record<string, string> = {};
  try {
    const batches = { path: await home.writeBatches(steps), steps };
    for (const dropout of DROPOUTS) {
      const contestants = new Map<Side, Contestant<Ready>>();
      try {
        for (const [side, command] of await commands(home, dropout, batches))
          contestants.set(side, await Contestant.start(command, readySchema));
        checkSizes(contestants);
        for (const { ready } of contestants.values()) Object.assign(versions, ready.versions);
        const warmUp = await firstLosses(contestants);
        const results = await interleave(turns(contestants, pace.steps), pace.rounds);
        for (const [ours, peer] of PAIRS) {
          const name = `dropout ${dropout}: ${ours}; ${peer}`;
          const rates = (side: Side) => ratesOf(results.get(side), tokens);
          rows.push(rowOf(name, 'tokens/s', rates(ours), rates(peer)));
        }
        losses.push(...checkLosses(warmUp, results, dropout));
      } finally {
        await Promise.all([...contestants.values()].map((contestant) => contestant.end()));
      }
    }
  } finally {
    await home.remove();
  }
  const { layers, hidden, heads, context, vocabulary, sequences } = GPT;
  return {
    benchmark: 'train',
    versions,
    rows,
    notes: [
      `GPT with ${layers} layers, hidden ${hidden}, ${heads} heads, context ${context}, vocabulary ${vocabulary}, tied ` +
        `embeddings (5.29 million parameters), float32, AdamW, clip 1. A step has ${sequences} sequences, in 1 or 2 ` +
        `microbatches. One process and one thread a side, ${pace.rounds} rounds of ${pace.steps} steps a side in ` +
        `turns; rates and ratios are medians over the rounds. A ratio above 1 says that ours is faster. Both sides see ` +
        `the same batches. PyTorch has fused AdamW, \`scaled_dot_product_attention\` and allocator settings that keep ` +
        `freed memory in the process, which make it faster; "as installed" is without those. Compiled is ` +
        `\`torch.compile\` with its defaults, its compilation left out of the time. Ours is the whole step ` +
        `of a trainer: gradients are quantised into the int32 arena, checked and turned back.`,
      table(['side', 'dropout', 'loss of step 1', `loss of step ${steps}`], losses),
    ],
  };
}

/** How our side is started. */
export function trainerCommand(home: TrainingHome, chosen: Omit<TrainCase, 'shape'>): Command {
  const settings = { home: home.root, launch: home.launch(chosen) };
  return {
    program: process.execPath,
    args: [fileURLToPath(new URL('./train.process.js', import.meta.url)), JSON.stringify(settings)],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  };
}

async function commands(
  home: TrainingHome,
  dropout: number,
  batches: { path: string; steps: number },
): Promise<[Side, Command][]> {
  const { sequences, ...sizes } = GPT;
  const ours = Object.entries(OURS).map(([side, microbatches]): [Side, Command] => [
    side as Side,
    trainerCommand(home, { dropout, microbatches }),
  ]);
  const peers = Object.entries(PEERS).map(
    async ([side, { microbatches, compile, allocator }]): Promise<[Side, Command]> => [
      side as Side,
      await peerCommand(
        'train.py',
        {
          model: { ...sizes, intermediate: 4 * GPT.hidden, dropout },
          optimizer: OPTIMIZER,
          batch: { sequences, microbatches },
          seed: SEED,
          batches,
          compile,
        },
        allocator,
      ),
    ],
  );
  return [...ours, ...(await Promise.all(peers))];
}

/** Lets every side warm up, and returns the loss of its first step. */
async function firstLosses(contestants: Contestants): Promise<Map<Side, number>> {
  const found = new Map<Side, number>();
  for (const [side, contestant] of contestants) {
    const { losses } = await contestant.ask({ steps: WARM_UP_STEPS }, blockSchema);
    found.set(side, losses[0] ?? NaN);
  }
  return found;
}

function turns(contestants: Contestants, steps: number): Map<Side, () => Promise<Block>> {
  return new Map(
    [...contestants].map(([side, contestant]) => [
      side,
      () => contestant.ask({ steps }, blockSchema),
    ]),
  );
}

/** A comparison of models of different sizes would say nothing. */
function checkSizes(contestants: Contestants): void {
  const sizes = new Set([...contestants.values()].map(({ ready }) => ready.parameters));
  if (sizes.size !== 1) throw new Error(`the sides have ${[...sizes].join(' and ')} parameters`);
}

/** Nor would one of a side that does not learn: all begin near ln V, and fall alike on the same batches. */
function checkLosses(
  firsts: ReadonlyMap<Side, number>,
  results: ReadonlyMap<Side, readonly Block[]>,
  dropout: number,
): string[][] {
  const uniform = Math.log(GPT.vocabulary);
  const ends = [...firsts].map(([side, first]) => {
    const last = results.get(side)?.at(-1)?.losses.at(-1) ?? NaN;
    if (!(Math.abs(first - uniform) < 0.25))
      throw new Error(`${side} begins at a loss of ${first}, not near ${uniform.toFixed(2)}`);
    return { side, first, last };
  });
  const lasts = ends.map(({ last }) => last);
  const [least, most] = [Math.min(...lasts), Math.max(...lasts)];
  if (!(most < uniform && most - least < 0.25))
    throw new Error(`the sides end at losses from ${least} to ${most}`);
  return ends.map(({ side, first, last }) => [
    side,
    String(dropout),
    first.toFixed(3),
    last.toFixed(3),
  ]);
}
