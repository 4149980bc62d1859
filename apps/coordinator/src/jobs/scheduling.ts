import { RingmasterError } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { newId } from '../identifiers.js';
import type { PreparationMessage, PreparationRequest } from '../preparation/messages.js';
import type { Preparation } from '../preparation/preparation.js';
import type { RunEvent } from '../runs/event.js';
import { plan, type Plan } from '../scheduler/plan.js';
import type { Store } from '../store/store.js';
import { demandOf, describeWait } from './demand.js';
import type { Fleet } from './fleet.js';
import type { Jobs } from './jobs.js';
import type { JobLogs } from './logs.js';
import type { LiveJob } from './record.js';

export interface SchedulingOptions {
  readonly jobs: Jobs;
  readonly store: Store;
  readonly fleet: Fleet;
  readonly preparation: Preparation;
  /** Directories of the artifact store and of what data preparation remembers. */
  readonly directories: { readonly artifacts: string; readonly index: string };
  readonly logs: JobLogs;
  readonly log: Logger;
  /** Runs what nobody waits for. */
  readonly guarded: (work: () => void) => void;
}

/** Moves jobs on: from their dependencies to their preparation, and from there to slots. */
export class Scheduling {
  readonly #options: SchedulingOptions;
  /** Jobs that the newest plan has await slots. */
  #awaiting: readonly string[] = [];
  #due: NodeJS.Immediate | null = null;
  #held = false;

  constructor(options: SchedulingOptions) {
    this.#options = options;
  }

  /** Schedules once whatever happens now has happened. */
  soon(): void {
    if (this.#held) return;
    this.#due ??= setImmediate(() => {
      this.#due = null;
      if (this.#held) return;
      this.#options.guarded(() => {
        this.#schedule();
      });
    });
  }

  /** Schedules nothing until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.soon();
  }

  #schedule(): void {
    const { jobs, fleet } = this.#options;
    for (const live of jobs.live) this.#failWithDependency(live);
    this.#prepareNext();
    const offers = fleet.offers();
    const demands = jobs.live.flatMap(
      (live) => demandOf(live, offers, this.#awaiting.includes(live.record.id)) ?? [],
    );
    const next = plan(demands, offers);
    this.#awaiting = next.awaiting;
    this.#carryOut(next);
    for (const live of jobs.live) {
      if (live.run.state === 'preparing') continue;
      const awaits = this.#awaiting.includes(live.record.id);
      const progress = describeWait(live, this.#pending(live), fleet.offers(), awaits);
      if (progress === live.progress) continue;
      live.progress = progress;
      jobs.publish(live);
    }
  }

  #carryOut({ placements, releases, yields }: Plan): void {
    const { jobs } = this.#options;
    const live = new Map(jobs.live.map((job) => [job.record.id, job]));
    const apply = (job: string, event: RunEvent) => {
      const found = live.get(job);
      if (found !== undefined) jobs.apply(found, event);
    };
    const reasonOf = (by: string) => {
      const record = live.get(by)?.record;
      return `job ${by} of priority ${record?.spec.priority ?? 0} needs its slot`;
    };
    for (const { job, trainers, by } of releases)
      apply(job, { type: 'released', trainers, reason: reasonOf(by) });
    for (const { job, by } of yields) apply(job, { type: 'yielded', reason: `${reasonOf(by)}s` });
    for (const { job, workers } of placements) {
      const trainers = workers.map((worker) => ({ id: newId('t', Date.now()), worker }));
      apply(job, { type: 'placed', trainers });
    }
  }

  /** Jobs that this one comes after and that have not succeeded. */
  #pending({ record }: LiveJob): string[] {
    const { store } = this.#options;
    return record.after.filter((id) => store.jobs.get(id)?.state !== 'succeeded');
  }

  #failWithDependency(live: LiveJob): void {
    const { jobs, store } = this.#options;
    if (live.run.prepared || live.run.state !== 'queued') return;
    for (const dependency of live.record.after) {
      const state = store.jobs.get(dependency)?.state ?? 'cancelled';
      if (state !== 'failed' && state !== 'cancelled') continue;
      const { id } = live.record;
      const error = new RingmasterError('JOB_DEPENDENCY_FAILED', { id, dependency, state });
      jobs.apply(live, { type: 'abandoned', error: error.toBody() });
      return;
    }
  }

  /** Prepares the data of the first job that waits for nothing else. */
  #prepareNext(): void {
    const { jobs, preparation, directories } = this.#options;
    if (preparation.job !== null) return;
    const [next] = jobs.live
      .filter((live) => live.run.state === 'queued' && !live.run.prepared)
      .filter((live) => this.#pending(live).length === 0)
      .sort((a, b) => b.record.spec.priority - a.record.spec.priority);
    if (next === undefined) return;
    const base = this.#baseOf(next);
    next.progress = null;
    jobs.apply(next, { type: 'preparing' });
    const { spec, id } = next.record;
    preparation.start(id, { spec, base, ...directories }, (message) => {
      this.#options.guarded(() => {
        this.#onPreparation(next, message);
      });
    });
  }

  #baseOf({ record }: LiveJob): PreparationRequest['base'] {
    if (record.base?.type !== 'job') return record.base;
    const model = this.#options.store.jobs.get(record.base.job)?.result?.model;
    if (model === undefined) throw new Error(`job ${record.base.job} succeeded without a model`);
    return { type: 'model', manifest: model };
  }

  #onPreparation(live: LiveJob, message: PreparationMessage): void {
    const { jobs, logs, log } = this.#options;
    const { id } = live.record;
    switch (message.type) {
      case 'progress':
        live.progress = message.text;
        jobs.publish(live);
        break;
      case 'done': {
        const { dataManifest, baseManifest, warnings } = message;
        live.progress = null;
        for (const warning of warnings) log.warn({ job: id }, warning);
        logs.append(
          id,
          warnings.map((msg) => JSON.stringify({ level: 40, time: Date.now(), job: id, msg })),
        );
        jobs.apply(live, { type: 'prepared' }, { dataManifest, baseManifest });
        this.soon();
        break;
      }
      case 'failed':
        jobs.apply(live, { type: 'abandoned', error: message.error });
        this.soon();
    }
  }
}
