import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomKey, RandomStream } from '@ringmaster/base';
import type { ModelConfig } from '@ringmaster/model';
import { trainerEnvironment } from '@ringmaster/tensorflow';
import { z } from 'zod';
import { Contestant, turnSchema, type Command } from '../contestant.js';
import { interleave } from '../interleave.js';
import { peerCommand, peerPython } from '../peer.js';
import { ratesOf, rowOf, type Findings, type Pace, type Row } from '../report.js';

const readySchema = z.object({
  parameters: z.int().positive(),
  versions: z.record(z.string(), z.string()),
});
const generatedSchema = turnSchema.extend({
  /** New token ids of each sequence. */
  made: z.array(z.array(z.int())),
});

export type GenerateReady = z.infer<typeof readySchema>;
export type GeneratedTurn = z.infer<typeof generatedSchema>;

const PROMPT = 128;
const TOKENS = 64;
const BATCHES = [1, 8];
/** Tokens that both sides must choose alike; later, two that are as likely but for rounding may part them. */
const ALIKE = 8;

const SHAPES: Readonly<Record<string, ModelConfig>> = {
  'gpt2-124M': {
    architecture: 'gpt',
    layers: 12,
    hidden: 768,
    heads: 12,
    intermediate: 3072,
    context: 1024,
    vocabulary: 50_257,
    dropout: 0,
  },
  'llama-46M': {
    architecture: 'llama',
    layers: 12,
    hidden: 512,
    heads: 8,
    keyValueHeads: 8,
    headSize: 64,
    intermediate: 1376,
    epsilon: 1e-6,
    rotaryBase: 10_000,
    rotaryScaling: { type: 'default' },
    bias: 'none',
    context: 1024,
    vocabulary: 16_000,
    dropout: 0,
    tied: true,
  },
};

/** Our generation beside that of transformers, greedily from the same weights. */
export async function generate(pace: Pace): Promise<Findings> {
  await peerPython('torch');
  const rows: Row[] = [];
  const versions: Record<string, string> = {};
  for (const [name, shape] of Object.entries(SHAPES)) {
    if (pace.only?.includes(name) === false) continue;
    rows.push(...(await compare(name, shape, pace, versions)));
  }
  return {
    benchmark: 'generate',
    versions,
    rows,
    notes: [
      `${TOKENS} tokens behind prompts of ${PROMPT}, the likeliest one each time, one thread a side; weights are drawn at ` +
        `random and the same on both sides, which choose the same tokens. Each has its cache of keys and values. Ours is the ` +
        `whole of \`ringmaster generate\` but for loading: logits, choice and decoded text; the peer is \`generate\` of ` +
        `transformers, in eager PyTorch. ${pace.rounds} rounds in turns; a rate counts new tokens of all sequences.`,
    ],
  };
}

async function compare(
  name: string,
  config: ModelConfig,
  pace: Pace,
  versions: Record<string, string>,
): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  const program = fileURLToPath(new URL('./generate.process.js', import.meta.url));
  const settings = { directory, config, seed: 1 };
  const command: Command = {
    program: process.execPath,
    args: [program, JSON.stringify(settings)],
    env: trainerEnvironment({ threads: 1, device: { kind: 'cpu' } }),
  };
  const sides = new Map<string, Contestant<GenerateReady>>();
  try {
    sides.set('ours', await Contestant.start(command, readySchema));
    const peer = await peerCommand('generate.py', { directory }, { allocator: 'keeps memory' });
    sides.set('transformers', await Contestant.start(peer, readySchema));
    for (const { ready } of sides.values()) Object.assign(versions, ready.versions);
    const rows: Row[] = [];
    for (const batch of BATCHES) {
      const prompts = promptsOf(batch, config.vocabulary);
      const turns = new Map(
        [...sides].map(([side, contestant]) => [
          side,
          () => contestant.ask({ prompts, tokens: TOKENS }, generatedSchema),
        ]),
      );
      checkAlike(await interleave(turns, 1));
      const results = await interleave(turns, pace.rounds);
      const [ours, theirs] = ['ours', 'transformers'].map((side) =>
        ratesOf(results.get(side), batch * TOKENS),
      );
      if (ours !== undefined && theirs !== undefined)
        rows.push(rowOf(`${name}, batch of ${batch}`, 'tokens/s', ours, theirs));
    }
    return rows;
  } finally {
    await Promise.all([...sides.values()].map((side) => side.end()));
    await rm(directory, { recursive: true, force: true });
  }
}

function promptsOf(batch: number, vocabulary: number): number[][] {
  return Array.from({ length: batch }, (_, sequence) => {
    const stream = new RandomStream(randomKey(1, 'prompt', sequence));
    return Array.from({ length: PROMPT }, (_, at) => Math.floor(stream.uniform(at) * vocabulary));
  });
}

/** Sides that go on otherwise have not computed the same. */
function checkAlike(turns: ReadonlyMap<string, readonly GeneratedTurn[]>): void {
  const first = [...turns.values()].map(([turn]) =>
    JSON.stringify(turn?.made.map((tokens) => tokens.slice(0, ALIKE))),
  );
  if (new Set(first).size !== 1)
    throw new Error(`the sides generate otherwise: ${first.join(' and ')}`);
}
