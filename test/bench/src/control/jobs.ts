import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster } from '@ringmaster/chaos';
import { isFinal, type JobView } from '@ringmaster/protocol';
import { processorTime } from '../processor.js';
import { writeCorpus } from '../data/corpus.js';
import { table, type Findings, type Pace } from '../report.js';
import { median } from '../statistics.js';

const CORPUS_CHARACTERS = 20_000;
const WORKERS = 2;
const LEASE_MS = 30_000;
const POLL_MS = 5;
/** Jobs that follow one another. */
const ALONE = 10;

/**
 * What a job costs beside its steps, on two workers of one slot: jobs of `steps` steps of a tiny model on data that were
 * prepared before, ten of them one after another, then `rounds` of them in the queue at once.
 */
export async function jobs({ rounds, steps }: Pace): Promise<Findings> {
  const cluster = await Cluster.create({ leaseMs: LEASE_MS });
  try {
    const files = join(cluster.home.root, 'corpus.txt');
    await writeCorpus(files, CORPUS_CHARACTERS);
    await cluster.startCoordinator();
    for (let started = 0; started < WORKERS; started++) await cluster.addWorker();
    const submit = (seed: number) =>
      cluster.api.submit({
        kind: 'pretrain',
        name: 'tiny',
        seed,
        model: { architecture: 'gpt', layers: 1, hidden: 32, heads: 2, context: 32 },
        tokenizer: { algorithm: 'bpe', vocabulary: 300 },
        data: { files, format: 'lines' },
        objective: 'causal-language-model',
        batch: { sequences: 4, microbatches: 1 },
        optimizer: { learningRate: 1e-4 },
        checkpoint: { every: 1_000_000 },
        workers: { min: 1, max: 1 },
        retention: { models: 1 },
        steps,
      });
    // The data are prepared, and the slots have their trainers, before anything is measured.
    await ended(cluster, (await submit(0)).id);
    const queued: number[] = [];
    const whole: number[] = [];
    for (let made = 1; made <= ALONE; made++) {
      await sleep(5000);
      const at = performance.now();
      const { id } = await submit(made);
      await until(cluster, id, ({ state }) => state === 'running' || isFinal(state));
      queued.push((performance.now() - at) / 1000);
      await ended(cluster, id);
      whole.push((performance.now() - at) / 1000);
    }
    const before = processorSeconds(cluster);
    const at = performance.now();
    const ids: string[] = [];
    for (let made = 0; made < rounds; made++) ids.push((await submit(1000 + made)).id);
    for (const id of ids) await ended(cluster, id);
    const each = (performance.now() - at) / 1000 / rounds;
    const processor = Object.entries(processorSeconds(cluster)).map(
      ([whose, seconds]) => [whose, [(seconds - (before[whose] ?? 0)) / rounds]] as const,
    );
    const figures = {
      'seconds to the first step, alone': queued,
      'seconds from submit to its end, alone': whole,
      'seconds a job, all at once': [each],
      ...Object.fromEntries(processor),
    };
    return {
      benchmark: 'jobs',
      versions: { node: process.versions.node },
      rows: [],
      figures,
      notes: [
        `Jobs of ${steps} steps of a model of 32 dimensions, one worker each, on data that were prepared before; ${WORKERS} workers of one slot. Alone: ${ALONE}, each five seconds after the one before had ended (medians); all at once: ${rounds} in the queue.`,
        table(
          ['', 'seconds'],
          Object.entries(figures).map(([what, values]) => [what, median(values).toFixed(2)]),
        ),
      ],
    };
  } finally {
    await cluster.down();
    await cluster.remove();
  }
}

/** Processor time that a cluster has taken so far, by the kind of its processes. */
function processorSeconds({ coordinator, workers }: Cluster): Record<string, number> {
  const ofCoordinator = processorTime(coordinator.pid);
  const ofWorkers = workers.map(({ pid }) => processorTime(pid));
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  return {
    'processor seconds a job: coordinator': ofCoordinator.own,
    'processor seconds a job: preparation': ofCoordinator.children,
    'processor seconds a job: workers': sum(ofWorkers.map(({ own }) => own)),
    'processor seconds a job: trainers': sum(ofWorkers.map(({ children }) => children)),
  };
}

/** Waits for a job to succeed. */
async function ended(cluster: Cluster, id: string): Promise<void> {
  const { state, error } = await until(cluster, id, (job) => isFinal(job.state));
  if (state !== 'succeeded') throw new Error(`job ${id} is ${state}: ${error?.message ?? ''}`);
}

async function until(
  { api }: Cluster,
  id: string,
  isWanted: (job: JobView) => boolean,
): Promise<JobView> {
  for (;;) {
    const job = await api.job(id);
    if (isWanted(job)) return job;
    await sleep(POLL_MS);
  }
}
