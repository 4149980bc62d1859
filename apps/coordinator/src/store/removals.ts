import { z } from 'zod';
import type { Connection } from './database.js';

/** Jobs that were removed and whose curves are still being deleted, a piece at a time: a curve may have a million rows. */
export class RemovalTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** Removes a job with what is small of it; of what is large, `proceed` deletes a piece at a time. */
  removeJob(id: string): void {
    this.#database.prepare('INSERT OR IGNORE INTO removals VALUES (?)').run(id);
    for (const table of ['checkpoints', 'incidents', 'evaluations'])
      this.#database.prepare(`DELETE FROM ${table} WHERE job = ?`).run(id);
    this.#database.prepare('DELETE FROM jobs WHERE id = ?').run(id);
  }

  /** Deletes up to `rows` rows of what is left of a removed job. @returns Whether anything was left. */
  proceed(rows: number): boolean {
    const row = this.#database.prepare('SELECT id FROM removals LIMIT 1').get();
    if (row === undefined) return false;
    const { id } = z.object({ id: z.string() }).parse(row);
    for (const [table, columns] of [
      ['steps', 'step'],
      ['extremes', 'which, span'],
    ] as const) {
      const { changes } = this.#database
        .prepare(
          `DELETE FROM ${table} WHERE job = ?1 AND (${columns}) IN (
             SELECT ${columns} FROM ${table} WHERE job = ?1 ORDER BY ${columns} LIMIT ?2)`,
        )
        .run(id, rows);
      if (changes === rows) return true;
    }
    this.#database.prepare('DELETE FROM removals WHERE id = ?').run(id);
    return true;
  }
}
