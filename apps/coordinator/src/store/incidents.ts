import { incidentViewSchema, type IncidentView } from '@ringmaster/protocol';
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

  insert({ at, job, worker, step, generation, what }: Omit<IncidentView, 'id' | 'recovery'>): void {
    this.#database
      .prepare(
        'INSERT INTO incidents (at, job, worker, step, generation, what) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(at, job, worker, step, generation, what);
  }

  /** Newest first; of one job, or of all. */
  list(job: string | null, limit: number): IncidentView[] {
    return this.#database
      .prepare('SELECT * FROM incidents WHERE ? IS NULL OR job = ? ORDER BY id DESC LIMIT ?')
      .all(job, job, limit)
      .map((row) => rowSchema.parse(row));
  }
}
