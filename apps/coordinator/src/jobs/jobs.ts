import { checkSources, type BlobStore, type Roots } from '@ringmaster/data';
import {
  dataOf,
  isFinal,
  RingmasterError,
  type JobCheck,
  type JobSpec,
  type JobView,
  type ProfileView,
  type TrainerMessage,
} from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Garbage } from '../artifacts/garbage.js';
import { readArtifact } from '../artifacts/references.js';
import { newId } from '../identifiers.js';
import type { Metrics } from '../metrics/metrics.js';
import { jobOf } from '../names/names.js';
import type { Preparation } from '../preparation/preparation.js';
import type { Departure, RunEvent } from '../runs/event.js';
import { believedRank } from '../runs/ring/fence.js';
import { trainerOf, type Run } from '../runs/run.js';
import { transition } from '../runs/transition.js';
import type { JobFilter, JobRecord, ListedJob } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import { checkBaseOf } from './check-base.js';
import { carryOut, remember } from './commands.js';
import { concernsScheduler, waitInLine } from './demand.js';
import { settleDependencies } from './dependencies.js';
import { difference } from './differences.js';
import type { JobEvents } from './events.js';
import type { Fleet } from './fleet.js';
import { Pace } from './pace.js';
import { requirePathsWithin } from './paths.js';
import { baseView, hasStoppedEarly, resumeRun, viewOf, withRun, type LiveJob } from './record.js';
import { pointOf, verified } from './reports.js';
import { RunClock } from './run-clock.js';
import { Told } from './told.js';

/** How long the profile of a job is kept after its end, and of how many. */
const PROFILE_KEPT_MS = 10 * 60_000;
const MOST_PROFILES = 50;
/** How often a job is written that does nothing but make steps. */
const MOVEMENT_WRITTEN_MS = 1000;

export interface JobsOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly garbage: Garbage;
  readonly fleet: Fleet;
  readonly preparation: Preparation;
  readonly metrics: Metrics;
  readonly events: JobEvents;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  /** Directories that jobs may name files under; null for all. */
  readonly dataRoots: Roots;
  /** Called when something may be ready to be scheduled. */
  readonly onChange: () => void;
}

