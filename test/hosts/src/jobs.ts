import { randomKey, RandomStream } from '@ringmaster/base';

const WORDS =
  'the quick brown fox jumps over a lazy dog while seven grey wizards brew some strange potion'.split(
    ' ',
  );
const LINES = 400;

/** Lines that every job here is trained on; of each, the third word is its label, if there are any. */
export function texts(): readonly string[] {
  const stream = new RandomStream(randomKey(0, 'hosts'));
  let draws = 0;
  const draw = (below: number) => Math.floor(stream.uniform(draws++) * below);
  return Array.from({ length: LINES }, (_, number) =>
    [...Array.from({ length: 6 + draw(8) }, () => WORDS[draw(WORDS.length)]), number].join(' '),
  );
}

/** The same as examples of a classification. */
export function examples(): string {
  return texts()
    .map((text) => JSON.stringify({ text, label: text.includes('fox') ? 'fox' : 'none' }))
    .join('\n');
}

export interface JobOptions {
  readonly home: string;
  readonly workers: number;
  readonly steps: number;
}

/** A tiny BERT with dropout and evaluations, trained by so many workers. */
export function pretraining({ home, workers, steps }: JobOptions) {
  return {
    kind: 'pretrain',
    name: `pretrain-${workers}`,
    model: { architecture: 'bert', layers: 1, hidden: 32, heads: 2, context: 32, dropout: 0.1 },
    tokenizer: { algorithm: 'wordpiece', vocabulary: 400 },
    data: { files: `${home}/texts.txt`, format: 'lines' },
    objective: 'masked-language-model',
    batch: { sequences: 24, microbatches: 8 },
    optimizer: { learningRate: 1e-3 },
    checkpoint: { every: 20, keep: 2 },
    evaluation: { every: 20, fraction: 0.05 },
    workers: { min: workers, max: workers },
    seed: 3,
    steps,
  };
}

/** A classifier that begins where a pretraining ended. */
export function finetuning({ home, workers, base }: Omit<JobOptions, 'steps'> & { base: string }) {
  return {
    kind: 'finetune',
    name: `finetune-${workers}`,
    base,
    task: 'text-classification',
    data: { files: `${home}/examples.jsonl`, format: 'jsonl', test: 0.2 },
    batch: { sequences: 24, microbatches: 8 },
    optimizer: { learningRate: 1e-3 },
    epochs: 1,
    workers: { min: workers, max: workers },
    seed: 5,
  };
}
