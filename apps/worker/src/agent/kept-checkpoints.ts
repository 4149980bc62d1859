import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeHomeDirectory, writeDurably } from '@ringmaster/base';
import { keptCheckpointSchema, type KeptCheckpoint } from '@ringmaster/protocol';
import type { Logger } from 'pino';

/**
 * Checkpoints that trainers have made durable and that the coordinator is not known to have heard of: one small file
 * each, so that they are not forgotten when worker and coordinator end together. All workers of a home share them.
 */
export class KeptCheckpoints {
  readonly #directory: string;
  readonly #log: Logger;

  /** @param cache The home's cache, which need not exist yet. */
  constructor(cache: string, log: Logger) {
    this.#directory = join(cache, 'kept');
    this.#log = log;
  }

  /** Remembers a checkpoint until it is forgotten. One that cannot be written down is only told. */
  keep(checkpoint: KeptCheckpoint): void {
    try {
      makeHomeDirectory(this.#directory);
      writeDurably(this.#path(checkpoint.manifest), JSON.stringify(checkpoint), 0o600);
    } catch (error) {
      this.#log.warn({ err: error, ...checkpoint }, 'a checkpoint could not be written down');
    }
  }

  list(): KeptCheckpoint[] {
    if (!existsSync(this.#directory)) return [];
    const names = readdirSync(this.#directory).filter((name) => name.endsWith('.json'));
    return names.flatMap((name) => {
      const path = join(this.#directory, name);
      try {
        return keptCheckpointSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
      } catch (error) {
        // Another worker of this home may have forgotten it at this moment.
        this.#log.debug({ err: error, path }, 'not a kept checkpoint');
        return [];
      }
    });
  }

  /** @param manifest SHA-256 of the checkpoint's manifest. */
  forget(manifest: string): void {
    rmSync(this.#path(manifest), { force: true });
  }

  #path(manifest: string): string {
    return join(this.#directory, `${manifest}.json`);
  }
}
