import { kindOf, pairedTextsOf } from '@ringmaster/protocol';
import { tasks, trainBatches } from '@ringmaster/tasks';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';
import { BERT, GPT, SEED, TRAINING, type Shape } from './shapes.js';
import { TrainingHome } from './training-home.js';

/** A step of each shape has two microbatches. */
const MICROBATCHES = 2;
const WARM_UP_STEPS = 20;

/** What making a microbatch's batch costs the trainer: tokens read, masked and laid out, before anything is computed. */
export async function batches({ rounds }: Pace): Promise<Findings> {
  const found = {
    GPT: await millisecondsOf(GPT, rounds),
    'BERT, masked': await millisecondsOf(BERT, rounds),
  };
  return {
    benchmark: 'batches',
    versions: { node: process.versions.node },
    rows: [],
    figures: found,
    notes: [
      `Milliseconds to make the batch of a microbatch of ${GPT.sequences / MICROBATCHES} sequences of ${GPT.model.context} tokens; ${rounds} of them, each another one.`,
      table(
        ['shape', 'median', 'smallest', 'largest'],
        Object.entries(found).map(([name, values]) => [
          name,
          ...[median(values), Math.min(...values), Math.max(...values)].map((ms) => ms.toFixed(3)),
        ]),
      ),
    ],
  };
}

async function millisecondsOf(shape: Shape, rounds: number): Promise<number[]> {
  const home = await TrainingHome.create(shape, WARM_UP_STEPS + rounds);
  try {
    const made = trainBatches(tasks[TRAINING[shape.model.architecture].task], home.dataset, {
      kind: kindOf(shape.model.architecture),
      texts: pairedTextsOf(shape.model.architecture),
      windows: null,
      context: shape.model.context,
      sequences: shape.sequences,
      microbatches: MICROBATCHES,
      seed: SEED,
    });
    return Array.from({ length: WARM_UP_STEPS + rounds }, (_, step) => {
      const started = performance.now();
      made.microbatch(step, 0);
      return performance.now() - started;
    }).slice(WARM_UP_STEPS);
  } finally {
    await home.remove();
  }
}
