import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '@ringmaster/chaos';
import { isFinal, type StorageView } from '@ringmaster/protocol';
import { writeCorpus } from '../data/corpus.js';
import { table, type Findings, type Pace } from '../report.js';

/** 10.1 million parameters: a checkpoint has 121 MB, a model 40. */
const SHAPE = { architecture: 'gpt', layers: 6, hidden: 320, heads: 5, context: 64 } as const;
const VOCABULARY = 8192;
const CORPUS_CHARACTERS = 2_000_000;
const WORKERS = 2;
/** Jobs between two measurements. */
const STRIDE = 10;
/** Models of one name that the last job keeps. */
const MODELS_KEPT = 5;
const LEASE_MS = 30_000;

/** A home as its cluster tells of it. */
interface Sample {
  readonly when: string;
  readonly storage: StorageView;
}

/**
 * How a home grows with jobs of 10 million parameters under the default policy: `rounds` jobs of one name, each of
 * other weights, of `steps` steps with a checkpoint after each. Then all are pruned, and one more job keeps few models.
 */
export async function room({ rounds: jobs, steps }: Pace): Promise<Findings> {
  const cluster = await Cluster.create({ leaseMs: LEASE_MS });
  try {
    const files = join(cluster.home.root, 'corpus.txt');
    await writeCorpus(files, CORPUS_CHARACTERS);
    await cluster.startCoordinator();
    for (let started = 0; started < WORKERS; started++) await cluster.addWorker();
    const submit = (seed: number, rest: object = {}) =>
      cluster.api.submit({
        kind: 'pretrain',
        name: 'room',
        seed,
        model: SHAPE,
        steps,
        ...rest,
        tokenizer: { algorithm: 'bpe', vocabulary: VOCABULARY },
        data: { files, format: 'lines' },
        objective: 'causal-language-model',
        batch: { sequences: 2, microbatches: 1 },
        optimizer: { learningRate: 1e-4 },
        checkpoint: { every: 1 },
      });
    const samples: Sample[] = [];
    const measure = async (when: string) => {
      const sample = { when, storage: await settled(cluster) };
      console.error(describe(sample).join('  '));
      samples.push(sample);
    };
    for (let made = 0; made < jobs; made += STRIDE) {
      const count = Math.min(STRIDE, jobs - made);
      const batch = await Promise.all(
        Array.from({ length: count }, (_, index) => submit(made + index)),
      );
      for (const { id } of batch) await succeeded(cluster, id);
      await measure(`after ${made + count} jobs`);
    }
    await cluster.api.prune('0s');
    await measure('pruned of all jobs');
    const { id } = await submit(jobs, { retention: { models: MODELS_KEPT } });
    await succeeded(cluster, id);
    await measure(`after one job that keeps ${MODELS_KEPT} models`);
    return {
      benchmark: 'room',
      versions: { node: process.versions.node },
      rows: [],
      figures: {
        'bytes, models': samples.map(({ storage }) => storage.kinds.models),
        'bytes, everything else': samples.map(({ storage }) => restOf(storage)),
      },
      notes: [
        `A home with ${WORKERS} workers after jobs of 10.1 million parameters with the default policy, each of ${steps} steps with a checkpoint after every one (121 MB each, three kept while the job goes on). All jobs have one name and other seeds. Megabytes; records are the database and the logs.`,
        table(
          ['home', 'all', 'models', 'checkpoints', 'data', 'records', 'other'],
          samples.map(describe),
        ),
      ],
    };
  } finally {
    await cluster.down();
    await cluster.remove();
  }
}

async function succeeded({ api }: Cluster, id: string): Promise<void> {
  for (;;) {
    const { state, error } = await api.job(id);
    if (state === 'succeeded') return;
    if (isFinal(state)) throw new Error(`job ${id} is ${state}: ${error?.message ?? ''}`);
    await sleep(200);
  }
}

/** The home once nothing of it changes: curves are deleted, and files unlinked, a little later than jobs. */
async function settled({ api }: Cluster): Promise<StorageView> {
  let before: StorageView | null = null;
  for (;;) {
    await sleep(1000);
    const { storage } = await api.status();
    if (storage === null || storage.at === before?.at) continue;
    if (storage.total === before?.total) return storage;
    before = storage;
  }
}

function restOf({ total, kinds }: StorageView): number {
  return total - kinds.models;
}

function describe({ when, storage: { total, kinds } }: Sample): string[] {
  const { models, checkpoints, data, database, logs, other, cache } = kinds;
  const megabytes = [total, models, checkpoints, data, database + logs, other + cache];
  return [when, ...megabytes.map((bytes) => (bytes / 1e6).toFixed(1))];
}
