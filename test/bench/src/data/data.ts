import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlobStore, openSpamAssassin, prepareData } from '@ringmaster/data';
import { z } from 'zod';
import { Contestant, turnSchema } from '../contestant.js';
import { interleave } from '../interleave.js';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';

export const readySchema = z.object({ versions: z.record(z.string(), z.string()) });

/** The answer to `{"directory": path}`. */
export const dataTurnSchema = turnSchema.extend({
  documents: z.int().positive(),
  tokens: z.int().positive(),
  /** Seconds by stage. */
  stages: z.record(z.string(), z.number()),
});

export type DataReady = z.infer<typeof readySchema>;
export type DataTurn = z.infer<typeof dataTurnSchema>;

/** How far apart what the sides make may be: each has its own reader of mails and of HTML. */
const APART = { documents: 0.01, tokens: 0.05 };

/**
 * Mails to token shards, beside Python's datasets and tokenizers: the same mails, cleaning rules, MinHash bands and
 * `tokenizer.json`, which is trained beforehand.
 */
export async function data({ rounds }: Pace): Promise<Findings> {
  // What it is compared with is looked for before anything is prepared, which takes minutes.
  await peerPython('data');
  const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  const contestants: Contestant<DataReady>[] = [];
  try {
    const tokenizer = await trainedTokenizer(root);
    const { files } = await openSpamAssassin();
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    const folders = [...new Set(files.map(({ path }) => dirname(path)))];
    const program = fileURLToPath(new URL('./data.process.js', import.meta.url));
    const ours = await Contestant.start(
      {
        program: process.execPath,
        args: [
          program,
          JSON.stringify({ data: { corpus: 'spam-assassin' }, tokenizerFile: tokenizer }),
        ],
        env: process.env,
      },
      readySchema,
    );
    contestants.push(ours);
    const peer = await Contestant.start(
      await peerCommand('data.py', { tokenizer, folders }, { peers: 'data' }),
      readySchema,
    );
    contestants.push(peer);

    const turn = (side: Contestant<DataReady>) => async () => {
      const directory = await mkdtemp(join(root, 'turn-'));
      const taken = await side.ask({ directory }, dataTurnSchema);
      await rm(directory, { recursive: true });
      return taken;
    };
    const sides = new Map([
      ['ours', turn(ours)],
      ['Python', turn(peer)],
    ]);
    // The first round compiles what it runs and fills the page cache, and is not counted.
    await interleave(sides, 1);
    const turns = await interleave(sides, rounds);
    checkAlike(turns);
    const rates = (side: string) => ratesOf(turns.get(side), megabytes);
    return {
      benchmark: 'data',
      versions: { ...ours.ready.versions, ...peer.ready.versions },
      rows: [rowOf('mails to shards', 'MB/s', rates('ours'), rates('Python'))],
      notes: [
        `${files.length} mails, ${megabytes.toFixed(1)} MB: decoded, cleaned, exact duplicates dropped, near duplicates found by MinHash, tokenized by one tokenizer.json, written as shards. ${rounds} rounds after one that is not counted.`,
        ...describeTurns(turns),
      ],
    };
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
    await rm(root, { recursive: true, force: true });
  }
}

/** Trains the tokenizer of both sides. @returns its file */
async function trainedTokenizer(root: string): Promise<string> {
  const store = new BlobStore(join(root, 'artifacts'));
  const { manifest } = await prepareData(
    {
      data: { corpus: 'spam-assassin' },
      tokenizer: { algorithm: 'wordpiece', vocabulary: 8_192, lowercase: true },
    },
    { store, index: join(root, 'data') },
  );
  return store.path(manifest.tokenizer.sha256);
}

/** A comparison of sides that make different shards would say nothing. */
export function checkAlike(turns: ReadonlyMap<string, readonly DataTurn[]>): void {
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
