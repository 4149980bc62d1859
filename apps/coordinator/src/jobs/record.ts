import { isFinal, type JobView } from '@ringmaster/protocol';
import { newRun, type Checkpoint, type Run } from '../runs/run.js';
import type { JobRecord } from '../store/jobs.js';
import type { Pace } from './pace.js';

/** A job that has not ended. */
export interface LiveJob {
  record: JobRecord;
  run: Run;
  readonly pace: Pace;
  /** What it is doing, in words, where its state does not tell enough. */
  progress: string | null;
}

/** The run of a job as a new coordinator takes it up: no trainer is known, so it goes on from its checkpoints. */
export function resumeRun(record: JobRecord, checkpoints: readonly Checkpoint[]): Run {
  const { spec } = record;
  const { microbatches } = spec.batch;
  const limits = {
    min: Math.min(spec.workers.min, microbatches),
    max: Math.min(spec.workers.max, microbatches),
    microbatches,
    keep: spec.checkpoint.keep,
  };
  return {
    ...newRun(record.id, record.name, limits),
    prepared: record.dataManifest !== null,
    ...{ generation: record.generation, step: record.step, steps: record.steps },
    ...{ numerics: record.numerics, strikes: record.strikes, checkpoints },
    strikesEver: record.strikes.length,
  };
}

/** The record of a job after its run has changed. */
export function withRun(record: JobRecord, run: Run, at: string): JobRecord {
  const { state, generation, step, steps, error } = run;
  return {
    ...record,
    ...{ state, generation, step, steps, error },
    numerics: run.numerics === null ? null : { ...run.numerics },
    strikes: run.strikes.map((strike) => ({ ...strike, members: [...strike.members] })),
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
    workers: [...new Set(live?.run.trainers.map(({ worker }) => worker))],
    ranks: [],
    loss,
    throughput: { tokensPerSecond },
    evaluation,
    etaSeconds: left === null || secondsPerStep === null ? null : left * secondsPerStep,
    progress: state === 'preparing' || state === 'queued' ? (live?.progress ?? null) : null,
    ...{ createdAt, startedAt, endedAt, result, error },
  };
}
