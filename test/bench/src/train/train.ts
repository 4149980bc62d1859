import { interleave } from '../interleave.js';
import { peerPython } from '../peer.js';
import type { Pace, Findings, Row } from '../report.js';
import { LIMITS_NOTE, ratesOf, rowOf, table } from '../report.js';
import { median } from '../statistics.js';
import {
  checkLosses,
  checkSizes,
  initialOf,
  startOurs,
  startPeer,
  type Block,
  type Side,
} from './sides.js';
import { CASES, caseOf, peersOf } from './cases.js';
import { describe, TRAINING } from './shapes.js';
import { TrainingHome } from './training-home.js';

/** Steps that nobody is timed on: memory is first touched and the first exponents are measured. */
export const WARM_UP_STEPS = 3;

const OURS = 'ours';

/** Trainers and their ring beside processes of PyTorch and their gloo. */
export async function train(pace: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is prepared, which takes minutes.
  await peerPython('torch');
  const names =
    pace.only ??
    Object.keys(CASES).filter((name) => (caseOf(name).device ?? 'cpu') === pace.device);
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
      `Two workers of one thread each; one where the case is called alone. A microbatch a worker; AdamW, clip 1. ` +
        `${pace.rounds} rounds of ${pace.steps} steps a side in turns; rates and ratios are medians over the rounds.`,
      table(
        ['case', 'shape and sequences a step'],
        names.map((name) => [name, describe(caseOf(name).shape)]),
      ),
      `Ours is the whole step of trainers: batches are made, gradients quantised, summed in the ring, checked and ` +
        `applied. PyTorch has DistributedDataParallel over gloo with \`gradient_as_bucket_view\` and \`static_graph\`, ` +
        `fused AdamW, \`scaled_dot_product_attention\`, its batches in memory beforehand, and allocator settings that ` +
        `keep freed memory in the process, which make it faster; "as installed" is without those. bfloat16 is ` +
        `\`precision: bfloat16\` here and \`torch.autocast\` there. Compiled is \`torch.compile\` with its defaults; its ` +
        `compilation is left out of the time. LLaMA and T5 are the classes of \`transformers\` with its \`sdpa\` attention, ` +
        `adapters PEFT's, LSTM and CNN plain modules (\`nn.LSTM\` over packed sequences, \`conv1d\` over the whole batch).`,
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
  const found = caseOf(name);
  const { shape, precision, workers, dropout } = found;
  const steps = WARM_UP_STEPS + pace.rounds * pace.steps;
  const ofTexts = TRAINING[shape.model.architecture].corpus === 'lines';
  const amount = pace.steps * shape.sequences * (ofTexts ? shape.model.context : 1);
  const home = await TrainingHome.create(shape, steps);
  const sides = new Map<string, Side>();
  try {
    const batches = await home.writeBatches(steps, workers);
    const chosen = { dropout, microbatches: workers, precision };
    const ours = await startOurs(home, chosen, workers, { device: pace.device });
    sides.set(OURS, ours);
    const initial = await initialOf(ours, home);
    const peers = Object.entries(peersOf(found));
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
    checkLosses(curves, chosen, found.learned);
    const rates = (each: string) => ratesOf(results.get(each), amount);
    return {
      rows: peers.map(([peer]) =>
        rowOf(`${name}: ${peer}`, ofTexts ? 'tokens/s' : 'sequences/s', rates(OURS), rates(peer)),
      ),
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
