import {
  errorBodySchema,
  evaluationReportSchema,
  jobFileSchema,
  jobStateSchema,
  jobViewSchema,
  type JobSpec,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { runSchema } from '../runs/run.js';
import type { Connection } from './database.js';
import { json, toJson } from './rows.js';

/** What a fine-tune starts from, settled when the job is submitted. */
const baseSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('model'), manifest: z.string() }),
  z.object({ type: z.literal('job'), job: z.string() }),
  z.object({ type: z.literal('directory'), path: z.string() }),
]);
export type Base = z.infer<typeof baseSchema>;

const storedRunSchema = z.object({
  /** The run's own time when it was written. */
  at: z.number(),
  run: runSchema,
});
/** A run as it can be taken up again. */
export type StoredRun = z.infer<typeof storedRunSchema>;

const rowSchema = z
  .object({
    seq: z.int(),
    id: z.string(),
    name: z.string(),
    spec: json(jobFileSchema),
    after: json(z.array(z.string())),
    base: json(baseSchema).nullable(),
    state: jobStateSchema,
    generation: z.int(),
    step: z.int(),
    steps: z.int().nullable(),
    data_manifest: z.string().nullable(),
    base_manifest: z.string().nullable(),
    workers: json(jobViewSchema.shape.workers),
    ranks: json(jobViewSchema.shape.ranks),
    loss: z.number().nullable(),
    tokens_per_second: z.number().nullable(),
    seconds_per_step: z.number().nullable(),
    evaluation: json(evaluationReportSchema).nullable(),
    result: json(jobViewSchema.shape.result.unwrap()).nullable(),
    error: json(errorBodySchema).nullable(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    ended_at: z.string().nullable(),
  })
  .transform(
    ({
      data_manifest: dataManifest,
      base_manifest: baseManifest,
      tokens_per_second: tokensPerSecond,
      seconds_per_step: secondsPerStep,
      created_at: createdAt,
      started_at: startedAt,
      ended_at: endedAt,
      ...row
    }) => ({
      ...row,
      ...{ dataManifest, baseManifest, tokensPerSecond, secondsPerStep },
      ...{ createdAt, startedAt, endedAt },
    }),
  );

/** What is durable of a job, its run apart. */
export type JobRecord = Readonly<z.infer<typeof rowSchema>>;

export interface NewJob {
  readonly id: string;
  readonly spec: JobSpec;
  /** Ids of the jobs that must have succeeded first. */
  readonly after: readonly string[];
  readonly base: Base | null;
  readonly createdAt: string;
}

/** The table of jobs. */
export class JobTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  insert({ id, spec, after, base, createdAt }: NewJob): JobRecord {
    this.#database
      .prepare(
        `INSERT INTO jobs (id, name, spec, after, base, state, created_at)
         VALUES (?, ?, ?, ?, ?, 'queued', ?)`,
      )
      .run(id, spec.name, JSON.stringify(spec), JSON.stringify(after), toJson(base), createdAt);
    const inserted = this.get(id);
    if (inserted === null) throw new Error(`job ${id} is gone as soon as it was inserted`);
    return inserted;
  }

  /** Writes what can change of a job, and its run if it is given. */
  update(job: JobRecord, run: StoredRun | null = null): void {
    this.#database
      .prepare(
        `UPDATE jobs SET state = ?, generation = ?, step = ?, steps = ?, data_manifest = ?,
           base_manifest = ?, workers = ?, ranks = ?, loss = ?, tokens_per_second = ?,
           seconds_per_step = ?, evaluation = ?, result = ?, error = ?, started_at = ?, ended_at = ?,
           run = coalesce(?, run)
         WHERE id = ?`,
      )
      .run(
        ...[job.state, job.generation, job.step, job.steps, job.dataManifest, job.baseManifest],
        ...[JSON.stringify(job.workers), JSON.stringify(job.ranks), job.loss, job.tokensPerSecond],
        ...[job.secondsPerStep, toJson(job.evaluation), toJson(job.result), toJson(job.error)],
        ...[job.startedAt, job.endedAt, toJson(run), job.id],
      );
  }

  /** The run of a job as it was last written; null if it never was. */
  run(id: string): StoredRun | null {
    const row = this.#database.prepare('SELECT run FROM jobs WHERE id = ?').get(id);
    const found = z
      .object({ run: json(storedRunSchema).nullable() })
      .optional()
      .parse(row);
    return found?.run ?? null;
  }

  get(id: string): JobRecord | null {
    const row = this.#database.prepare('SELECT * FROM jobs WHERE id = ?').get(id);
    return row === undefined ? null : rowSchema.parse(row);
  }

  newestByName(name: string): JobRecord | null {
    const row = this.#database
      .prepare('SELECT * FROM jobs WHERE name = ? ORDER BY seq DESC LIMIT 1')
      .get(name);
    return row === undefined ? null : rowSchema.parse(row);
  }

  /** Newest first. */
  list(limit: number): JobRecord[] {
    const rows = this.#database.prepare('SELECT * FROM jobs ORDER BY seq DESC LIMIT ?').all(limit);
    return rows.map((row) => rowSchema.parse(row));
  }

  /** Jobs that have not ended, oldest first. */
  active(): JobRecord[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY seq`,
      )
      .all();
    return rows.map((row) => rowSchema.parse(row));
  }

  countByState(): Record<string, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS jobs FROM jobs GROUP BY state')
      .all() as { state: string; jobs: number }[];
    return Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs]));
  }

  /** Hashes of all data manifests and base models that some job was prepared with. */
  manifests(): string[] {
    const rows = this.#database
      .prepare('SELECT DISTINCT data_manifest, base_manifest FROM jobs')
      .all() as { data_manifest: string | null; base_manifest: string | null }[];
    return rows.flatMap((row) => [row.data_manifest ?? [], row.base_manifest ?? []].flat());
  }
}
