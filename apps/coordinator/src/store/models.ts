import { artifactManifestSchema, type ModelView } from '@ringmaster/protocol';
import { z } from 'zod';
import type { Connection } from './database.js';
import { behind, json, prefixRange } from './rows.js';

const rowSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    job: z.string().nullable(),
    task: z.string(),
    manifest: json(artifactManifestSchema),
    created_at: z.string(),
  })
  .transform(({ created_at: createdAt, ...row }) => ({ ...row, createdAt }));

const idRow = z.object({ id: z.string() });

/** The table of models. */
export class ModelTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** Registers a model; one that is registered already stays as it is. */
  insert({ id, name, job, task, manifest, createdAt }: ModelView): void {
    this.#database
      .prepare(
        `INSERT INTO models (id, name, job, task, manifest, created_at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
      )
      .run(id, name, job, task, JSON.stringify(manifest), createdAt);
  }

  get(id: string): ModelView | null {
    return this.#one('SELECT * FROM models WHERE id = ?', id);
  }

  newestByName(name: string): ModelView | null {
    return this.#one('SELECT * FROM models WHERE name = ? ORDER BY seq DESC LIMIT 1', name);
  }

  /** The first `limit` models whose ids begin with `prefix`, by id. */
  byPrefix(prefix: string, limit: number): ModelView[] {
    const rows = this.#database
      .prepare('SELECT * FROM models WHERE id >= ? AND id < ? ORDER BY id LIMIT ?')
      .all(...prefixRange(prefix), limit);
    return rows.map((row) => rowSchema.parse(row));
  }

  /** Newest first. @param before Id of the model behind which the list goes on. */
  list(limit: number, before: string | null): ModelView[] {
    const rows = this.#database
      .prepare(
        `SELECT id, name, job, task, manifest, created_at AS createdAt FROM models ${behind('models')}`,
      )
      .all(before, limit) as (Omit<ModelView, 'manifest'> & { readonly manifest: string })[];
    return rows.map((row) => ({
      ...row,
      manifest: JSON.parse(row.manifest) as ModelView['manifest'],
    }));
  }

  ids(): string[] {
    const rows = this.#database.prepare('SELECT id FROM models').all();
    return rows.map((row) => idRow.parse(row).id);
  }

  /** Ids of the models of a name, newest first. */
  ofName(name: string): string[] {
    const rows = this.#database
      .prepare('SELECT id FROM models WHERE name = ? ORDER BY seq DESC')
      .all(name);
    return rows.map((row) => idRow.parse(row).id);
  }

  remove(id: string): void {
    this.#database.prepare('DELETE FROM models WHERE id = ?').run(id);
  }

  #one(query: string, ...parameters: string[]): ModelView | null {
    const row = this.#database.prepare(query).get(...parameters);
    return row === undefined ? null : rowSchema.parse(row);
  }
}
