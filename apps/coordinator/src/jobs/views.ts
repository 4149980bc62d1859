import { isFinal, type JobView, type PreparerView, type ProfileView } from '@ringmaster/protocol';
import { jobOf } from '../names/names.js';
import type { Offer } from '../scheduler/demand.js';
import { largestMemory } from '../scheduler/memory.js';
import type { Base, JobFilter, JobRecord, ListedJob } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { JobEvents } from './events.js';
import type { LiveJob } from './record.js';
import type { JobRegistry } from './registry.js';

/** What users see of jobs, live ones and those in the store alone. */
export class JobViews {
  readonly #registry: JobRegistry;
  readonly #store: Store;
  readonly #events: JobEvents;
  readonly #offers: () => readonly Offer[];
  readonly #preparers: (job: string) => readonly PreparerView[];

  /**
   * @param offers The slots that workers offer now.
   * @param preparers Who does the tasks of a job's preparation now.
   */
  constructor(
    registry: JobRegistry,
    store: Store,
    events: JobEvents,
    offers: () => readonly Offer[],
    preparers: (job: string) => readonly PreparerView[],
  ) {
    this.#registry = registry;
    this.#store = store;
    this.#events = events;
    this.#offers = offers;
    this.#preparers = preparers;
  }

  /** The record of a job by what it is referred to as. @throws JOB_NOT_FOUND, REFERENCE_AMBIGUOUS */
  record(reference: string): JobRecord {
    const found = jobOf(this.#store, reference);
    return this.#registry.get(found.id)?.record ?? found;
  }

  /** A job as the API shows it. @throws JOB_NOT_FOUND, REFERENCE_AMBIGUOUS */
  view(reference: string): JobView {
    return this.#viewOf(this.record(reference));
  }