/**
 * The jobs that have begun and have not ended: each event goes through its run's transition, the store, and then out.
 * Those in line, to which nothing has happened yet, are in the store alone, however many they are.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #live = new Map<string, LiveJob>();
  /** Who counts on which trainer; every message of a trainer is looked up here. */
  readonly #byTrainer = new Map<string, LiveJob>();
  readonly #ended: { readonly job: string; readonly at: number; readonly pace: Pace }[] = [];

  /** Takes up again what a coordinator before this one left unfinished. */
  constructor(options: JobsOptions) {
    this.#options = options;
    const { store, clock, metrics } = options;
    for (const { job, stored } of store.jobs.begun()) {
      const run = resumeRun(job, stored, store.checkpoints.of(job.id));
      const record = { ...job, state: run.state };
      const runClock = new RunClock(clock, stored?.at ?? 0, run.trainers.length > 0);
      metrics.open(job.id);
      const live = { record, run, clock: runClock, ...figures() };
      this.#live.set(job.id, live);
      for (const { id } of run.trainers) this.#byTrainer.set(id, live);
    }
  }

  /** Jobs that have begun and have not ended. */
  get live(): LiveJob[] {
    return [...this.#live.values()];
  }

  /**
   * Checks what can be known of a job before it has an id.
   * @returns What submitting it would settle now.
   * @throws DATA_PATH_REFUSED, DATA_NO_FILES, DATA_FILE_EMPTY, DATA_FORMAT_UNKNOWN, JOB_DEPENDENCY_UNKNOWN; what is wrong
   * with its base
   */
  async check(spec: JobSpec): Promise<JobCheck> {
    const { store, blobs, dataRoots } = this.#options;
    requirePathsWithin(spec, dataRoots);
    await checkSources(dataOf(spec), dataRoots);
    await checkBaseOf(spec, store, blobs, dataRoots);
    const { after, base } = settleDependencies(store, spec);
    return { after, base: baseView(base, null) };
  }

  /** @throws DATA_PATH_REFUSED, JOB_DEPENDENCY_UNKNOWN, DISK_FULL */
  submit(spec: JobSpec): JobView {
    const { store, onChange, dataRoots } = this.#options;
    requirePathsWithin(spec, dataRoots);
    const record = store.transaction(() => {
      const now = Date.now();
      const dependencies = settleDependencies(store, spec);
      const createdAt = new Date(now).toISOString();
      return store.jobs.insert({ id: newId('j', now), spec, ...dependencies, createdAt });
    });
    const { id, name } = record;
    this.#options.log.info({ job: id, name, at: this.#options.clock() }, 'job submitted');
    onChange();
    return viewOf(record, null);
  }

  /** Takes a job out of the line: something is about to happen to it. */
  begin(record: JobRecord): LiveJob {
    const { clock, metrics } = this.#options;
    const run = resumeRun(record, null, []);
    const runClock = new RunClock(clock, 0, false);
    const live: LiveJob = { record, run, clock: runClock, ...figures() };
    this.#live.set(record.id, live);
    metrics.open(record.id);
    return live;
  }

  /** @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  cancel(reference: string): JobView {
    return this.#ask(reference, 'be cancelled', { type: 'cancelled' });
  }

  /** A job by what it is referred to as. @throws JOB_NOT_FOUND, REFERENCE_AMBIGUOUS */
  record(reference: string): JobRecord {
    const found = jobOf(this.#options.store, reference);
    return this.#live.get(found.id)?.record ?? found;
  }

  /** @throws JOB_NOT_FOUND */
  view(reference: string): JobView {
    return this.#viewOf(this.record(reference));
  }

  /** Where the time of the newest steps went. @throws JOB_NOT_FOUND */
  profile(reference: string): ProfileView {
    const { id, generation } = this.record(reference);
    const pace = (this.#live.get(id) ?? this.#ended.find(({ job }) => job === id))?.pace;
    return { job: id, ...(pace?.profile ?? { generation, ranks: [] }) };
  }

  /** Newest first. @param before Id of the job behind which the list goes on. */
  list(limit: number, before: string | null, filter: JobFilter): JobView[] {
    return this.#options.store.jobs
      .list(limit, before, filter)
      .map((found) => this.#viewOf(this.#live.get(found.id)?.record ?? found));
  }

  #viewOf(record: ListedJob): JobView {
    const live = this.#live.get(record.id) ?? null;
    if (hasStoppedEarly(record)) {
      const model = this.#options.store.models.get(record.result?.model ?? '');
      return viewOf(record, live, null, model?.manifest.weights?.step ?? null);
    }
    if (live !== null || record.state !== 'queued') return viewOf(record, live);
    return viewOf(record, null, waitInLine(this.pending(record)));
  }

  /** Jobs that this one comes after and that have not succeeded, in words: name and id. */
  pending({ after }: Pick<JobRecord, 'after'>): string[] {
    const { store } = this.#options;
    return after.flatMap((id) => {
      const other = store.jobs.get(id);
      return other?.state === 'succeeded' ? [] : [`${other?.name ?? 'a job that is gone'} (${id})`];
    });
  }

  /** The job that counts on this trainer. */
  holding(trainer: string): LiveJob | null {
    return this.#byTrainer.get(trainer) ?? null;
  }

  onTrainerMessage(worker: string, trainer: string, message: TrainerMessage): void {
    const live = this.holding(trainer);
    if (live === null) {
      if (message.type === 'checkpointed') this.#refuse(message.manifest);
      return;
    }
    const believed = verified(this.#options.blobs, message);
    if (believed === null) {
      this.#options.log.warn({ job: live.record.id, trainer, message }, 'checkpoint is not whole');
      return;
    }
    const event = { type: 'message', trainer, message: believed } as const;
    if (believed.type === 'progress') this.#onProgress(live, worker, event, believed);
    else this.apply(live, event);
  }

  onTrainerGone(trainer: string, departure: Departure): void {
    const live = this.holding(trainer);
    if (live !== null) this.apply(live, { type: 'gone', trainer, departure });
  }

  /** These trainers' slots are wanted. */
  release(trainers: readonly string[], reason: string): void {
    for (const live of this.live) {
      const released = trainers.filter((id) => trainerOf(live.run, id) !== undefined);
      if (released.length > 0) this.apply(live, { type: 'released', trainers: released, reason });
    }
  }

  /** @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  pause(reference: string): JobView {
    return this.#ask(reference, 'be paused', { type: 'paused' });
  }

  /** @throws JOB_NOT_FOUND, JOB_STATE_CONFLICT */
  resume(reference: string): JobView {
    const { id, state } = this.record(reference);
    const isPausing = this.#live.get(id)?.run.leave?.until === 'resumed';
    if (state !== 'paused' && !isPausing)
      throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb: 'be resumed' });
    return this.#ask(reference, 'be resumed', { type: 'resumed' });
  }

  /** Lets deadlines pass. */
  tick(): void {
    for (const live of this.live)
      if (!live.clock.isHeld && !isIdle(live.run)) this.apply(live, { type: 'tick' });
    const oldest = this.#options.clock() - PROFILE_KEPT_MS;
    while (this.#ended[0] !== undefined && this.#ended[0].at < oldest) this.#ended.shift();
  }

  /**
   * Feeds an event to a job's run. What it changes is durable before anything is sent; how far the job has come is
   * written with that, and otherwise now and then, for ranks will tell again.
   * @param patch What else the event tells of the job.
   */
  apply(live: LiveJob, event: RunEvent, patch: Partial<JobRecord> = {}): void {
    const { store, metrics, onChange } = this.#options;
    const before = live.run;
    const now = live.clock.now();
    const { run, commands } = transition(before, event, now);
    const at = new Date().toISOString();
    const record = withRun({ ...live.record, ...patch }, before, run, at);
    const ofRecord = difference(live.record, record);
    const differences = [ofRecord, difference(before, run, 'observed')];
    const isDue = now - live.writtenAt >= MOVEMENT_WRITTEN_MS && differences.includes('movement');
    if (differences.includes('change') || commands.length > 0 || isDue) {
      store.transaction(() => {
        store.jobs.update(record, { at: now, run });
        for (const command of commands) remember(store, this.#options.blobs, record, command, at);
      });
      live.writtenAt = now;
    }
    live.run = run;
    live.record = record;
    if (run.trainers !== before.trainers) {
      for (const { id } of before.trainers) this.#byTrainer.delete(id);
      for (const { id } of run.trainers) this.#byTrainer.set(id, live);
    }
    for (const command of commands) carryOut(this.#options, live, command);
    metrics.recordChange(record.id, before, run);
    if (isFinal(run.state)) this.#end(live);
    const isLeaving = run.leave !== before.leave;
    if (ofRecord !== 'none' || isLeaving || run.trainers.length !== before.trainers.length)
      this.publish(live);
    if (concernsScheduler(before, run)) onChange();
  }

  /** Tells listeners and metrics how a job stands. */
  publish(live: LiveJob): void {
    const { record, run } = live;
    const { step, steps, tokensPerSecond, evaluation } = record;
    const evaluationLoss = evaluation?.loss ?? null;
    const trainers = run.trainers.length;
    const figures = { step, steps, tokensPerSecond, evaluationLoss, trainers };
    this.#options.metrics.recordJob(record.id, figures);
    this.tell(live);
  }

  /** Tells listeners how a job stands. */
  tell({ record }: LiveJob): void {
    const { events } = this.#options;
    if (!events.isFollowed(record.id)) return;
    events.publish(record.id, { type: 'job', job: this.#viewOf(record) });
  }

  /** Tells those who listen to jobs in line how these stand; what they wait for may have changed. */
  tellInLine(): void {
    const { events, store } = this.#options;
    for (const id of events.followed()) {
      const record = this.#live.has(id) ? null : store.jobs.inLine(id);
      if (record !== null) events.publish(id, { type: 'job', job: this.#viewOf(record) });
    }
  }

  #onProgress(
    live: LiveJob,
    worker: string,
    event: RunEvent & { readonly trainer: string },
    message: Extract<TrainerMessage, { type: 'progress' }>,
  ): void {
    const { store, metrics, events } = this.#options;
    const { id } = live.record;
    const { steps, evaluations, generation } = message;
    // A step is the same whoever tells of it, and its rank 0 may have died before it could.
    const unknown = live.told.unknown(steps.map(pointOf));
    const isNews = unknown.length > 0 || evaluations.length > 0;
    const fresh = isNews
      ? store.transaction(() => ({
          points: store.history.addSteps(id, unknown),
          evaluations: store.history.addEvaluations(id, evaluations),
        }))
      : { points: [], evaluations: [] };
    live.told.add(unknown);
    const rank = believedRank(live.run, event.trainer, generation);
    if (rank !== null) {
      metrics.recordSteps(id, worker, rank, steps);
      live.pace.add(generation, rank, worker, steps);
      this.apply(live, event, rank > 0 ? {} : figuresOf(live, message));
    }
    for (const point of fresh.points) events.publish(id, { type: 'step', point });
    for (const report of fresh.evaluations)
      events.publish(id, { type: 'evaluation', evaluation: report });
  }

  /** A checkpoint that came too late for the job that it is of is of no use; of one that goes on, it may be made again. */
  #refuse(manifest: string): void {
    const { blobs, garbage } = this.#options;
    const found = readArtifact(blobs, manifest, 'checkpoint');
    if (typeof found === 'string' || this.#live.has(found.job ?? '')) return;
    garbage.release(manifest);
  }

  #ask(reference: string, verb: string, event: RunEvent): JobView {
    const record = this.record(reference);
    const { id, state } = record;
    const waits = state === 'queued' && !this.#live.has(id);
    const live = waits ? this.begin(record) : this.#live.get(id);
    if (live === undefined) throw new RingmasterError('JOB_STATE_CONFLICT', { id, state, verb });
    this.apply(live, event);
    return viewOf(live.record, live);
  }

  #end(live: LiveJob): void {
    const { id, state } = live.record;
    live.progress = null;
    this.#live.delete(id);
    this.#ended.push({ job: id, at: this.#options.clock(), pace: live.pace });
    if (this.#ended.length > MOST_PROFILES) this.#ended.shift();
    this.#options.metrics.end(id);
    this.#options.log.info({ job: id, state }, 'job ended');
  }
}

/** Whether a run has nothing that a deadline could be for: it waits, and holds nothing. */
function isIdle({ trainers, ring, planned, saving, leave, strandedSince }: Run): boolean {
  const holds = trainers.length > 0 || ring !== null || planned.length > 0;
  return !holds && saving === null && leave === null && strandedSince === null;
}

/** What is known of a job that nobody has reported on. */
function figures(): Pick<LiveJob, 'pace' | 'told' | 'progress' | 'repair' | 'writtenAt'> {
  return { pace: new Pace(), told: new Told(), progress: null, repair: null, writtenAt: -Infinity };
}

/** What a job shows of what its rank 0 has reported. */
function figuresOf(
  { pace, record }: LiveJob,
  { steps, evaluations }: Extract<TrainerMessage, { type: 'progress' }>,
): Partial<JobRecord> {
  const { tokensPerSecond, secondsPerStep, ranks } = pace;
  const loss = steps.at(-1)?.loss ?? record.loss;
  const evaluation = evaluations.at(-1) ?? record.evaluation;
  return { loss, tokensPerSecond, secondsPerStep, evaluation, ranks };
}
