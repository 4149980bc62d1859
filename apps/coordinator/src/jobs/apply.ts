import { isDeepStrictEqual } from 'node:util';
import { isFinal } from '@ringmaster/protocol';
import type { RunEvent } from '../runs/event.js';
import type { Run } from '../runs/run.js';
import { transition } from '../runs/transition.js';
import type { JobRecord } from '../store/jobs.js';
import { carryOut, remember, type CommandParts } from './commands.js';
import { concernsScheduler } from './demand.js';
import { withRun, type LiveJob } from './record.js';
import type { JobViews } from './views.js';

/** How often a job is written that does nothing but make steps. */
const MOVEMENT_WRITTEN_MS = 1000;

export interface RunsOptions extends CommandParts {
  readonly views: JobViews;
  /** Called when something may be ready to be scheduled. */
  readonly onChange: () => void;
}

/** The runs of the live jobs: each event goes through its run's transition, the store, and then out. */
export class Runs {
  readonly #options: RunsOptions;

  constructor(options: RunsOptions) {
    this.#options = options;
    for (const { record } of options.registry.live) options.metrics.open(record.id);
  }

  /** Takes a job out of the line: something is about to happen to it. */
  begin(record: JobRecord): LiveJob {
    const live = this.#options.registry.begin(record);
    this.#options.metrics.open(record.id);
    return live;
  }

  /** Lets deadlines pass. */
  tick(): void {
    const { registry } = this.#options;
    for (const live of registry.live)
      if (!live.clock.isHeld && !isIdle(live.run)) this.apply(live, { type: 'tick' });
    registry.forget();
  }

  /**
   * Applies an event to a job's run. What it changes is durable before anything is sent; how far the job has come is
   * written with that, and otherwise now and then, for ranks will tell again.
   * @param patch What else the event tells of the job.
   */
  apply(live: LiveJob, event: RunEvent, patch: Partial<JobRecord> = {}): void {
    const { store, blobs, metrics, registry, onChange } = this.#options;
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
        for (const command of commands) remember(store, blobs, record, command, at);
      });
      live.writtenAt = now;
    }
    registry.update(live, record, run);
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
    this.#options.views.tell(live);
  }

  #end(live: LiveJob): void {
    const { metrics, log } = this.#options;
    const { id, state } = live.record;
    live.progress = null;
    metrics.end(id);
    log.info({ job: id, state }, 'job ended');
  }
}

/** Whether a run has nothing that a deadline could be for: it waits, and holds nothing. */
function isIdle({ trainers, ring, planned, saving, leave, strandedSince }: Run): boolean {
  const holds = trainers.length > 0 || ring !== null || planned.length > 0;
  return !holds && saving === null && leave === null && strandedSince === null;
}

/** Keys of whatever moves with every report of a rank. */
const MOVING: ReadonlySet<string> = new Set([
  'step',
  'loss',
  'tokensPerSecond',
  'secondsPerStep',
  'ranks',
]);

/** How two versions of one thing differ: not at all, in nothing but what moves with every report, or otherwise. */
export type Difference = 'none' | 'movement' | 'change';

/** @param ignored A key that does not count. */
export function difference<Version extends object>(
  before: Version,
  after: Version,
  ignored?: keyof Version,
): Difference {
  let found: Difference = 'none';
  for (const key of Object.keys(after) as (keyof Version & string)[]) {
    if (key === ignored || before[key] === after[key]) continue;
    // What is made anew on the way may still be the same.
    if (isDeepStrictEqual(before[key], after[key])) continue;
    if (!MOVING.has(key)) return 'change';
    found = 'movement';
  }
  return found;
}
