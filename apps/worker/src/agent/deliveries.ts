import { RingmasterError, type KeptCheckpoint } from '@ringmaster/protocol';
import type { Logger } from 'pino';
import { openArtifacts, type ArtifactsLocation } from '../artifacts/artifacts.js';
import type { Artifacts } from '../artifacts/types.js';
import type { KeptCheckpoints } from './kept-checkpoints.js';

export interface DeliveriesOptions {
  readonly kept: KeptCheckpoints;
  /** Directory of fetched artifacts. */
  readonly cache: string;
  /** The coordinator has the bytes of kept checkpoints, and is to be told of them by a registration. */
  readonly register: () => void;
  readonly log: Logger;
}

/**
 * Brings kept checkpoints to the coordinator, their bytes first: one that is announced before them is not believed.
 * What cannot be brought now is tried again after the next registration.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Manifests of checkpoints whose bytes the coordinator has, and that the next registration lists. */
  readonly #due = new Set<string>();
  #listed: readonly KeptCheckpoint[] = [];
  #artifacts: Artifacts | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** What a registration tells that is sent now. */
  list(): KeptCheckpoint[] {
    this.#listed = this.#tellable();
    return [...this.#listed];
  }

  /** The registration was accepted. */
  registered(location: ArtifactsLocation): void {
    const { kept, cache } = this.#options;
    for (const { manifest } of this.#listed) {
      kept.forget(manifest);
      this.#due.delete(manifest);
    }
    this.#listed = [];
    this.#afterwards(async () => {
      this.#artifacts = openArtifacts(location, cache);
      await this.#deliver(this.#artifacts, kept.list());
    });
  }

  /** The coordinator has heard of a checkpoint, and believed it if it had the bytes by then. */
  heard(manifest: string): void {
    const { kept } = this.#options;
    this.#afterwards(async () => {
      const artifacts = this.#artifacts;
      if (artifacts === null || this.#due.has(manifest)) return;
      if (await artifacts.isDelivered(manifest)) kept.forget(manifest);
      else await this.#deliver(artifacts, kept.list());
    });
  }

  async #deliver(artifacts: Artifacts, checkpoints: readonly KeptCheckpoint[]): Promise<void> {
    const { kept, register, log } = this.#options;
    for (const { manifest, job } of checkpoints) {
      try {
        await artifacts.deliver(manifest);
        this.#due.add(manifest);
      } catch (error) {
        log.warn({ err: error, job, manifest }, 'a kept checkpoint could not be delivered');
        if (RingmasterError.is(error, 'BLOB_MISSING')) kept.forget(manifest);
      }
    }
    if (this.#tellable().length > 0) register();
  }

  /** The kept checkpoints that are due. What another worker of this home has told meanwhile is kept no longer. */
  #tellable(): KeptCheckpoint[] {
    const kept = this.#options.kept.list();
    const manifests = new Set(kept.map(({ manifest }) => manifest));
    for (const manifest of this.#due) if (!manifests.has(manifest)) this.#due.delete(manifest);
    return kept.filter(({ manifest }) => this.#due.has(manifest));
  }

  /** One after another: what is looked at in one is not changed by the next. */
  #afterwards(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'kept checkpoints could not be looked after');
    });
  }
}
