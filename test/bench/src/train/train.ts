import { interleave } from '../interleave.js';
import { peerPython } from '../peer.js';
import type { Pace, Findings, Row } from '../report.js';
import { LIMITS_NOTE, ratesOf, rowOf, table } from '../report.js';
import { median } from '../statistics.js';
import {
  checkLosses,
  checkSizes,
  parametersOf,
  startOurs,
  startPeer,
  type Block,
  type PeerOptions,
  type Side,
} from './sides.js';
import { BERT, GPT, GPT2, TrainingHome, type Shape, type TrainCase } from './training-home.js';

/** Steps that nobody is timed on: memory is first touched and the first exponents are measured. */
export const WARM_UP_STEPS = 3;

const OURS = 'ours';
const PYTORCH = { compile: false, narrow: false, allocator: 'keeps memory' } as const;
const PEERS: Readonly<Record<string, Pick<PeerOptions, 'compile' | 'narrow' | 'allocator'>>> = {
  PyTorch: PYTORCH,
  'PyTorch as installed': { ...PYTORCH, allocator: 'as installed' },
  'PyTorch compiled': { ...PYTORCH, compile: true },
  'PyTorch narrowed': { ...PYTORCH, narrow: true },
};

/** On a graphics card neither the allocator of the host nor rows that are left out make a difference that is looked for. */
const CARD_PEERS = { PyTorch: PYTORCH };

interface Case extends Omit<TrainCase, 'microbatches'> {
  /** Each has one thread and computes one microbatch. */
  readonly workers: number;
  /** What it is made for, where it is not the processor. */
  readonly device?: 'gpu';
}

const CASES: Readonly<Record<string, Case>> = {
  'gpt-float32': { shape: GPT, precision: 'float32', workers: 2, dropout: 0 },
  'gpt-bfloat16': { shape: GPT, precision: 'bfloat16', workers: 2, dropout: 0 },
  'bert-float32': { shape: BERT, precision: 'float32', workers: 2, dropout: 0 },
  'bert-bfloat16': { shape: BERT, precision: 'bfloat16', workers: 2, dropout: 0 },
  'alone-gpt-float32': { shape: GPT, precision: 'float32', workers: 1, dropout: 0 },
  'card-gpt-float32': { shape: GPT, precision: 'float32', workers: 1, dropout: 0, device: 'gpu' },
  'card-gpt2-float32': { shape: GPT2, precision: 'float32', workers: 1, dropout: 0, device: 'gpu' },
  'card-gpt2-bfloat16': {
    shape: GPT2,
    precision: 'bfloat16',
    workers: 1,
    dropout: 0,
    device: 'gpu',
  },
  'alone-gpt-dropout': { shape: GPT, precision: 'float32', workers: 1, dropout: 0.1 },
};

/** Trainers and their ring beside processes of PyTorch and their gloo. */
export async function train(pace: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is prepared, which takes minutes.
  await peerPython('torch');
  const names = Object.entries(CASES)
    .filter(([name, found]) => pace.only?.includes(name) ?? (found.device ?? 'cpu') === pace.device)
    .map(([name]) => name);
  const rows: Row[] = [];
  const memory: string[][] = [];
  const losses: string[][] = [];
  const phases: string[][] = [];
  const versions: Record<string, string> = {};
  for (const name of names) {
    const found = await compare(name, pace, versions);
    rows.push(...found.rows);
    memory.push(...found.memory);
    losses.push(...found.losses);
    phases.push(...found.phases);
  }
  return {
    benchmark: 'train',
    versions,
    rows,
    notes: [
      `Two workers of one thread each; one where the case is called alone. GPT: ${describe(GPT)}. BERT, as a masked ` +
        `language model whose logits are computed at the masked positions on both sides: ${describe(BERT)}. A step has ` +
        `${GPT.sequences} sequences, a microbatch a worker; AdamW, clip 1. ${pace.rounds} rounds of ${pace.steps} steps ` +
        `a side in turns; rates and ratios are medians over the rounds.`,
      `Ours is the whole step of trainers: batches are made, gradients quantised, summed in the ring, checked and ` +
        `applied. PyTorch has DistributedDataParallel over gloo with \`gradient_as_bucket_view\` and \`static_graph\`, ` +
        `fused AdamW, \`scaled_dot_product_attention\`, its batches in memory beforehand, and allocator settings that ` +
        `keep freed memory in the process, which make it faster; "as installed" is without those. bfloat16 is ` +
        `\`precision: bfloat16\` here and \`torch.autocast\` there. Compiled is \`torch.compile\` with its defaults; its ` +
        `compilation is left out of the time.`,
      `From the last attention of BERT on, ours computes only the masked rows, as no other has an effect on the loss; the ` +
        `gradients are the same. A model in PyTorch usually computes all of them. "Narrowed" is one that was rewritten to ` +
        `leave them out as well.`,
      LIMITS_NOTE,
      '## Memory',
      'The most that one process has had, in MB.',
      table(['case', 'side', 'MB'], memory),
      '## Phases',
      'Where the time of a step of ours goes, in ms: median over the rounds, rank 0.',
      table(['case', 'phase', 'ms'], phases),
      '## Losses',
      'Both sides begin with the same parameters and see the same batches. Words of the text are drawn one by one, so that ' +
        'the loss soon rests on the entropy of their frequencies: that the last losses are equal says less than that ' +
        'those on the way are near.',
      table(['case', 'side', 'step 1', 'last step', 'farthest from ours in a step'], losses),
    ],
  };
}

