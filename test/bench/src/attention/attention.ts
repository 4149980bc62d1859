import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { Contestant, turnSchema, type Command } from '../contestant.js';
import { interleave } from '../interleave.js';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, table, type Findings, type Pace, type Row } from '../report.js';
import { fitLine, median } from '../statistics.js';
import type { AttentionSettings } from './settings.js';

const [OURS, PYTORCH] = ['ours', 'PyTorch'];
const LENGTHS = [512, 1024, 2048, 4096, 8192];
const HEADS = 8;
const DEPTH = 64;

type Variant = Omit<AttentionSettings, 'length' | 'heads' | 'depth'>;

const MASKS: Readonly<Record<string, Omit<Variant, 'precision'>>> = {
  causal: { causal: true, dropout: 0 },
  full: { causal: false, dropout: 0 },
  'causal-dropout': { causal: true, dropout: 0.1 },
  'full-dropout': { causal: false, dropout: 0.1 },
};
const VARIANTS: Readonly<Record<string, Variant>> = Object.fromEntries(
  (['float32', 'bfloat16'] as const).flatMap((precision) =>
    Object.entries(MASKS).map(([mask, how]) => [`${mask}-${precision}`, { ...how, precision }]),
  ),
);

/** How far mean magnitudes may be apart, as a share, without dropout and with. */
const APART = { float32: 1e-3, bfloat16: 1e-2, dropped: 0.1 };

const readySchema = z.object({ versions: z.record(z.string(), z.string()) });
const attentionTurnSchema = turnSchema.extend({
  /** The most memory that the process has had. */
  peakBytes: z.number().positive(),
  /** Mean magnitudes of what is read, and of the gradients of queries, keys and values. */
  means: z.array(z.number().positive()),
});

export type AttentionReady = z.infer<typeof readySchema>;
export type AttentionTurn = z.infer<typeof attentionTurnSchema>;

/**
 * Forward and backward of attention by the length of the context, on one thread, beside
 * `scaled_dot_product_attention`: time, and the memory of a process that does nothing else.
 */
export async function attention(pace: Pace): Promise<Findings> {
  await peerPython('torch');
  const names = pace.only ?? Object.keys(VARIANTS);
  const rows: Row[] = [];
  const memory: string[][] = [];
  const versions: Record<string, string> = {};
  for (const name of names) {
    const variant = VARIANTS[name];
    if (variant === undefined) throw new Error(`there is no case ${name}`);
    const peaks = new Map<string, number[]>([OURS, PYTORCH].map((side) => [side, []]));
    for (const length of LENGTHS) {
      const settings = { length, heads: HEADS, depth: DEPTH, ...variant };
      const found = await compare(settings, pace, versions);
      checkAlike(settings, [...found.values()].flat());
      const rates = (side: string) => ratesOf(found.get(side), pace.steps * length);
      rows.push(rowOf(`${name}, ${length}`, 'tokens/s', rates(OURS), rates(PYTORCH)));
      for (const [side, turns] of found)
        peaks.get(side)?.push(median(turns.map(({ peakBytes }) => peakBytes)));
    }
    for (const [side, bytes] of peaks) memory.push([name, side, ...memoryOf(bytes)]);
  }
  return {
    benchmark: 'attention',
    versions,
    rows,
    notes: [
      `Forward and backward of attention between projections, of one sequence with ${HEADS} heads of ${DEPTH}, on one ` +
        `thread; ${pace.rounds} rounds, in each of which a side is started, makes one pass that is not timed and ` +
        `${pace.steps} more. PyTorch is \`scaled_dot_product_attention\`, as it chooses its kernel.`,
      '## Memory',
      'The most that a process has had, in MB, by length; the line through these, in MB and bytes a token, and how far the ' +
        'farthest is from the line, as a share of what the longest takes beyond the shortest.',
      table(['case', 'side', ...LENGTHS.map(String), 'line', 'farthest'], memory),
    ],
  };
}

async function compare(
  settings: AttentionSettings,
  { rounds, steps }: Pace,
  versions: Record<string, string>,
): Promise<Map<string, readonly AttentionTurn[]>> {
  const ours: Command = {
    program: process.execPath,
    args: [
      fileURLToPath(new URL('./attention.process.js', import.meta.url)),
      JSON.stringify(settings),
    ],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  };
  const peer = await peerCommand('attention.py', settings, { allocator: 'keeps memory' });
  const live = async (command: Command): Promise<AttentionTurn> => {
    const side = await Contestant.start(command, readySchema);
    try {
      Object.assign(versions, side.ready.versions);
      await side.ask({ steps: 1 }, attentionTurnSchema);
      return await side.ask({ steps }, attentionTurnSchema);
    } finally {
      await side.end();
    }
  };
  const turns = new Map([
    [OURS, () => live(ours)],
    [PYTORCH, () => live(peer)],
  ]);
  return interleave(turns, rounds);
}

/** A comparison of sides that do not compute the same would say nothing. */
function checkAlike(settings: AttentionSettings, turns: readonly AttentionTurn[]): void {
  const { length, dropout, precision } = settings;
  const limit = dropout === 0 ? APART[precision] : APART.dropped;
  const [first] = turns;
  for (const { means } of turns)
    for (const [at, mean] of means.entries()) {
      const other = first?.means[at] ?? NaN;
      if (!(Math.abs(mean - other) <= limit * other))
        throw new Error(`at length ${length} the sides have mean magnitudes ${mean} and ${other}`);
    }
}

function memoryOf(bytes: readonly number[]): string[] {
  const { intercept, slope, farthest } = fitLine(LENGTHS, bytes);
  const range = Math.max(...bytes) - Math.min(...bytes);
  return [
    ...bytes.map((each) => (each / 1e6).toFixed(0)),
    `${(intercept / 1e6).toFixed(0)} MB + ${slope.toFixed(0)} B`,
    `${((100 * farthest) / range).toFixed(1)} %`,
  ];
}
