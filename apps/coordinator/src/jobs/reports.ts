import type { BlobStore } from '@ringmaster/data';
import type { TrainerMessage } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Garbage } from '../artifacts/garbage.js';
import { readArtifact } from '../artifacts/references.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Departure, RunEvent } from '../runs/event.js';
import { believedRank } from '../runs/ring/fence.js';
import { trainerOf } from '../runs/run.js';
import type { JobRecord } from '../store/jobs.js';
import type { Store } from '../store/store.js';
import type { Runs } from './apply.js';
import { pointOf } from './curve.js';
import type { JobEvents } from './events.js';
import type { LiveJob } from './record.js';
import type { JobRegistry } from './registry.js';
import { verified } from './verify.js';

type Progress = Extract<TrainerMessage, { type: 'progress' }>;

export interface ReportsOptions {
  readonly registry: JobRegistry;
  readonly runs: Runs;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly garbage: Garbage;
  readonly metrics: Metrics;
  readonly events: JobEvents;
  readonly log: Logger;
}

/** Takes in what is told of trainers: by themselves, and by their workers. */
export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** Takes a trainer's message, in so far as what it claims to have made durable is there. */
  onMessage(worker: string, trainer: string, message: TrainerMessage): void {
    const { registry, runs, blobs, log } = this.#options;
    const live = registry.holding(trainer);
    if (live === null) {
      if (message.type === 'checkpointed') this.#refuse(message.manifest);
      if (message.type === 'progress') this.#onLastProgress(worker, trainer, message);
      return;
    }
    const believed = verified(blobs, message);
    if (believed === null) {
      log.warn({ job: live.record.id, trainer, message }, 'checkpoint is not whole');
      return;
    }
    const event = { type: 'message', trainer, message: believed } as const;
    if (believed.type === 'progress') this.#onProgress(live, worker, event, believed);
    else runs.apply(live, event);
  }

  /** A trainer has come to its end. */
  onGone(trainer: string, departure: Departure): void {
    const live = this.#options.registry.holding(trainer);
    if (live !== null) this.#options.runs.apply(live, { type: 'gone', trainer, departure });
  }

  /** The slots of trainers are wanted. */
  onReleased(trainers: readonly string[], reason: string): void {
    const { registry, runs } = this.#options;
    for (const live of registry.live) {
      const released = trainers.filter((id) => trainerOf(live.run, id) !== undefined);
      if (released.length > 0) runs.apply(live, { type: 'released', trainers: released, reason });
    }
  }

  #onProgress(
    live: LiveJob,
    worker: string,
    event: RunEvent & { readonly trainer: string },
    message: Progress,
  ): void {
    const { runs, store, metrics, events } = this.#options;
    const { id } = live.record;
    const { steps, evaluations, generation } = message;
    // A step is the same whoever tells of it, and its rank 0 may have died before it could.
    const unknown = live.curve.unknown(steps.map(pointOf));
    const isNews = unknown.length > 0 || evaluations.length > 0;
    const fresh = isNews
      ? store.transaction(() => ({
          points: store.history.addSteps(id, unknown),
          evaluations: store.history.addEvaluations(id, evaluations),
        }))
      : { points: [], evaluations: [] };
    live.curve.add(unknown);
    metrics.recordApplied(id, live.counted.uncounted(generation, steps));
    const rank = believedRank(live.run, event.trainer, generation);
    if (rank !== null) {
      metrics.recordSteps(id, worker, rank, steps);
      live.pace.add(generation, rank, worker, steps);
      runs.apply(live, event, rank > 0 ? {} : figuresOf(live, message));
    }
    for (const point of fresh.points) events.publish(id, { type: 'step', point });
    for (const report of fresh.evaluations)
      events.publish(id, { type: 'evaluation', evaluation: report });
  }

  /** A job ends when its rank 0 says so; what other ranks did in the last steps may be told later. */
  #onLastProgress(worker: string, trainer: string, { generation, steps }: Progress): void {
    const ended = this.#options.registry.heldBefore(trainer);
    const rank = ended === null ? null : believedRank(ended.run, trainer, generation);
    if (rank !== null) ended?.pace.add(generation, rank, worker, steps);
  }

  /** Releases a checkpoint that came too late for its job; of a job that goes on, it may be made again. */
  #refuse(manifest: string): void {
    const { registry, blobs, garbage } = this.#options;
    const found = readArtifact(blobs, manifest, 'checkpoint');
    if (typeof found === 'string' || registry.get(found.job ?? '') !== null) return;
    garbage.release(manifest);
  }
}

/** What a job shows of what its rank 0 has reported. */
function figuresOf(
  { pace, record }: LiveJob,
  { steps, evaluations }: Progress,
): Partial<JobRecord> {
  const { tokensPerSecond, secondsPerStep, ranks } = pace;
  const loss = steps.at(-1)?.loss ?? record.loss;
  const evaluation = evaluations.at(-1) ?? record.evaluation;
  return { loss, tokensPerSecond, secondsPerStep, evaluation, ranks };
}
