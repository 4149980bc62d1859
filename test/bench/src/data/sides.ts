import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Contestant, turnSchema, type Command } from '../contestant.js';
import { interleave } from '../interleave.js';
import { table } from '../report.js';
import { median } from '../statistics.js';

const readySchema = z.object({ versions: z.record(z.string(), z.string()) });

/** The answer to `{"directory": path}`. */
const dataTurnSchema = turnSchema.extend({
  documents: z.int().positive(),
  tokens: z.int().positive(),
  /** Seconds by stage. */
  stages: z.record(z.string(), z.number()),
  /** Processor seconds by stage; null where they are not told apart. */
  processorStages: z.record(z.string(), z.number()).nullable().default(null),
});

export type DataReady = z.infer<typeof readySchema>;
export type DataTurn = z.infer<typeof dataTurnSchema>;

/** How far apart what the sides make may be: each has its own reader of mails and of HTML. */
const APART = { documents: 0.01, tokens: 0.05 };

/** What both sides are started with. */
interface Sides {
  /** What ours prepares: a request. */
  readonly ours: object;
  readonly peer: Command;
}

/** Turns of ours and of Python, each of which writes into a directory of its own that is removed behind it. */
export async function compareSides(
  root: string,
  rounds: number,
  { ours: request, peer: command }: Sides,
): Promise<{
  readonly turns: ReadonlyMap<string, readonly DataTurn[]>;
  readonly versions: Readonly<Record<string, string>>;
}> {
  const contestants: Contestant<DataReady>[] = [];
  const start = async (how: Command) => {
    const contestant = await Contestant.start(how, readySchema);
    contestants.push(contestant);
    return contestant;
  };
  const turn = (side: Contestant<DataReady>) => async () => {
    const directory = await mkdtemp(join(root, 'turn-'));
    const taken = await side.ask({ directory }, dataTurnSchema);
    await rm(directory, { recursive: true });
    return taken;
  };
  try {
    const program = fileURLToPath(new URL('./data.process.js', import.meta.url));
    const args = [program, JSON.stringify(request)];
    const ours = await start({ program: process.execPath, args, env: process.env });
    const peer = await start(command);
    const sides = new Map([
      ['ours', turn(ours)],
      ['Python', turn(peer)],
    ]);
    // The first round compiles what it runs and fills the page cache, and is not counted.
    await interleave(sides, 1);
    const turns = await interleave(sides, rounds);
    checkAlike(turns);
    return { turns, versions: { ...ours.ready.versions, ...peer.ready.versions } };
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}

/** A comparison of sides that make different shards would say nothing. */
function checkAlike(turns: ReadonlyMap<string, readonly DataTurn[]>): void {
  for (const what of ['documents', 'tokens'] as const) {
    const counts = [...turns.values()].flat().map((turn) => turn[what]);
    if (Math.min(...counts) < (1 - APART[what]) * Math.max(...counts))
      throw new Error(`the sides make ${[...new Set(counts)].join(' and ')} ${what}`);
  }
}

/** What the sides made and what it took, as a table and paragraphs. */
export function describeTurns(turns: ReadonlyMap<string, readonly DataTurn[]>): string[] {
  return [
    table(
      ['side', 'documents kept', 'tokens', 'seconds', 'processor seconds'],
      [...turns].map(([side, taken]) => describe(side, taken)),
    ),
    ...[...turns].map(([side, taken]) => `Seconds by stage, ${side}: ${stagesOf(taken)}.`),
  ];
}

function describe(side: string, turns: readonly DataTurn[]): string[] {
  const [first] = turns;
  const middle = (of: 'seconds' | 'processorSeconds') =>
    median(turns.map((turn) => turn[of])).toFixed(2);
  return [
    side,
    ...[first?.documents, first?.tokens].map((count) => (count ?? 0).toLocaleString('en')),
    middle('seconds'),
    middle('processorSeconds'),
  ];
}

/** Medians over the rounds. */
function stagesOf(turns: readonly DataTurn[]): string {
  return Object.keys(turns[0]?.stages ?? {})
    .map((stage) => {
      const seconds = median(turns.map(({ stages }) => stages[stage] ?? 0));
      return `${stage} ${seconds.toFixed(2)}`;
    })
    .join(', ');
}
