import { isFinal } from '@ringmaster/protocol';
import type { Run } from '../runs/run.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import { CountedSteps } from './counted-steps.js';
import { KnownPoints } from './curve.js';
import { Pace } from './pace.js';
import { resumeRun, type LiveJob } from './record.js';
import { RunClock } from './run-clock.js';

/** How long the pace of a job is kept after its end, and of how many. */
const PACE_KEPT_MS = 10 * 60_000;
const MOST_ENDED = 50;

/** A job that ended not long ago. */
export interface EndedJob {
  readonly job: string;
  readonly at: number;
  readonly pace: Pace;
  /** The run as it was before the event that ended it. */
  readonly run: Run;
}

/**
 * The live jobs, which have begun and have not ended, by id and by trainer. Jobs in line, to which nothing has happened
 * yet, are in the store alone, however many they are.
 */
export class JobRegistry {
  readonly #clock: () => number;
  readonly #live = new Map<string, LiveJob>();
  /** Every message of a trainer is looked up here. */
  readonly #byTrainer = new Map<string, LiveJob>();
  /** Jobs that ended of late, oldest first. */
  readonly #ended: EndedJob[] = [];

  /**
   * Takes up again what a coordinator before this one left unfinished.
   * @param clock Milliseconds of a clock that never goes back.
   */
  constructor(store: Store, clock: () => number) {
    this.#clock = clock;
    for (const { job, stored } of store.jobs.begun()) {
      const run = resumeRun(job, stored, store.checkpoints.of(job.id));
      const isHeld = run.trainers.length > 0;
      const live = newLive(
        { ...job, state: run.state },
        run,
        new RunClock(clock, stored?.at ?? 0, isHeld),
      );
      this.#live.set(job.id, live);
      for (const { id } of run.trainers) this.#byTrainer.set(id, live);
    }
  }

  /** All live jobs, in the order in which they began. */
  get live(): LiveJob[] {
    return [...this.#live.values()];
  }

  /** The live job of an id. */
  get(id: string): LiveJob | null {
    return this.#live.get(id) ?? null;
  }

  /** The live job that counts on a trainer. */
  holding(trainer: string): LiveJob | null {
    return this.#byTrainer.get(trainer) ?? null;
  }

  /** How fast a job runs, or ran at its end, if that was not long ago. */
  paceOf(id: string): Pace | null {
    const found = this.#live.get(id) ?? this.#ended.find(({ job }) => job === id);
    return found?.pace ?? null;
  }

  /** The job that counted on a trainer until it ended, if that was not long ago. */
  heldBefore(trainer: string): EndedJob | null {
    const held = ({ run }: EndedJob) => run.trainers.some(({ id }) => id === trainer);
    return this.#ended.findLast(held) ?? null;
  }

  /** Takes a job out of the line. */
  begin(record: JobRecord): LiveJob {
    const run = resumeRun(record, null, []);
    const live = newLive(record, run, new RunClock(this.#clock, 0, false));
    this.#live.set(record.id, live);
    return live;
  }

  /** Notes what an event has made of a live job, and takes it off when it has ended. */
  update(live: LiveJob, record: JobRecord, run: Run): void {
    const before = live.run;
    live.run = run;
    live.record = record;
    if (isFinal(run.state)) this.#end(live, before);
    if (run.trainers === before.trainers) return;
    for (const { id } of before.trainers) this.#byTrainer.delete(id);
    for (const { id } of run.trainers) this.#byTrainer.set(id, live);
  }

  /** Takes off a job that has ended. */
  #end({ record, pace }: LiveJob, before: Run): void {
    this.#live.delete(record.id);
    this.#ended.push({ job: record.id, at: this.#clock(), pace, run: before });
    if (this.#ended.length > MOST_ENDED) this.#ended.shift();
  }

  /** Forgets jobs that ended long ago. */
  forget(): void {
    const oldest = this.#clock() - PACE_KEPT_MS;
    while (this.#ended[0] !== undefined && this.#ended[0].at < oldest) this.#ended.shift();
  }
}

function newLive(record: JobRecord, run: Run, clock: RunClock): LiveJob {
  return {
    record,
    run,
    clock,
    pace: new Pace(),
    curve: new KnownPoints(),
    counted: new CountedSteps(),
    writtenAt: -Infinity,
    progress: null,
    preparation: null,
    repair: null,
  };
}
