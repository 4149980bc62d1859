import { incidentViewSchema, type IncidentView, type Recovery } from '@ringmaster/protocol';
import type { Connection } from './database.js';
import { json } from './rows.js';

const rowSchema = incidentViewSchema.extend({
  recovery: json(incidentViewSchema.shape.recovery.unwrap()).nullable(),
});

/** The table of incidents. */
export class IncidentTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** @param number Counts the incidents of its job; null for one that is of no job. */
  insert(
    { at, job, worker, step, generation, what }: Omit<IncidentView, 'id' | 'recovery'>,
    number: number | null,
  ): void {
    this.#database
      .prepare(
        `INSERT INTO incidents (at, job, worker, step, generation, what, number)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(at, job, worker, step, generation, what, number);
  }

  /** Completes an incident, once the run has gone on after it. */
  complete(job: string, number: number, recovery: Recovery): void {
    this.#database
      .prepare('UPDATE incidents SET recovery = ? WHERE job = ? AND number = ?')
      .run(JSON.stringify(recovery), job, number);
  }

  /** One incident of a job. */
  get(job: string, number: number): IncidentView | null {
    const row = this.#database
      .prepare('SELECT * FROM incidents WHERE job = ? AND number = ?')
      .get(job, number);
    return row === undefined ? null : rowSchema.parse(row);
  }

  /** Newest first; of one job, or of all. */
  list(job: string | null, limit: number): IncidentView[] {
    return this.#database
      .prepare('SELECT * FROM incidents WHERE ? IS NULL OR job = ? ORDER BY id DESC LIMIT ?')
      .all(job, job, limit)
      .map((row) => rowSchema.parse(row));
  }
}
