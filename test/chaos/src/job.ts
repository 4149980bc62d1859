import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Dice } from './dice.js';

const WORDS =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );
const SENTENCES = 600;
const MICROBATCHES = 8;

export interface JobOptions {
  readonly steps: number;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
}

/** Writes the text that every job here is trained on. */
export async function writeTexts(home: string): Promise<void> {
  const dice = new Dice(0, 'texts');
  const lines = Array.from({ length: SENTENCES }, (_, number) =>
    [...Array.from({ length: dice.integer(6, 14) }, () => dice.pick(WORDS)), number].join(' '),
  );
  await writeFile(join(home, 'texts.txt'), lines.join('\n'));
}

/** A tiny BERT with all that a run can have: dropout, evaluations, checkpoints, short epochs. */
export function jobOf(home: string, { steps, checkpointEvery }: JobOptions) {
  return {
    kind: 'pretrain',
    name: 'chaos',
    model: { architecture: 'bert', layers: 1, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
    data: { files: join(home, 'texts.txt'), format: 'lines' },
    objective: 'masked-language-model',
    batch: { sequences: 3 * MICROBATCHES, microbatches: MICROBATCHES },
    optimizer: { learningRate: 1e-3 },
    checkpoint: { every: checkpointEvery, keep: 3 },
    evaluation: { every: 40, fraction: 0.05 },
    workers: { min: 1, max: MICROBATCHES },
    seed: 3,
    steps,
  };
}

/** A short job that goes before all others and wants all slots. */
export function preemptor(home: string, slots: number) {
  return {
    ...jobOf(home, { steps: 5, checkpointEvery: 100 }),
    name: 'urgent',
    priority: 10,
    workers: { min: slots, max: slots },
  };
}
