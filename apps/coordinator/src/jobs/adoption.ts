import type { KeptCheckpoint } from '@ringmaster/protocol';
import type { BlobStore } from '@ringmaster/data';
import type { Logger } from 'pino';
import type { Departure } from '../runs/event.js';
import type { Jobs } from './jobs.js';
import { isCheckpointOf } from './reports.js';

/** Finds again what a coordinator before this one left at work, from what workers tell when they register. */
export class Adoption {
  readonly #jobs: Jobs;
  readonly #blobs: BlobStore;
  readonly #log: Logger;
  /** Trainers whose worker has not registered yet. */
  readonly #awaited: Set<string>;

  constructor(jobs: Jobs, blobs: BlobStore, log: Logger) {
    this.#jobs = jobs;
    this.#blobs = blobs;
    this.#log = log;
    const held = jobs.live.filter(({ clock }) => clock.isHeld);
    this.#awaited = new Set(held.flatMap(({ run }) => run.trainers.map(({ id }) => id)));
  }

  /** Whether trainers may still be reported, and nothing is to be decided for lack of reports. */
  get awaitsReports(): boolean {
    return this.#jobs.live.some(({ clock }) => clock.isHeld);
  }

  /** Takes what a worker made durable while nobody was there to be told. */
  keep(checkpoints: readonly KeptCheckpoint[]): void {
    for (const { job, position, manifest, specHash } of checkpoints) {
      const live = this.#jobs.live.find(({ record }) => record.id === job);
      if (
        live === undefined ||
        !isCheckpointOf(this.#blobs, live.record, manifest, position, specHash)
      ) {
        this.#log.warn({ job, position, manifest }, 'a checkpoint that a worker kept is of no use');
        continue;
      }
      this.#jobs.apply(live, { type: 'recovered', checkpoint: { position, manifest } });
    }
  }

  /**
   * A worker has registered and told what it had to tell; it holds these trainers. Others that it is thought to have
   * are gone; these are told again what they may have missed.
   */
  reattached(worker: string, held: readonly string[]): void {
    for (const live of this.#jobs.live) {
      for (const { id } of live.run.trainers.filter((trainer) => trainer.worker === worker)) {
        this.#awaited.delete(id);
        if (held.includes(id)) this.#jobs.apply(live, { type: 'reattached', trainer: id });
        else this.#jobs.onTrainerGone(id, lost('it registered again without it'));
      }
    }
  }

  /** Every worker has had its time to register: who has not is lost. */
  reportsDue(): void {
    for (const { clock } of this.#jobs.live) clock.release();
    const reason = 'it did not register again after the coordinator was restarted';
    for (const trainer of this.#awaited) this.#jobs.onTrainerGone(trainer, lost(reason));
    this.#awaited.clear();
  }
}

function lost(reason: string): Departure {
  return { cause: 'worker-lost', reason };
}