async function compare(name: string, pace: Pace, versions: Record<string, string>) {
  const found = CASES[name];
  if (found === undefined) throw new Error(`there is no case ${name}`);
  const { shape, precision, workers, dropout } = found;
  const steps = WARM_UP_STEPS + pace.rounds * pace.steps;
  const tokens = pace.steps * shape.sequences * shape.context;
  const home = await TrainingHome.create(shape, steps);
  const sides = new Map<string, Side>();
  try {
    const batches = { path: await home.writeBatches(steps), steps };
    const chosen = { dropout, microbatches: workers, precision };
    const ours = await startOurs(home, chosen, workers, { device: pace.device });
    sides.set(OURS, ours);
    const initial = await parametersOf(ours, home);
    const peers = Object.entries(pace.device === 'gpu' ? CARD_PEERS : PEERS).filter(
      ([, { narrow }]) => !narrow || shape.architecture === 'bert',
    );
    for (const [peer, options] of peers) {
      const settings = {
        shape,
        chosen,
        size: workers,
        initial,
        batches,
        device: pace.device,
        ...options,
      };
      sides.set(peer, await startPeer(settings));
    }
    checkSizes(sides.values());
    for (const { ranks } of sides.values()) Object.assign(versions, ranks[0]?.ready.versions);
    const curves = new Map<string, number[]>();
    for (const [each, team] of sides)
      curves.set(each, [...(await team.takeTurn({ steps: WARM_UP_STEPS })).losses]);
    const turns = new Map(
      [...sides].map(([each, team]) => [each, () => team.takeTurn({ steps: pace.steps })]),
    );
    const results = await interleave(turns, pace.rounds);
    for (const [each, blocks] of results)
      curves.get(each)?.push(...blocks.flatMap((block) => block.losses));
    checkLosses(curves, chosen);
    const rates = (each: string) => ratesOf(results.get(each), tokens);
    return {
      rows: peers.map(([peer]) => rowOf(`${name}: ${peer}`, 'tokens/s', rates(OURS), rates(peer))),
      memory: [...results].map(([each, blocks]) => [name, each, megabytes(blocks)]),
      losses: [...curves].map(([each, curve]) => [
        name,
        each,
        (curve[0] ?? NaN).toFixed(4),
        (curve.at(-1) ?? NaN).toFixed(4),
        farthestApart(curve, curves.get(OURS) ?? []),
      ]),
      phases: phasesOf(results.get(OURS) ?? []).map((row) => [name, ...row]),
    };
  } finally {
    await Promise.all([...sides.values()].map((team) => team.end()));
    await home.remove();
  }
}

/** Name and median milliseconds of each phase. */
function phasesOf(blocks: readonly Block[]): string[][] {
  const names = Object.keys(blocks[0]?.phases ?? {});
  return names.map((name) => {
    const seconds = median(blocks.map(({ phases }) => phases?.[name] ?? 0));
    return [name, (1000 * seconds).toFixed(1)];
  });
}

function farthestApart(curve: readonly number[], ours: readonly number[]): string {
  return Math.max(...curve.map((loss, step) => Math.abs(loss - (ours[step] ?? NaN)))).toFixed(4);
}

function megabytes(blocks: readonly Block[]): string {
  return (Math.max(...blocks.map(({ peakBytes }) => peakBytes)) / 1e6).toFixed(0);
}

function describe({ layers, hidden, heads, context, vocabulary }: Shape): string {
  return `${layers} layers, hidden ${hidden}, ${heads} heads, context ${context}, vocabulary ${vocabulary}`;
}
