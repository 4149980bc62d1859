import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobStore, openDataset, prepareData } from '@ringmaster/data';
import { tasks, trainBatches, type BatchSpec, type TrainBatches } from '@ringmaster/tasks';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';
import { writeCorpus } from './corpus.js';

const STEPS = [0, 1_000, 100_000, 10_000_000];
const CORPUS_CHARACTERS = 4_000_000;
const BATCH: BatchSpec = {
  kind: 'encoder',
  texts: null,
  windows: null,
  context: 128,
  sequences: 64,
  microbatches: 8,
  seed: 1,
};

/** What a run that resumes at a step needs to find its samples: opening the data, and the first microbatch. */
export async function seek({ rounds }: Pace): Promise<Findings> {
  const root = await mkdtemp(join(tmpdir(), 'ringmaster-bench-'));
  try {
    const open = await prepare(root);
    const { stepsPerEpoch } = open();
    const taken = STEPS.map((): number[] => []);
    // The first round compiles what it runs, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const [index, step] of STEPS.entries()) {
        const milliseconds = timeFirstMicrobatch(open, step);
        if (round > 0) taken[index]?.push(milliseconds);
      }
    }
    const found = STEPS.map((step, index) => ({ step, values: taken[index] ?? [] }));
    return {
      benchmark: 'seek',
      versions: { node: process.versions.node },
      rows: [],
      figures: Object.fromEntries(found.map(({ step, values }) => [`step ${step}, ms`, values])),
      notes: [
        `Milliseconds from data on disk to the first microbatch of a step: shards are opened, samples found, their tokens read and masked. An epoch has ${stepsPerEpoch} steps of ${BATCH.sequences} sequences, so most of these steps are many epochs ahead. ${rounds} rounds in turns.`,
        table(
          ['resumed at step', 'median', 'largest'],
          found.map(({ step, values }) => [
            step.toLocaleString('en'),
            median(values).toFixed(2),
            Math.max(...values).toFixed(2),
          ]),
        ),
      ],
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

function timeFirstMicrobatch(open: () => TrainBatches, step: number): number {
  const started = performance.now();
  open().microbatch(step, 0);
  return performance.now() - started;
}

/** Prepares a corpus. @returns what opens it, as a trainer does that resumes */
async function prepare(root: string): Promise<() => TrainBatches> {
  const files = join(root, 'corpus.txt');
  await writeCorpus(files, CORPUS_CHARACTERS);
  const store = new BlobStore(join(root, 'artifacts'));
  const { manifest } = await prepareData(
    {
      data: { files, format: 'lines' },
      tokenizer: { algorithm: 'wordpiece', vocabulary: 4_096, lowercase: true },
    },
    { store, index: join(root, 'data') },
  );
  return () =>
    trainBatches(
      tasks['masked-language-model'],
      openDataset(manifest, (sha256) => store.path(sha256)),
      BATCH,
    );
}
