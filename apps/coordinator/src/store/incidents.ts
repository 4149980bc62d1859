import type { IncidentView, Recovery } from '@ringmaster/protocol';
import type { Connection } from './database.js';

const COLUMNS = 'id, at, job, worker, step, generation, what, recovery';

function toIncident(row: unknown): IncidentView {
  const { id, at, job, worker, step, generation, what, recovery } = row as Omit<
    IncidentView,
    'recovery'
  > & { readonly recovery: string | null };
  return {
    id,
    at,
    job,
    worker,
    step,
    generation,
    what,
    recovery: recovery === null ? null : (JSON.parse(recovery) as Recovery),
  };
}

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
      .prepare(`SELECT ${COLUMNS} FROM incidents WHERE job = ? AND number = ?`)
      .get(job, number);
    return row === undefined ? null : toIncident(row);
  }

  /** Newest first; of one job, or of all. @param before Id of the incident behind which the list goes on. */
  list(job: string | null, limit: number, before: string | null): IncidentView[] {
    const which = job === null ? '' : 'job = ? AND';
    return this.#database
      .prepare(`SELECT ${COLUMNS} FROM incidents WHERE ${which} id < ? ORDER BY id DESC LIMIT ?`)
      .all(...(job === null ? [] : [job]), Number(before ?? Number.MAX_SAFE_INTEGER), limit)
      .map(toIncident);
  }

  /** Incidents of a job from one on, oldest first. */
  since(job: string, id: number, limit: number): IncidentView[] {
    return this.#database
      .prepare(`SELECT ${COLUMNS} FROM incidents WHERE job = ? AND id >= ? ORDER BY id LIMIT ?`)
      .all(job, id, limit)
      .map(toIncident);
  }

  /** Id of the newest of a job; 0 where it has none. */
  newest(job: string): number {
    const row = this.#database
      .prepare('SELECT max(id) AS id FROM incidents WHERE job = ?')
      .get(job) as { id: number | null };
    return row.id ?? 0;
  }
}
