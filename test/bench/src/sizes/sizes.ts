import { interleave } from '../interleave.js';
import { peerPython } from '../peer.js';
import {
  LIMITS_NOTE,
  ratesOf,
  rowOf,
  table,
  type Findings,
  type Pace,
  type Row,
} from '../report.js';
import { median } from '../statistics.js';
import {
  blockSchema,
  startOurs,
  startPeer,
  storedSchema,
  type Side,
  type Stored,
} from '../train/sides.js';
import { GPT, type Shape } from '../train/shapes.js';
import { charactersOf, TrainingHome } from '../train/training-home.js';
import type { Turn } from '../contestant.js';
import { resume, survive, type Survived } from './recovery.js';

const [OURS, PYTORCH] = ['ours', 'PyTorch'];
const WORKERS = 2;
const CHOSEN = { dropout: 0, microbatches: WORKERS, precision: 'float32' } as const;

/** Steps that the corpus has at least: a vocabulary of 8,192 tokens needs that much text. */
const LEAST_STEPS = 160;

/** GPTs under one vocabulary, of as many parameters as their names say. Heads are 64 wide. */
const sized = (layers: number, hidden: number): Shape => ({
  ...GPT,
  model: { ...GPT.model, layers, hidden, heads: hidden / 64 },
  sequences: 4,
});
const SIZES: Readonly<Record<string, Shape>> = {
  '10M': sized(4, 384),
  '50M': sized(12, 576),
  '120M': sized(16, 768),
  '360M': sized(28, 1024),
};

const STORED = ['checkpoint', 'model'] as const;

/** One life of a side: started, its first step, some more, and its end. */
interface Life extends Turn {
  /** From the start of its processes to the end of its first step, in seconds. */
  readonly firstStep: number;
  readonly firstLoss: number;
  /** The most memory that each rank has had. */
  readonly peaks: readonly number[];
  readonly parameters: number;
  readonly phases: Readonly<Record<string, number>>;
  /** What was made durable by rank 0 at the end. */
  readonly stored: Readonly<Record<(typeof STORED)[number], Stored>>;
}

/**
 * What a run costs as its model grows, beside PyTorch's DistributedDataParallel over gloo. A side lives only in its turn,
 * so that the largest model fits into memory, and draws its initial values itself.
 */
export async function sizes(pace: Pace): Promise<Findings> {
  await peerPython('torch');
  const names = Object.keys(SIZES).filter((name) => pace.only?.includes(name) ?? true);
  const rows: Row[] = [];
  const lives: string[][] = [];
  const stored: string[][] = [];
  const survived: string[][] = [];
  const phases: string[][] = [];
  for (const name of names) {
    const shape = SIZES[name];
    if (shape === undefined) continue;
    const { found, recoveries } = await compare(name, shape, pace);
    const [ours, peer] = [found.get(OURS) ?? [], found.get(PYTORCH) ?? []];
    const tokens = pace.steps * shape.sequences * shape.model.context;
    rows.push(rowOf(`${name}: step`, 'tokens/s', ratesOf(ours, tokens), ratesOf(peer, tokens)));
    lives.push(lifeRow(name, OURS, ours), lifeRow(name, PYTORCH, peer));
    stored.push(storedRow(name, OURS, ours), storedRow(name, PYTORCH, peer));
    for (const [side, { seconds, beyond }] of recoveries)
      survived.push([name, side, seconds.toFixed(1), beyond.toFixed(2)]);
    for (const [phase, seconds] of Object.entries(ours.at(-1)?.phases ?? {}))
      phases.push([name, phase, (1000 * seconds).toFixed(1)]);
  }
  return {
    benchmark: 'sizes',
    versions: { node: process.versions.node },
    rows,
    notes: [
      `GPTs in float32 on ${WORKERS} workers of one thread each, ${GPT.model.context} tokens of context, a microbatch of two sequences a ` +
        `worker, AdamW, clip 1; ${pace.rounds} rounds, in each of which a side is started, makes its first step and ${pace.steps} ` +
        `more, and ends. PyTorch as in \`train\`, with its batches in memory beforehand.`,
      LIMITS_NOTE,
      '## First step and memory',
      'Seconds from the start of the processes to the end of the first step (of ours: two passes, since exponents are ' +
        'measured by the first), and the most memory of each rank: medians over the rounds.',
      table(
        ['model', 'side', 'parameters', 'first step, s', 'MB of each rank', 'bytes a parameter'],
        lives,
      ),
      '## Checkpoint and export',
      'Seconds of rank 0 until each is on the disk, and the most memory that it has had then: medians over the rounds. Of ours, a ' +
        'checkpoint is hashed and written by a thread beside the steps, and an export is judged on the test split, hashed and ' +
        'written with tokenizer and configuration; of PyTorch, `torch.save` of model and optimizer, and `safetensors` of the model.',
      table(['model', 'side', 'checkpoint, s', 'export, s', 'MB of rank 0'], stored),
      '## Recovery',
      'Seconds until the first step after one of two ranks was killed, once. Of ours, as seen from outside: the other worker goes on with ' +
        'the state that it has. Of PyTorch, whose ranks all end then: from the start of a process that takes the newest checkpoint, ' +
        'without the steps that were made since.',
      table(['model', 'side', 'first step, s', 'beyond that step, s'], survived),
      '## Phases',
      'Where the time of a step of ours goes, in ms, at rank 0 in the last round.',
      table(['model', 'phase', 'ms'], phases),
    ],
  };
}

