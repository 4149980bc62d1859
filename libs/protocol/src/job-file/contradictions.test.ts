import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RingmasterError } from '../errors/registry.js';
import { parseJobSpec } from './parse.js';
import { jobFileSchema } from './schema.js';

const pretrain = {
  kind: 'pretrain',
  name: 'mail',
  model: { architecture: 'bert', layers: 1, hidden: 16, heads: 2, context: 32 },
  tokenizer: { algorithm: 'wordpiece', vocabulary: 300 },
  data: { files: 'texts.txt' },
  objective: 'masked-language-model',
  batch: { sequences: 8, microbatches: 4 },
  optimizer: { learningRate: 1e-3 },
  steps: 100,
};
const { steps: _, objective: __, ...common } = pretrain;
const finetune = {
  ...common,
  kind: 'finetune',
  task: 'text-classification',
  epochs: 2,
  data: { files: 'rows.csv', test: 0.2 },
};

/** The key that is refused, or null. */
function refusedBy(job: object): string | null {
  try {
    parseJobSpec(job);
    return null;
  } catch (error) {
    if (!(error instanceof RingmasterError)) throw error;
    expect(error).toMatchObject({ code: 'JOB_FILE_INVALID', exit: 2 });
    return (error.detail as { key: string }).key;
  }
}

const named = (name: string, weight?: number) => ({
  name,
  files: 'a',
  ...(weight === undefined ? {} : { weight }),
});
const schedule = (warmup: number) => ({ learningRate: 1e-3, schedule: { warmup } });

describe('keys that contradict each other', () => {
  it.each([
    ['more workers than microbatches', { workers: { min: 5 } }, 'workers.min'],
    ['as many workers as microbatches', { workers: { min: 4 } }, null],
    ['more warm-up than steps', { optimizer: schedule(101) }, 'optimizer.schedule.warmup'],
    ['warm-up throughout', { optimizer: schedule(100) }, null],
    [
      'bytes of a vocabulary that knows none',
      { tokenizer: { algorithm: 'wordpiece', vocabulary: 300, byteFallback: true } },
      'tokenizer.byteFallback',
    ],
    [
      'a Unigram vocabulary with bytes',
      { tokenizer: { algorithm: 'unigram', vocabulary: 300, byteFallback: true } },
      null,
    ],
    ['parts of a step', { optimizer: schedule(1.5) }, 'optimizer.schedule.warmup'],
    ['a fraction of all steps', { optimizer: schedule(0.5) }, null],
    ['splits that take all', { data: { files: 'a', test: 0.5, validation: 0.5 } }, 'data.test'],
    [
      'a split beside the one for evaluations that take all',
      { data: { files: 'a', test: 0.99 }, evaluation: { every: 5 } },
      'data.test',
    ],
    ['splits that leave some', { data: { files: 'a', test: 0.5, validation: 0.4 } }, null],
    [
      'a label of a file without columns',
      { data: { files: 'a', format: 'lines', label: 'l' } },
      'data.label',
    ],
    ['folders of a corpus', { data: { corpus: 'spam-assassin', labels: 'folder' } }, 'data.labels'],
    [
      'a label in a column and in folders',
      { data: { files: 'a', format: 'csv', label: 'l', labels: 'folder' } },
      'data.labels',
    ],
    ['a label of a table', { data: { files: 'a', format: 'csv', label: 'l' } }, null],
    ['a column of a corpus', { data: { corpus: 'spam-assassin', text: 't' } }, 'data.text'],
    ['sources of their own weights', { data: { sources: [named('a', 1), named('b', 2)] } }, null],
    ['sources without weights', { data: { sources: [named('a'), named('b')] } }, null],
    [
      'a weight for one of two sources',
      { data: { sources: [named('a', 1), named('b')] } },
      'data.sources.1.weight',
    ],
    [
      'two sources of a name',
      { data: { sources: [named('2'), { files: 'b' }] } },
      'data.sources.1.name',
    ],
    ['sources beside files', { data: { files: 'a', sources: [named('a')] } }, 'data.corpus'],
    ['a format of a corpus', { data: { corpus: 'spam-assassin', format: 'mbox' } }, 'data.format'],
  ])('%s', (_name, change, key) => {
    expect(refusedBy({ ...pretrain, ...change })).toBe(key);
  });

  it('are found in a fine-tune, whose steps follow from its data', () => {
    expect(refusedBy(finetune)).toBe(null);
    expect(refusedBy({ ...finetune, optimizer: schedule(10_000) })).toBe(null);
    expect(refusedBy({ ...finetune, workers: { min: 5 } })).toBe('workers.min');
  });

  it('are asked for when a job is submitted, and not when it is read again', () => {
    expect(jobFileSchema.safeParse({ ...pretrain, workers: { min: 5 } }).success).toBe(true);
  });

  it('are refused exactly where a worker would have nothing to compute', () => {
    const sizes = fc.record({
      microbatches: fc.integer({ min: 1, max: 64 }),
      min: fc.integer({ min: 1, max: 70 }),
    });
    fc.assert(
      fc.property(sizes, ({ microbatches, min }) => {
        const batch = { sequences: microbatches, microbatches };
        const key = refusedBy({ ...pretrain, batch, workers: { min, max: 80 } });
        expect(key).toBe(min > microbatches ? 'workers.min' : null);
      }),
    );
  });
});

describe('what an optimizer cannot do', () => {
  const adapted = { ...finetune, model: undefined, tokenizer: undefined, base: 'm' };
  const stopping = { validation: 0.1, test: 0.2, files: 'rows.csv' };

  it.each([
    [
      { ...adapted, tuning: { lora: {} }, optimizer: { algorithm: 'muon', learningRate: 1e-3 } },
      'optimizer.algorithm',
    ],
    [{ ...adapted, optimizer: { algorithm: 'muon', learningRate: 1e-3 } }, null],
    [{ ...pretrain, loss: { classWeights: 'balanced' } }, 'loss.classWeights'],
    [{ ...pretrain, loss: { labelSmoothing: 0.1, zLoss: 1e-4 } }, null],
    [{ ...finetune, loss: { classWeights: { spam: 2 } } }, null],
    [
      {
        ...finetune,
        data: stopping,
        evaluation: { every: 1 },
        earlyStopping: { patience: 2 },
        ema: { export: false },
      },
      'ema.export',
    ],
    [
      {
        ...finetune,
        data: stopping,
        evaluation: { every: 1 },
        earlyStopping: { patience: 2 },
        ema: {},
      },
      null,
    ],
  ])('refuses %j by %s', (job, key) => {
    expect(refusedBy(job)).toBe(key);
  });
});
