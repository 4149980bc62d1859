import { isFinal, type PreparationProgress } from '@ringmaster/protocol';
import { newRun, trainerOf, type Checkpoint, type Fault, type Run } from '../runs/run.js';
import type { JobRecord, StoredRun } from '../store/jobs.js';
import type { CountedSteps } from './counted-steps.js';
import type { KnownPoints } from './curve.js';
import type { Pace } from './pace.js';
import type { RunClock } from './run-clock.js';

/** A job that has not ended. */
export interface LiveJob {
  record: JobRecord;
  run: Run;
  readonly clock: RunClock;
  readonly pace: Pace;
  /** The newest points of its loss curve. */
  readonly curve: KnownPoints;
  readonly counted: CountedSteps;
  /** When its record and run were last written, on its own clock. */
  writtenAt: number;
  /** What the job is doing, in words, where its state does not tell enough. */
  progress: string | null;
  /** How far the preparation of its data has come, while there is one. */
  preparation: PreparationProgress | null;
  /** Why it is launched nowhere: what was prepared is to be made whole, is being made so, or cannot be. */
  repair: 'wanted' | 'begun' | Fault | null;
}

/**
 * The run of a job as a new coordinator takes it up: as it was written, trainers and generations included.
 * @param checkpoints What is kept of it, for a job whose run was never written.
 */
export function resumeRun(
  record: JobRecord,
  stored: StoredRun | null,
  checkpoints: readonly Checkpoint[],
): Run {
  const { spec } = record;
  const { microbatches } = spec.batch;
  const limits = {
    min: Math.min(spec.workers.min, microbatches),
    max: Math.min(spec.workers.max, microbatches),
    microbatches,
    keep: spec.checkpoint.keep,
    keepAtEnd: spec.retention.checkpoints,
    auditEvery: spec.audit.every,
  };
  const run = stored?.run ?? {
    ...newRun(record.id, record.name, limits),
    prepared: record.dataManifest !== null,
    generation: record.generation,
    step: record.step,
    steps: record.steps,
    checkpoints,
  };
  // A preparation ended with the coordinator that had it made; it is begun again.
  return run.state === 'preparing' ? { ...run, state: 'queued' } : run;
}

/** The record of a job after its run has changed from `before`. */
export function withRun(record: JobRecord, before: Run, run: Run, at: string): JobRecord {
  const { state, generation, step, steps, parameters, error } = run;
  const isSame = run.ring === before.ring && run.trainers === before.trainers;
  const workers = isSame ? record.workers : workersOf(run);
  return {
    ...record,
    state,
    generation,
    step,
    steps,
    parameters,
    error,
    // Of a job that has ended, or waits, those that took part last.
    workers: workers.length > 0 ? workers : record.workers,
    result: run.result,
    startedAt: record.startedAt ?? (state === 'running' ? at : null),
    endedAt: record.endedAt ?? (isFinal(state) ? at : null),
  };
}

/** Workers of the ring that is in force; where there is none, of all trainers. */
function workersOf(run: Run): string[] {
  const seated = (run.ring?.members ?? []).flatMap(({ trainer }) => trainerOf(run, trainer) ?? []);
  const present = seated.length > 0 ? seated : run.trainers;
  return [...new Set(present.map(({ worker }) => worker))];
}