  /** Jobs as the API shows them, newest first. @param before Id of the job behind which the list goes on. */
  list(limit: number, before: string | null, filter: JobFilter): JobView[] {
    return this.#store.jobs
      .list(limit, before, filter)
      .map((found) => this.#viewOf(this.#registry.get(found.id)?.record ?? found));
  }

  /** Where the time of the newest steps went. @throws JOB_NOT_FOUND, REFERENCE_AMBIGUOUS */
  profile(reference: string): ProfileView {
    const { id, generation } = this.record(reference);
    return { job: id, ...(this.#registry.paceOf(id)?.profile ?? { generation, ranks: [] }) };
  }

  /** Jobs that a job comes after and that have not succeeded, in words: name and id. */
  pending({ after }: Pick<JobRecord, 'after'>): string[] {
    return after.flatMap((id) => {
      const other = this.#store.jobs.get(id);
      return other?.state === 'succeeded' ? [] : [`${other?.name ?? 'a job that is gone'} (${id})`];
    });
  }

  /** Tells listeners how a job stands. */
  tell({ record }: LiveJob): void {
    if (!this.#events.isFollowed(record.id)) return;
    this.#events.publish(record.id, { type: 'job', job: this.#viewOf(record) });
  }

  /** Tells listeners of jobs in line how these stand; what they wait for may have changed. */
  tellInLine(): void {
    for (const id of this.#events.followed()) {
      const record = this.#registry.get(id) === null ? this.#store.jobs.inLine(id) : null;
      if (record !== null) this.#events.publish(id, { type: 'job', job: this.#viewOf(record) });
    }
  }

  #viewOf(record: ListedJob): JobView {
    const live = this.#registry.get(record.id);
    if (hasStoppedEarly(record)) {
      const model = this.#store.models.get(record.result?.model ?? '');
      return viewOf(record, live, null, model?.manifest.weights?.step ?? null);
    }
    if (live !== null || record.state !== 'queued')
      return { ...viewOf(record, live), preparers: [...this.#preparers(record.id)] };
    return viewOf(record, null, waitInLine(record, this.pending(record), this.#offers()));
  }
}

/**
 * A job as the API shows it.
 * @param progress What it is doing, in words, where its state does not tell enough.
 * @param weightsStep The step whose weights its model has, where that is known.
 */
export function viewOf(
  record: ListedJob,
  live: LiveJob | null,
  progress = live === null ? null : progressOf(live),
  weightsStep: number | null = null,
): JobView {
  const { spec, state, step, steps, secondsPerStep } = record;
  const left = steps === null || isFinal(state) ? null : steps - step;
  return {
    id: record.id,
    name: record.name,
    kind: spec.kind,
    state,
    priority: spec.priority,
    after: record.after,
    base: baseView(record.base, record.baseManifest),
    step,
    steps,
    parameters: record.parameters,
    memory: record.memory,
    generation: record.generation,
    workers: isFinal(state) || (live?.run.trainers.length ?? 0) > 0 ? record.workers : [],
    ranks: record.ranks,
    loss: record.loss,
    throughput: { tokensPerSecond: record.tokensPerSecond },
    stoppedEarly: stoppedEarlyOf(record, weightsStep),
    evaluation: record.evaluation,
    etaSeconds: left === null || secondsPerStep === null ? null : left * secondsPerStep,
    progress,
    preparation: record.state === 'preparing' ? (live?.preparation ?? null) : null,
    preparers: [],
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
    result: record.result,
    error: record.error,
  };
}

/** Whether early stopping has ended a job before its last step. */
function hasStoppedEarly({ spec, state, step, steps }: ListedJob): boolean {
  return (spec.earlyStopping ?? null) !== null && state === 'succeeded' && step < (steps ?? 0);
}

function stoppedEarlyOf(record: ListedJob, weightsStep: number | null): JobView['stoppedEarly'] {
  const { earlyStopping = null } = record.spec;
  if (earlyStopping === null || !hasStoppedEarly(record)) return null;
  return { metric: earlyStopping.metric, patience: earlyStopping.patience, weightsStep };
}

/**
 * The base of a job as the API shows it.
 * @param baseManifest Of the model that a job makes or a directory holds, once it is known.
 */
export function baseView(base: Base | null, baseManifest: string | null): JobView['base'] {
  if (base === null) return null;
  return {
    model: base.type === 'model' ? base.manifest : baseManifest,
    job: base.type === 'job' ? base.job : null,
    directory: base.type === 'directory' ? base.path : null,
  };
}

function progressOf({ run, progress }: LiveJob): string | null {
  if (run.leave !== null) return `its state is being saved: ${run.leave.reason}`;
  return run.state === 'preparing' || run.state === 'queued' ? progress : null;
}

/** What a job whose data have not been prepared waits for, in words. */
export function waitInLine(
  { memory }: Pick<ListedJob, 'memory'>,
  pending: readonly string[],
  offers: readonly Offer[],
): string {
  if (pending.length > 0) return `waits for ${pending.join(', ')}`;
  return waitForMemory(memory, offers) ?? 'waits for the preparation of other data';
}

/** That no worker has the memory that a job takes, in words; null where one has, or that is not known. */
function waitForMemory(memory: ListedJob['memory'], offers: readonly Offer[]): string | null {
  const largest = largestMemory(offers);
  if (memory === null || largest === null || memory.least <= largest) return null;
  return `waits for a worker with more memory: it needs ${gigabytes(memory.least)} on each, and the largest offers ${gigabytes(largest)}; fewer sequences a microbatch or batch.recompute take less, and --memory of a worker offers more`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What a queued job whose data have been prepared waits for, in words. */
export function waitForSlots(
  { record, run }: LiveJob,
  offers: readonly Offer[],
  awaits: boolean,
): string {
  const tooLarge = waitForMemory(record.memory, offers);
  if (tooLarge !== null) return tooLarge;
  const { threads } = record.spec.workers;
  const needed = record.memory?.least ?? 0;
  const usable = offers.filter(
    ({ worker, memory, ...offer }) =>
      offer.threads >= threads &&
      (memory === null || memory.bytes >= needed) &&
      !run.excluded.includes(worker),
  );
  const exist = usable.reduce((sum, { slots }) => sum + slots, 0);
  const free = usable.reduce((sum, offer) => sum + offer.free, 0);
  const freeing = awaits ? ', some are being freed for it' : '';
  const need = run.limits.min - run.trainers.length;
  const threaded = threads === 1 ? '' : ` with ${threads} threads`;
  // Where there are enough free slots, others may have their memory.
  const roomy = free >= need && needed > 0 ? ` and ${gigabytes(needed)} of memory for each` : '';
  return `waits for ${need} ${need === 1 ? 'slot' : 'slots'}${threaded}${roomy}; ${exist} exist, ${free} free${freeing}`;
}