async function compare(
  name: string,
  shape: Shape,
  { rounds, steps }: Pace,
): Promise<{
  readonly found: ReadonlyMap<string, readonly Life[]>;
  readonly recoveries: ReadonlyMap<string, Survived>;
}> {
  const made = Math.max(1 + steps, 2);
  const enough = Math.max(LEAST_STEPS, made);
  const home = await TrainingHome.create(shape, enough);
  try {
    const batches = await home.writeBatches(made, WORKERS);
    const peer = {
      shape,
      chosen: CHOSEN,
      initial: null,
      batches,
      compile: false,
      narrow: false,
      allocator: 'keeps memory',
    } as const;
    const starts = new Map<string, () => Promise<Side>>([
      [OURS, () => startOurs(home, CHOSEN, WORKERS)],
      [PYTORCH, () => startPeer({ ...peer, size: WORKERS })],
    ]);
    const turns = new Map([...starts].map(([side, start]) => [side, () => live(start, steps)]));
    const found = await interleave(turns, rounds);
    checkAlike(name, [...found.values()].flat());
    const recoveries = new Map([
      [OURS, await survive(shape, charactersOf(shape, enough))],
      [PYTORCH, await resume(() => startPeer({ ...peer, size: 1, resume: true }))],
    ]);
    return { found, recoveries };
  } finally {
    await home.remove();
  }
}

async function live(start: () => Promise<Side>, steps: number): Promise<Life> {
  const started = performance.now();
  const side = await start();
  try {
    const first = await side.takeTurn({ steps: 1 });
    const firstStep = (performance.now() - started) / 1000;
    const blocks = await Promise.all(side.ranks.map((rank) => rank.ask({ steps }, blockSchema)));
    const [writer] = side.ranks;
    if (writer === undefined) throw new Error('there is nobody to write');
    const checkpoint = await writer.ask({ store: 'checkpoint' }, storedSchema);
    const model = await writer.ask({ store: 'model' }, storedSchema);
    return {
      seconds: Math.max(...blocks.map(({ seconds }) => seconds)),
      processorSeconds: blocks.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0),
      firstStep,
      firstLoss: first.losses[0] ?? NaN,
      peaks: blocks.map(({ peakBytes }) => peakBytes),
      parameters: side.ranks[0]?.ready.parameters ?? 0,
      phases: blocks[0]?.phases ?? {},
      stored: { checkpoint, model },
    };
  } finally {
    await side.end();
  }
}

/** A comparison of other models, or of one that does not compute what it should, would say nothing. */
function checkAlike(name: string, lives: readonly Life[]): void {
  const numbers = new Set(lives.map(({ parameters }) => parameters));
  if (numbers.size !== 1)
    throw new Error(`${name}: the sides have ${[...numbers].join(' and ')} parameters`);
  const losses = lives.map(({ firstLoss }) => firstLoss);
  if (!(Math.max(...losses) - Math.min(...losses) < 0.3))
    throw new Error(`${name}: the first losses are ${losses.join(', ')}`);
}

function lifeRow(name: string, side: string, lives: readonly Life[]): string[] {
  const peaks = (lives[0]?.peaks ?? []).map((_, rank) =>
    median(lives.map((life) => life.peaks[rank] ?? NaN)),
  );
  const parameters = lives[0]?.parameters ?? NaN;
  return [
    name,
    side,
    parameters.toLocaleString('en'),
    median(lives.map(({ firstStep }) => firstStep)).toFixed(1),
    peaks.map((bytes) => (bytes / 1e6).toFixed(0)).join(', '),
    (Math.max(...peaks) / parameters).toFixed(1),
  ];
}

function storedRow(name: string, side: string, lives: readonly Life[]): string[] {
  const middle = (of: (life: Life) => number, digits: number) =>
    median(lives.map(of)).toFixed(digits);
  return [
    name,
    side,
    ...STORED.map((what) => middle(({ stored }) => stored[what].seconds, 2)),
    middle(({ stored }) => stored.model.peakBytes / 1e6, 0),
  ];
}
