import { isFinal, type JobView } from '@ringmaster/protocol';
import { newRun, trainerOf, type Checkpoint, type Run } from '../runs/run.js';
import type { JobRecord, StoredRun } from '../store/jobs.js';
import type { Pace } from './pace.js';
import type { RunClock } from './run-clock.js';

/** A job that has not ended. */
export interface LiveJob {
  record: JobRecord;
  run: Run;
  readonly clock: RunClock;
  readonly pace: Pace;
  /** What it is doing, in words, where its state does not tell enough. */
  progress: string | null;
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
    auditEvery: spec.audit.every,
  };
  const run = stored?.run ?? {
    ...newRun(record.id, record.name, limits),
    prepared: record.dataManifest !== null,
    ...{ generation: record.generation, step: record.step, steps: record.steps, checkpoints },
  };
  // A preparation ended with the coordinator that had it made; it is begun again.
  return run.state === 'preparing' ? { ...run, state: 'queued' } : run;
}

/** The record of a job after its run has changed. */
export function withRun(record: JobRecord, run: Run, at: string): JobRecord {
  const { state, generation, step, steps, error, ring } = run;
  const seated = (ring?.members ?? []).flatMap(({ trainer }) => trainerOf(run, trainer) ?? []);
  const present = seated.length > 0 ? seated : run.trainers;
  const workers = [...new Set(present.map(({ worker }) => worker))];
  return {
    ...record,
    ...{ state, generation, step, steps, error },
    // Of a job that has ended, or waits, those that took part last.
    workers: workers.length > 0 ? workers : record.workers,
    result: run.result === null ? null : { ...run.result, metrics: { ...run.result.metrics } },
    startedAt: record.startedAt ?? (state === 'running' ? at : null),
    endedAt: record.endedAt ?? (isFinal(state) ? at : null),
  };
}

/** What the API shows of a job. */
export function viewOf(record: JobRecord, live: LiveJob | null): JobView {
  const { id, name, spec, state, after, step, steps, generation, loss, evaluation } = record;
  const { secondsPerStep, tokensPerSecond, createdAt, startedAt, endedAt, result, error } = record;
  const left = steps === null || isFinal(state) ? null : steps - step;
  return {
    ...{
      id,
      name,
      kind: spec.kind,
      state,
      priority: spec.priority,
      after,
      step,
      steps,
      generation,
    },
    workers: isFinal(state) || (live?.run.trainers.length ?? 0) > 0 ? record.workers : [],
    ranks: record.ranks,
    loss,
    throughput: { tokensPerSecond },
    evaluation,
    etaSeconds: left === null || secondsPerStep === null ? null : left * secondsPerStep,
    progress: live === null ? null : progressOf(live),
    ...{ createdAt, startedAt, endedAt, result, error },
  };
}

function progressOf({ run, progress }: LiveJob): string | null {
  if (run.leave !== null) return `its state is being saved: ${run.leave.reason}`;
  return run.state === 'preparing' || run.state === 'queued' ? progress : null;
}
