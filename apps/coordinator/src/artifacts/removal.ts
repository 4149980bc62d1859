import { statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { claimedSince, type BlobStore } from '@ringmaster/data';
import { isFinal, PRUNED_NAMED, RingmasterError, type PruneView } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { BackgroundWork } from '../background-work.js';
import type { Housekeeping } from '../housekeeping.js';
import type { JobLogs } from '../jobs/logs.js';
import type { Metrics } from '../metrics/metrics.js';
import { find } from '../names/find.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { Garbage } from './garbage.js';
import type { PreparedData } from './prepared-data.js';
import type { Reachable } from './reachable.js';

/** Jobs that are removed without a pause. */
const BATCH = 50;

export interface RemovalOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly reachable: Reachable;
  readonly prepared: PreparedData;
  readonly garbage: Garbage;
  readonly logs: JobLogs;
  readonly metrics: Metrics;
  readonly housekeeping: Housekeeping;
  readonly background: BackgroundWork;
  readonly log: Logger;
}

/**
 * Removes what a user asks to be removed, if no job that has not ended needs it: whether one does is judged, and the
 * thing is gone from the store, without a pause in which a job could be submitted.
 */
export class Removal {
  readonly #options: RemovalOptions;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /**
   * Removes the record of an ended job, its curve, log and checkpoints. Its model stays.
   * @throws JOB_STATE_CONFLICT, JOB_IN_USE
   */
  job({ id, state }: Pick<JobRecord, 'id' | 'state'>): void {
    if (!isFinal(state)) throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb: 'go' });
    const job = this.#options.store.needs.ofJob(id);
    if (job !== null) throw new RingmasterError('JOB_IN_USE', { id, job });
    this.#removeJobs([id]);
  }

  /** Removes a model. @throws MODEL_IN_USE */
  model(id: string): void {
    const { store, garbage } = this.#options;
    const job = store.needs.ofModel(id);
    if (job !== null) throw new RingmasterError('MODEL_IN_USE', { id, job });
    store.models.remove(id);
    garbage.release(id);
  }

  /**
   * Removes prepared data: whatever was prepared from the same sources is prepared anew when it is asked for.
   * @param reference SHA-256 of their manifest, or how only that begins.
   * @throws DATA_NOT_FOUND, DATA_IN_USE, REFERENCE_AMBIGUOUS
   */
  data(reference: string): void {
    const { store, prepared } = this.#options;
    const found = find(prepared, reference);
    if (found === null) throw new RingmasterError('DATA_NOT_FOUND', { id: reference });
    const { id } = found;
    const job = store.needs.ofData(id);
    if (job !== null || !this.#unusedData(Infinity).includes(id))
      throw new RingmasterError('DATA_IN_USE', { id, job });
    this.#removeData(id);
  }

  /**
   * Removes jobs that ended before a time, data that no job has taken since, and blobs that nothing refers to. Models
   * stay. It is cut short where the coordinator ends.
   * @param before Milliseconds since 1970.
   */
  async prune(before: number, dryRun: boolean): Promise<PruneView> {
    const { reachable, log } = this.#options;
    await reachable.load();
    if (dryRun) return this.#foresee(before);
    const { garbage, background } = this.#options;
    const jobs: string[] = [];
    let bytes = 0;
    while (!background.signal.aborted) {
      const batch = this.#endedBefore(before, BATCH);
      if (batch.length === 0) break;
      bytes += this.#removeJobs(batch);
      jobs.push(...batch);
      await breathe();
    }
    const data = this.#unusedData(before);
    for (const id of data) bytes += this.#removeData(id);
    bytes += (await garbage.sweep(Date.now())).bytes;
    const view = { dryRun, jobs: named(jobs), data: named(data), bytes };
    log.info({ jobs: jobs.length, data: data.length, bytes }, 'pruned');
    return view;
  }

  /** What `prune` would do. */
  async #foresee(before: number): Promise<PruneView> {
    const { store, blobs, reachable, garbage } = this.#options;
    const jobs = this.#endedBefore(before, Number.MAX_SAFE_INTEGER);
    const data = this.#unusedData(before);
    const gone = new Set([
      ...jobs.flatMap((id) => store.checkpoints.of(id).map(({ manifest }) => manifest)),
      ...data,
    ]);
    const [now, then] = [reachable.blobs(), reachable.blobs(gone)];
    const freed = [...now.keys()].filter((blob) => !then.has(blob));
    let bytes = 0;
    for (const blob of freed)
      bytes += statSync(blobs.path(blob), { throwIfNoEntry: false })?.size ?? 0;
    const newest = garbage.newestUnused(Date.now());
    for await (const { sha256, bytes: size, putMs } of blobs.list())
      if (putMs <= newest && !now.has(sha256)) bytes += size;
    return { dryRun: true, jobs: named(jobs), data: named(data), bytes };
  }

  #endedBefore(before: number, limit: number): string[] {
    return this.#options.store.needs.endedBefore(new Date(before).toISOString(), limit);
  }

  /** Data that no request has given since a time, nor since a preparation began that is still at work. */
  #unusedData(before: number): string[] {
    const { store, blobs, prepared } = this.#options;
    const unused = prepared.unusedSince(Math.min(before, claimedSince(blobs.root) ?? Infinity));
    return unused.filter((id) => store.needs.ofData(id) === null);
  }

  #removeJobs(ids: readonly string[]): number {
    const { store, garbage, logs, metrics, housekeeping, log } = this.#options;
    const checkpoints = ids.flatMap((id) => store.checkpoints.of(id));
    store.transaction(() => {
      for (const id of ids) store.removals.removeJob(id);
    });
    for (const id of ids) {
      logs.remove(id);
      metrics.forget(id);
    }
    housekeeping.soon();
    log.info({ jobs: ids }, 'jobs removed');
    return checkpoints.reduce((sum, { manifest }) => sum + garbage.release(manifest).bytes, 0);
  }

  #removeData(id: string): number {
    const { prepared, garbage } = this.#options;
    prepared.forget(id);
    return garbage.release(id).bytes;
  }
}

function named(ids: readonly string[]): PruneView['jobs'] {
  return { count: ids.length, ids: ids.slice(0, PRUNED_NAMED) };
}
