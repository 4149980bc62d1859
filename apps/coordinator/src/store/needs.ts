import { z } from 'zod';
import type { Connection } from './database.js';

/** Jobs that have not ended: what they need must be there. */
const LIVE = `live.state IN ('queued', 'preparing', 'starting', 'running', 'paused')`;

/** What jobs need of other jobs, of models and of prepared data: the one answer to whether a thing may go. */
export class Needs {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** A job that has not ended and comes after this one, if any; a base that is a job is one that it comes after. */
  ofJob(id: string): string | null {
    return this.#first(
      `SELECT live.id FROM jobs live, json_each(live.after) dependency
       WHERE ${LIVE} AND live.after <> '[]' AND dependency.value = ? LIMIT 1`,
      id,
    );
  }

  /** A job that has not ended and begins, or will begin, from this model, if any. */
  ofModel(id: string): string | null {
    return this.#first(
      `SELECT live.id FROM jobs live WHERE ${LIVE} AND (
         live.base_manifest = ?1
         OR (live.base ->> '$.type' = 'model' AND live.base ->> '$.manifest' = ?1)
         OR (live.base ->> '$.type' = 'job' AND EXISTS (
           SELECT 1 FROM jobs base
           WHERE base.id = live.base ->> '$.job' AND base.result ->> '$.model' = ?1)))
       LIMIT 1`,
      id,
    );
  }

  /** A job that has not ended and trains on these data, if any. */
  ofData(manifest: string): string | null {
    return this.#first(
      `SELECT live.id FROM jobs live WHERE ${LIVE} AND live.data_manifest = ? LIMIT 1`,
      manifest,
    );
  }

  /** Manifests of the data that jobs which have not ended train on. */
  dataManifests(): string[] {
    return this.#manifests('data_manifest');
  }

  /** Manifests of the bases that jobs which have not ended begin from, be they models or directories. */
  baseManifests(): string[] {
    return this.#manifests('base_manifest');
  }

  /** The first `limit` jobs, oldest first, that ended before a time and that no job comes after which has not ended. */
  endedBefore(time: string, limit: number): string[] {
    return this.#database
      .prepare(
        `SELECT id FROM jobs
         WHERE state IN ('succeeded', 'failed', 'cancelled') AND ended_at < ? AND id NOT IN (
           SELECT dependency.value FROM jobs live, json_each(live.after) dependency
           WHERE ${LIVE} AND live.after <> '[]')
         ORDER BY seq LIMIT ?`,
      )
      .all(time, limit)
      .map((row) => idRow.parse(row).id);
  }

  #manifests(column: 'data_manifest' | 'base_manifest'): string[] {
    return this.#database
      .prepare(
        `SELECT DISTINCT live.${column} AS id FROM jobs live WHERE ${LIVE} AND live.${column} IS NOT NULL`,
      )
      .all()
      .map((row) => idRow.parse(row).id);
  }

  #first(query: string, id: string): string | null {
    const row = this.#database.prepare(query).get(id);
    return row === undefined ? null : idRow.parse(row).id;
  }
}

const idRow = z.object({ id: z.string() });
