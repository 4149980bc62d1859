import type { BlobStore } from '@ringmaster/data';
import type { KeptCheckpoint } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import type { Departure } from '../runs/event.js';
import type { Runs } from './apply.js';
import type { JobRegistry } from './registry.js';
import type { Reports } from './reports.js';
import { isCheckpointOf } from './verify.js';

export interface AdoptionOptions {
  readonly registry: JobRegistry;
  readonly runs: Runs;
  readonly reports: Reports;
  readonly blobs: BlobStore;
  readonly log: Logger;
}

/** Finds again what a coordinator before this one left at work, from what workers tell when they register. */
export class Adoption {
  readonly #options: AdoptionOptions;
  /** Trainers whose worker has not registered yet. */
  readonly #awaited: Set<string>;

  constructor(options: AdoptionOptions) {
    this.#options = options;
    const held = options.registry.live.filter(({ clock }) => clock.isHeld);
    this.#awaited = new Set(held.flatMap(({ run }) => run.trainers.map(({ id }) => id)));
  }

  /** Whether trainers may still be reported, and nothing is to be decided for lack of reports. */
  get awaitsReports(): boolean {
    return this.#options.registry.live.some(({ clock }) => clock.isHeld);
  }

  /** Takes what a worker made durable while nobody was there to be told. */
  keep(checkpoints: readonly KeptCheckpoint[]): void {
    const { registry, runs, blobs, log } = this.#options;
    for (const { job, position, manifest, specHash } of checkpoints) {
      const live = registry.get(job);
      if (live === null || !isCheckpointOf(blobs, live.record, manifest, position, specHash)) {
        log.warn({ job, position, manifest }, 'a checkpoint that a worker kept is of no use');
        continue;
      }
      runs.apply(live, { type: 'recovered', checkpoint: { position, manifest } });
    }
  }

  /**
   * A worker has registered and told what it had to tell; it holds these trainers. Others that it is thought to have
   * are gone; these are told again what they may have missed.
   */
  reattached(worker: string, held: readonly string[]): void {
    const { registry, runs, reports } = this.#options;
    for (const live of registry.live) {
      for (const { id } of live.run.trainers.filter((trainer) => trainer.worker === worker)) {
        this.#awaited.delete(id);
        if (held.includes(id)) runs.apply(live, { type: 'reattached', trainer: id });
        else reports.onGone(id, lost('it registered again without it'));
      }
    }
  }

  /** Every worker has had its time to register: who has not is lost. */
  reportsDue(): void {
    const { registry, reports } = this.#options;
    for (const { clock } of registry.live) clock.release();
    const reason = 'it did not register again after the coordinator was restarted';
    for (const trainer of this.#awaited) reports.onGone(trainer, lost(reason));
    this.#awaited.clear();
  }
}

function lost(reason: string): Departure {
  return { cause: 'worker-lost', reason };
}
