import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Stage } from '@ringmaster/chaos';
import type { JobEvent, JobView } from '@ringmaster/protocol';
import { writeCorpus } from '../data/corpus.js';

/** Longest that anything here may take. */
const LIMIT_MS = 120_000;
const POLL_MS = 2;

/** A job of a GPT that goes on until it is cancelled. */
export interface ObservedJob {
  /** The `model` section of the job file, without its architecture. */
  readonly model: object;
  readonly vocabulary: number;
  readonly batch: { readonly sequences: number; readonly microbatches: number };
  /** Characters of the corpus. */
  readonly characters: number;
}

const SMALL = {
  vocabulary: 512,
  batch: { sequences: 24, microbatches: 8 },
  characters: 400_000,
} as const;

/** Its steps are short, so that a recovery shows. */
export const SHORT: ObservedJob = {
  ...SMALL,
  model: { layers: 1, hidden: 32, heads: 2, context: 32 },
};
/** Its steps are long, so that each step is told by itself. */
export const LONG: ObservedJob = {
  ...SMALL,
  model: { layers: 4, hidden: 128, heads: 4, context: 128 },
};

/** An event of the job and when it arrived here, in milliseconds of `performance.now()`. */
export interface Arrival<Event extends JobEvent = JobEvent> {
  readonly at: number;
  readonly event: Event;
}

/** An endless run on a real cluster, watched through its event stream. */
export class ObservedRun {
  readonly stage: Stage;
  readonly arrivals: Arrival[] = [];

  private constructor(stage: Stage) {
    this.stage = stage;
    void this.#listen();
  }

  static async start(job: ObservedJob, workers: number, leaseMs: number): Promise<ObservedRun> {
    const cluster = await Cluster.create({ leaseMs });
    const { root } = cluster.home;
    const corpus = join(root, 'corpus.txt');
    await writeCorpus(corpus, job.characters, job.vocabulary);
    await cluster.startCoordinator();
    for (let started = 0; started < workers; started++) await cluster.addWorker();
    const { id } = await cluster.api.submit({
      kind: 'pretrain',
      name: 'recovery',
      model: { architecture: 'gpt', ...job.model },
      tokenizer: { algorithm: 'bpe', vocabulary: job.vocabulary },
      data: { files: corpus, format: 'lines' },
      objective: 'causal-language-model',
      batch: job.batch,
      optimizer: { learningRate: 1e-4 },
      checkpoint: { every: 500 },
      steps: 1_000_000,
    });
    const run = new ObservedRun(new Stage(cluster, id));
    await run.whole(workers);
    return run;
  }

  get cluster(): Cluster {
    return this.stage.cluster;
  }

  async end(): Promise<void> {
    await this.cluster.api.command(this.stage.job, 'cancel');
    await this.cluster.down();
    await this.cluster.remove();
  }

  /** The newest view of the job. */
  get view(): JobView {
    const newest = this.arrivals.findLast(isOf('job'));
    if (newest === undefined) throw new Error('nothing was heard of the job yet');
    return newest.event.job;
  }

  /** Waits until so many workers take part and some steps were made with them. */
  async whole(workers: number): Promise<void> {
    const from = await this.first(
      `${workers} workers take part`,
      this.arrivals.length,
      ({ event }) =>
        event.type === 'job' &&
        event.job.state === 'running' &&
        event.job.workers.length === workers,
    );
    await this.steps(from.index, 5);
  }

  /** Waits for so many steps to be told after an arrival. */
  async steps(index: number, count: number): Promise<Arrival<StepEvent>[]> {
    const deadline = performance.now() + LIMIT_MS;
    for (;;) {
      const told = this.arrivals.slice(index).filter(isOf('step'));
      if (told.length >= count) return told.slice(0, count);
      if (performance.now() > deadline) throw new Error(`no ${count} steps within ${LIMIT_MS} ms`);
      await sleep(POLL_MS);
    }
  }

  /** The first arrival from `index` on that is as wanted. */
  async first(
    what: string,
    index: number,
    isWanted: (arrival: Arrival) => boolean,
  ): Promise<{ readonly index: number; readonly arrival: Arrival }> {
    const deadline = performance.now() + LIMIT_MS;
    for (let next = index; ;) {
      const arrival = this.arrivals[next];
      if (arrival === undefined) {
        if (performance.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
        await sleep(POLL_MS);
        continue;
      }
      if (isWanted(arrival)) return { index: next, arrival };
      next++;
    }
  }

  async #listen(): Promise<void> {
    for await (const event of this.cluster.api.events(this.stage.job))
      this.arrivals.push({ at: performance.now(), event });
  }
}

export type StepEvent = Extract<JobEvent, { type: 'step' }>;

export function isOf<Type extends JobEvent['type']>(type: Type) {
  return (arrival: Arrival): arrival is Arrival<Extract<JobEvent, { type: Type }>> =>
    arrival.event.type === type;
}
