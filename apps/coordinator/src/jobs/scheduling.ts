import type { BlobStore, Roots } from '@ringmaster/data';
import { preparationPhases, RingmasterError, type PreparationProgress } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { PreparedData } from '../artifacts/prepared-data.js';
import { readArtifact } from '../artifacts/references.js';
import type { Fleet } from '../fleet/fleet.js';
import { newId } from '../identifiers.js';
import type { Metrics } from '../metrics/metrics.js';
import type { PreparationNews } from '../preparation/current.js';
import type { PreparationRequest } from '../preparation/messages.js';
import type { Preparations } from '../preparation/preparations.js';
import { dataWanted } from '../preparation/same-data.js';
import type { RunEvent } from '../runs/event.js';
import type { Offer } from '../scheduler/demand.js';
import { largestMemory } from '../scheduler/memory.js';
import { plan, type Plan } from '../scheduler/plan.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { Runs } from './apply.js';
import { demandOf } from './demand.js';
import type { JobLogs } from './logs.js';
import type { LiveJob } from './record.js';
import type { JobRegistry } from './registry.js';
import { waitForSlots, waitInLine, type JobViews } from './views.js';
import { baseOf, CONSIDERED } from './wanted-data.js';

export interface SchedulingOptions {
  readonly registry: JobRegistry;
  readonly runs: Runs;
  readonly views: JobViews;
  readonly store: Store;
  readonly fleet: Fleet;
  readonly preparations: Preparations;
  readonly metrics: Metrics;
  readonly blobs: BlobStore;
  readonly prepared: PreparedData;
  /** Directories of the artifact store and of what data preparation remembers. */
  readonly directories: { readonly artifacts: string; readonly index: string };
  readonly dataRoots: Roots;
  readonly logs: JobLogs;
  readonly log: Logger;
  /** Runs what nobody waits for. */
  readonly guarded: (work: () => void) => void;
}

/** Moves jobs on: from their dependencies to their preparation, and from there to slots. */
export class Scheduling {
  readonly #options: SchedulingOptions;
  /** Jobs that the newest plan has await slots. */
  #awaiting: ReadonlySet<string> = new Set();
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
    const { registry, runs, views, fleet, store } = this.#options;
    for (const record of store.jobs.abandonedInLine()) this.#failWithDependency(runs.begin(record));
    for (const live of registry.live) this.#failWithDependency(live);
    for (const live of registry.live) this.#failIfBroken(live);
    const offers = fleet.offers();
    this.#prepareNext(offers);
    const demands = registry.live.flatMap(
      (live) => demandOf(live, offers, this.#awaiting.has(live.record.id)) ?? [],
    );
    const next = plan(demands, offers);
    this.#awaiting = new Set(next.awaiting);
    this.#carryOut(next);
    this.#describe(fleet.offers());
    views.tellInLine();
  }

