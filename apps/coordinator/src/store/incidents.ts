import { incidentViewSchema, type IncidentView } from '@ringmaster/protocol';
import type { Connection } from './database.js';

/** The table of incidents. */
export class IncidentTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  insert({ at, job, worker, step, what }: Omit<IncidentView, 'id'>): void {
    this.#database
      .prepare('INSERT INTO incidents (at, job, worker, step, what) VALUES (?, ?, ?, ?, ?)')
      .run(at, job, worker, step, what);
  }

  /** Newest first; of one job, or of all. */
  list(job: string | null, limit: number): IncidentView[] {
    return this.#database
      .prepare('SELECT * FROM incidents WHERE ? IS NULL OR job = ? ORDER BY id DESC LIMIT ?')
      .all(job, job, limit)
      .map((row) => incidentViewSchema.parse(row));
  }
}
