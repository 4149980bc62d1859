import { checkSources, type BlobStore, type Roots } from '@ringmaster/data';
import {
  dataOf,
  RingmasterError,
  type JobCheck,
  type JobSpec,
  type JobView,
  type MemoryNeeds,
} from '@ringmaster/protocol';
import { memoryNeedsOf } from '@ringmaster/tasks';
import type { Logger } from 'pino';
import type { Fleet } from '../fleet/fleet.js';
import { newId } from '../identifiers.js';
import type { RunEvent } from '../runs/event.js';
import { largestMemory } from '../scheduler/memory.js';
import type { Store } from '../store/store.js';
import type { Runs } from './apply.js';
import { checkModelOf } from './check-model.js';
import { settleDependencies } from './dependencies.js';
import { requirePathsWithin } from './paths.js';
import type { JobRegistry } from './registry.js';
import { baseView, viewOf, type JobViews } from './views.js';

export interface JobsOptions {
  readonly registry: JobRegistry;
  readonly runs: Runs;
  readonly views: JobViews;
  readonly store: Store;
  readonly fleet: Fleet;
  readonly blobs: BlobStore;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Directories that jobs may name files under; null for all. */
  readonly dataRoots: Roots;
  /** Called when something may be ready to be scheduled. */
  readonly onChange: () => void;
}

/** What users ask of jobs. */
export class Jobs {
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /**
   * Checks what can be known of a job before it has an id.
   * @returns What submitting it would settle now.
   * @throws DATA_PATH_REFUSED, DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN; what is wrong with the model that it
   * trains
   */
  async check(spec: JobSpec): Promise<JobCheck> {
    const { store, fleet, blobs, dataRoots } = this.#options;
    requirePathsWithin(spec, dataRoots);
    await checkSources(dataOf(spec), dataRoots);
    const model = await checkModelOf(spec, store, blobs, dataRoots);
    const { after, base } = settleDependencies(store, spec);
    const memory = model === null ? null : memoryNeedsOf(spec, model);
    return { after, base: baseView(base, null), memory, offered: largestMemory(fleet.offers()) };
  }

  /**
   * Puts a job in the line.
   * @param memory What `check` has found that it takes.
   * @throws DATA_PATH_REFUSED, JOB_DEPENDENCY_UNKNOWN, DISK_FULL
   */
  submit(spec: JobSpec, memory: MemoryNeeds | null): JobView {
    const { store, onChange, dataRoots, log, clock } = this.#options;
    requirePathsWithin(spec, dataRoots);
    const record = store.transaction(() => {
      const now = Date.now();
      const dependencies = settleDependencies(store, spec);
      const createdAt = new Date(now).toISOString();
      return store.jobs.insert({ id: newId('j', now), spec, ...dependencies, memory, createdAt });
    });
    const { id, name } = record;
    log.info({ job: id, name, at: clock() }, 'job submitted');
    onChange();
    return viewOf(record, null);
  }

  /** Cancels a job. @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  cancel(reference: string): JobView {
    return this.#ask(reference, 'be cancelled', { type: 'cancelled' });
  }

  /** Has a job save its state and give its slots back. @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  pause(reference: string): JobView {
    return this.#ask(reference, 'be paused', { type: 'paused' });
  }

  /** Has a job that is paused, or about to be, go on. @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  resume(reference: string): JobView {
    const { registry, views } = this.#options;
    const { id, state } = views.record(reference);
    const isPausing = registry.get(id)?.run.leave?.until === 'resumed';
    if (state !== 'paused' && !isPausing)
      throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb: 'be resumed' });
    return this.#ask(reference, 'be resumed', { type: 'resumed' });
  }

  #ask(reference: string, verb: string, event: RunEvent): JobView {
    const { registry, runs, views } = this.#options;
    const record = views.record(reference);
    const { id, state } = record;
    const isInLine = state === 'queued' && registry.get(id) === null;
    const live = isInLine ? runs.begin(record) : registry.get(id);
    if (live === null) throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb });
    runs.apply(live, event);
    return viewOf(live.record, live);
  }
}