  /** Notes of each job in words what it waits for. */
  #describe(offers: readonly Offer[]): void {
    const { registry, views } = this.#options;
    for (const live of registry.live) {
      const { run, record } = live;
      if (run.state === 'preparing') continue;
      const awaits = this.#awaiting.has(record.id);
      const queued = run.prepared
        ? () => waitForSlots(live, offers, awaits)
        : () => waitInLine(record, views.pending(record), offers);
      const waits = run.state === 'queued' ? queued() : null;
      const progress = live.repair === null ? waits : 'what was prepared is looked through';
      if (progress === live.progress) continue;
      live.progress = progress;
      views.tell(live);
    }
  }

  #carryOut({ placements, releases, yields }: Plan): void {
    const { registry, runs, fleet } = this.#options;
    const live = new Map(registry.live.map((job) => [job.record.id, job]));
    const apply = (job: string, event: RunEvent) => {
      const found = live.get(job);
      if (found !== undefined) runs.apply(found, event);
    };
    const reasonOf = (by: string) => {
      const record = live.get(by)?.record;
      return `job ${by} of priority ${record?.spec.priority ?? 0} needs its slot`;
    };
    for (const { job, trainers, by } of releases)
      apply(job, { type: 'released', trainers, reason: reasonOf(by) });
    for (const { job, by } of yields) apply(job, { type: 'yielded', reason: `${reasonOf(by)}s` });
    for (const { job, workers } of placements) {
      const trainers = workers.map((worker) => {
        const place = fleet.workers.get(worker)?.place ?? [];
        return { id: newId('t', Date.now()), worker, place };
      });
      apply(job, { type: 'placed', trainers });
    }
  }

  #failWithDependency(live: LiveJob): void {
    const { runs, store } = this.#options;
    if (live.run.prepared || live.run.state !== 'queued') return;
    for (const dependency of live.record.after) {
      const other = store.jobs.get(dependency);
      const state = other?.state ?? 'cancelled';
      if (state !== 'failed' && state !== 'cancelled') continue;
      const { id, name } = live.record;
      const dependencyName = other?.name ?? 'that is gone';
      const detail = { id, name, dependency, dependencyName, state };
      const error = new RingmasterError('JOB_DEPENDENCY_FAILED', detail);
      runs.apply(live, { type: 'abandoned', error: error.toBody() });
      return;
    }
  }

  /** Prepares the data of jobs that wait for nothing else, and that some worker could train, some at a time. */
  #prepareNext(offers: readonly Offer[]): void {
    const { registry, runs, preparations } = this.#options;
    const memory = largestMemory(offers);
    while (!preparations.isFull) {
      const broken = registry.live.find(({ repair }) => repair === 'wanted');
      const next = broken ?? this.#nextToPrepare(memory);
      if (next === null) return;
      if (next === broken) {
        this.#repair(next);
        continue;
      }
      next.progress = null;
      next.preparation = null;
      runs.apply(next, { type: 'preparing' });
      this.#prepare(next);
    }
  }

  #prepare(live: LiveJob): void {
    const { preparations, directories, dataRoots: roots } = this.#options;
    const { spec, id } = live.record;
    const request = { spec, base: this.#baseOf(live.record), roots, ...directories };
    preparations.start(id, request, (news) => {
      this.#options.guarded(() => {
        this.#onPreparation(live, news);
      });
    });
  }

  /** Has what was prepared of a job looked through, and what is damaged of it prepared again. */
  #repair(live: LiveJob): void {
    const { preparations, directories, dataRoots: roots } = this.#options;
    const { id, spec } = live.record;
    live.repair = 'begun';
    const request = { spec, base: this.#baseOf(live.record), roots, ...directories };
    preparations.start(id, request, (news) => {
      if (news.type === 'progress') return;
      this.#options.guarded(() => {
        this.#onRepaired(live, news);
      });
    });
  }

  #onRepaired(live: LiveJob, message: Exclude<PreparationNews, { type: 'progress' }>): void {
    const { id, dataManifest, baseManifest } = live.record;
    const isSame =
      message.type === 'done' &&
      message.dataManifest === dataManifest &&
      message.baseManifest === baseManifest;
    const changed = () => new RingmasterError('DATA_SOURCE_CHANGED', { id }).toBody();
    live.repair = isSame ? null : message.type === 'failed' ? message.error : changed();
    this.#options.log.info({ job: id, error: live.repair }, 'what was prepared is looked through');
    this.soon();
  }

  /** A job whose artifacts cannot be made whole goes on as long as it needs nobody who has not loaded them. */
  #failIfBroken(live: LiveJob): void {
    const { run, repair } = live;
    if (repair === null || typeof repair === 'string' || run.trainers.length > 0) return;
    this.#options.runs.apply(live, { type: 'abandoned', error: repair });
  }

  /**
   * Of the jobs that wait for nothing but their data, which nobody prepares yet, the first of the highest priority. One
   * whose preparation was cut short with a coordinator is in line no more, but was before.
   * @param memory Bytes that each of its trainers may take at most; null for any.
   */
  #nextToPrepare(memory: number | null): LiveJob | null {
    const { registry, runs, views, store, preparations } = this.#options;
    const begun = registry.live
      .filter(({ run }) => run.state === 'queued' && !run.prepared)
      .filter(({ record }) => memory === null || (record.memory?.least ?? 0) <= memory)
      .filter(({ record }) => views.pending(record).length === 0);
    const wanted = (record: JobRecord) => dataWanted(record.spec, this.#baseOf(record));
    const underWay = new Set(
      preparations.jobs.flatMap((job) => {
        const live = registry.get(job);
        return live === null ? [] : wanted(live.record);
      }),
    );
    const first = [
      ...begun.map(({ record }) => record),
      ...store.jobs.firstInLine(underWay.size === 0 ? 1 : CONSIDERED, memory),
    ]
      .sort((a, b) => b.spec.priority - a.spec.priority || a.seq - b.seq)
      .find((record) => !underWay.has(wanted(record)));
    if (first === undefined) return null;
    return begun.find(({ record }) => record === first) ?? runs.begin(first);
  }

  #baseOf(record: JobRecord): PreparationRequest['base'] {
    const base = baseOf(record, this.#options.store);
    if (base === undefined) throw new Error(`the base of job ${record.id} is no model yet`);
    return base;
  }

  #onPreparation(live: LiveJob, message: PreparationNews): void {
    const { runs, logs, log, metrics } = this.#options;
    const { id } = live.record;
    switch (message.type) {
      case 'progress':
        live.progress = inWords(message.progress);
        live.preparation = message.progress;
        metrics.recordPreparation(id, message.progress);
        runs.publish(live);
        break;
      case 'done': {
        const { dataManifest, baseManifest, warnings } = message;
        live.progress = null;
        live.preparation = null;
        metrics.recordPreparation(id, null);
        if (!this.#isThere(dataManifest, baseManifest)) {
          log.warn({ job: id, dataManifest, baseManifest }, 'what was prepared was removed since');
          this.#prepare(live);
          break;
        }
        for (const warning of warnings) log.warn({ job: id }, warning);
        logs.append(
          id,
          warnings.map((msg) => JSON.stringify({ level: 40, time: Date.now(), job: id, msg })),
        );
        runs.apply(live, { type: 'prepared' }, { dataManifest, baseManifest });
        this.soon();
        break;
      }
      case 'failed':
        runs.apply(live, { type: 'abandoned', error: message.error });
        this.soon();
    }
  }

  /** Whether what was prepared is there still: until its job is known to need it, it may be removed. */
  #isThere(data: string, base: string | null): boolean {
    const { blobs, prepared } = this.#options;
    const hasBase = base === null || typeof readArtifact(blobs, base, 'model') !== 'string';
    return hasBase && prepared.isWhole(data);
  }
}

function inWords(progress: PreparationProgress | null): string {
  if (progress === null) return 'importing the base model';
  const { phase, done, total } = progress;
  const count = done === 0 ? '' : total === null ? `: ${done}` : `: ${done} of ${total}`;
  return preparationPhases[phase] + count;
}
