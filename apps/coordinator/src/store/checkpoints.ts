import { z } from 'zod';
import type { Checkpoint } from '../runs/run.js';
import type { Connection } from './database.js';

const rowSchema = z
  .object({ step: z.int(), evaluations: z.int(), state_hash: z.string(), manifest: z.string() })
  .transform(({ step, evaluations, state_hash: stateHash, manifest }) => ({
    position: { step, evaluations, stateHash },
    manifest,
  }));

/** The checkpoints that are kept. */
export class CheckpointTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  insert(job: string, { position, manifest }: Checkpoint, createdAt: string): void {
    const { step, evaluations, stateHash } = position;
    this.#database
      .prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)')
      .run(job, step, evaluations, stateHash, manifest, createdAt);
  }

  remove(job: string, { position: { step } }: Checkpoint): void {
    this.#database.prepare('DELETE FROM checkpoints WHERE job = ? AND step = ?').run(job, step);
  }

  /** Oldest first. */
  of(job: string): Checkpoint[] {
    return this.#database
      .prepare('SELECT * FROM checkpoints WHERE job = ? ORDER BY step')
      .all(job)
      .map((row) => rowSchema.parse(row));
  }

  manifests(): string[] {
    const rows = this.#database.prepare('SELECT DISTINCT manifest FROM checkpoints').all();
    return rows.map((row) => z.object({ manifest: z.string() }).parse(row).manifest);
  }
}
