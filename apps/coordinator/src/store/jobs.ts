import {
  errorBodySchema,
  evaluationReportSchema,
  jobFileSchema,
  jobStateSchema,
  jobViewSchema,
  memoryNeedsSchema,
  parametersSchema,
  type JobSpec,
  type JobState,
  type MemoryNeeds,
} from '@ringmaster/protocol';
import { z } from 'zod';
import { runSchema } from '../runs/run.js';
import type { Connection } from './database.js';
import { json, prefixRange, toJson } from './rows.js';

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

const columns = z.object({
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
  parameters: json(parametersSchema).nullable(),
  memory: json(memoryNeedsSchema).nullable(),
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
});

type ListedRow = Omit<z.infer<typeof columns>, 'seq' | 'spec' | 'data_manifest'> & {
  readonly spec: Pick<JobSpec, 'kind' | 'priority'> & {
    readonly earlyStopping?: JobSpec['earlyStopping'] | null;
  };
};

/** The names that columns have outside SQL. */
function renamed<Row extends Omit<ListedRow, 'spec'>>({
  base_manifest: baseManifest,
  tokens_per_second: tokensPerSecond,
  seconds_per_step: secondsPerStep,
  created_at: createdAt,
  started_at: startedAt,
  ended_at: endedAt,
  ...row
}: Row) {
  return {
    ...row,
    baseManifest,
    tokensPerSecond,
    secondsPerStep,
    createdAt,
    startedAt,
    endedAt,
  };
}

const rowSchema = columns
  .transform(({ data_manifest: dataManifest, ...row }) => ({ ...row, dataManifest }))
  .transform(renamed);

/** Columns that a list shows; of a specification only what it shows. */
const LISTED = `id, name, json_object('kind', spec ->> '$.kind', 'priority', priority,
    'earlyStopping', json(spec -> '$.earlyStopping')) AS spec, after, base, base_manifest, state,
  generation, step, steps, parameters, memory, workers, ranks, loss, tokens_per_second, seconds_per_step, evaluation, result, error,
  created_at, started_at, ended_at`;
const LISTED_JSON = [
  'spec',
  'after',
  'base',
  'parameters',
  'memory',
  'workers',
  'ranks',
  'evaluation',
  'result',
  'error',
] as const;

/** A row of a list. It was checked before it was written, and is not again: lists are long. */
function toListed(row: unknown): ListedJob {
  const values = row as Record<string, unknown>;
  const parsed = LISTED_JSON.map((column) => {
    const value = values[column];
    return [column, typeof value === 'string' ? (JSON.parse(value) as unknown) : null] as const;
  });
  return renamed({ ...values, ...Object.fromEntries(parsed) } as ListedRow);
}

/** A job in line: nothing has happened to it since it was submitted. In the words of the indexes. */
const IN_LINE = `state = 'queued' AND run IS NULL AND data_manifest IS NULL`;

const storedRun = z.object({ run: json(storedRunSchema).nullable() });

/** What is durable of a job, its run apart. */
export type JobRecord = Readonly<z.infer<typeof rowSchema>>;

/** What a list tells of a job. */
export type ListedJob = Readonly<ReturnType<typeof renamed<ListedRow>>>;

/** Which jobs are listed: what is given must match. */
export interface JobFilter {
  readonly state?: JobState | undefined;
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
}

export interface NewJob {
  readonly id: string;
  readonly spec: JobSpec;
  /** Ids of the jobs that must have succeeded first. */
  readonly after: readonly string[];
  readonly base: Base | null;
  /** What it takes of each worker; null where that is not known. */
  readonly memory?: MemoryNeeds | null;
  readonly createdAt: string;
}

/** The table of jobs. */
export class JobTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  insert({ id, spec, after, base, memory = null, createdAt }: NewJob): JobRecord {
    this.#database
      .prepare(
        `INSERT INTO jobs (id, name, spec, after, base, memory, state, priority, created_at)
         VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?)`,
      )
      .run(
        id,
        spec.name,
        JSON.stringify(spec),
        JSON.stringify(after),
        toJson(base),
        toJson(memory),
        spec.priority,
        createdAt,
      );
    const inserted = this.get(id);
    if (inserted === null) throw new Error(`job ${id} is gone as soon as it was inserted`);
    return inserted;
  }

  /** Writes what can change of a job, and its run if it is given. */
  update(job: JobRecord, run: StoredRun | null = null): void {
    this.#database
      .prepare(
        `UPDATE jobs SET state = ?, generation = ?, step = ?, steps = ?, parameters = ?, data_manifest = ?,
           base_manifest = ?, workers = ?, ranks = ?, loss = ?, tokens_per_second = ?,
           seconds_per_step = ?, evaluation = ?, result = ?, error = ?, started_at = ?, ended_at = ?,
           run = coalesce(?, run)
         WHERE id = ?`,
      )
      .run(
        job.state,
        job.generation,
        job.step,
        job.steps,
        toJson(job.parameters),
        job.dataManifest,
        job.baseManifest,
        JSON.stringify(job.workers),
        JSON.stringify(job.ranks),
        job.loss,
        job.tokensPerSecond,
        job.secondsPerStep,
        toJson(job.evaluation),
        toJson(job.result),
        toJson(job.error),
        job.startedAt,
        job.endedAt,
        toJson(run),
        job.id,
      );
  }

  get(id: string): JobRecord | null {
    return this.#one('SELECT * FROM jobs WHERE id = ?', id);
  }

  newestByName(name: string): JobRecord | null {
    return this.#one('SELECT * FROM jobs WHERE name = ? ORDER BY seq DESC LIMIT 1', name);
  }

  /** The first `limit` jobs whose ids begin with `prefix`, by id. */
  byPrefix(prefix: string, limit: number): JobRecord[] {
    const rows = this.#database
      .prepare('SELECT * FROM jobs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?')
      .all(...prefixRange(prefix), limit);
    return rows.map((row) => rowSchema.parse(row));
  }

  /** Newest first. @param before Id of the job behind which the list goes on. */
  list(limit: number, before: string | null, filter: JobFilter = {}): ListedJob[] {
    const { state = null, kind = null, name = null } = filter;
    return this.#database
      .prepare(
        `SELECT ${LISTED} FROM jobs
         WHERE (:state IS NULL OR state = :state) AND (:name IS NULL OR name = :name)
           AND (:kind IS NULL OR spec ->> '$.kind' = :kind)
           AND (:before IS NULL OR seq < (SELECT seq FROM jobs last WHERE last.id = :before))
         ORDER BY seq DESC LIMIT :limit`,
      )
      .all({ state, kind, name, before, limit })
      .map(toListed);
  }

  /** Jobs that have begun and have not ended, oldest first, with their runs where these were written. */
  begun(): { job: JobRecord; stored: StoredRun | null }[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM jobs
         WHERE state NOT IN ('succeeded', 'failed', 'cancelled') AND NOT (${IN_LINE}) ORDER BY seq`,
      )
      .all();
    return rows.map((row) => ({ job: rowSchema.parse(row), stored: storedRun.parse(row).run }));
  }

  /**
   * The first in line, by priority, of those whose dependencies have all succeeded; so many at most.
   * @param memory Bytes that each of their trainers may take at most; null for any.
   */
  firstInLine(limit: number, memory: number | null = null): JobRecord[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM jobs INDEXED BY jobs_in_line WHERE ${IN_LINE} AND NOT EXISTS (
           SELECT 1 FROM json_each(jobs.after)
           WHERE (SELECT state FROM jobs other WHERE other.id = value) IS NOT 'succeeded')
           AND coalesce(memory ->> '$.least', 0) <= ?
         ORDER BY priority DESC, seq LIMIT ?`,
      )
      .all(memory ?? Number.MAX_SAFE_INTEGER, limit);
    return rows.map((row) => rowSchema.parse(row));
  }

  /** Jobs in line one of whose dependencies will never succeed. */
  abandonedInLine(): JobRecord[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM jobs INDEXED BY jobs_in_line_after_others
         WHERE ${IN_LINE} AND after <> '[]' AND EXISTS (
           SELECT 1 FROM json_each(jobs.after)
           WHERE coalesce((SELECT state FROM jobs other WHERE other.id = value), 'cancelled')
             IN ('failed', 'cancelled'))
         ORDER BY seq`,
      )
      .all();
    return rows.map((row) => rowSchema.parse(row));
  }

  /** A job in line, if it is. */
  inLine(id: string): JobRecord | null {
    return this.#one(`SELECT * FROM jobs WHERE id = ? AND ${IN_LINE}`, id);
  }

  countByState(): Record<string, number> {
    const rows = this.#database
      .prepare('SELECT state, count(*) AS jobs FROM jobs GROUP BY state')
      .all() as { state: string; jobs: number }[];
    return Object.fromEntries(rows.map(({ state, jobs }) => [state, jobs]));
  }

  /** Manifests of the data of all jobs. */
  dataManifests(): string[] {
    const rows = this.#database
      .prepare('SELECT DISTINCT data_manifest FROM jobs WHERE data_manifest IS NOT NULL')
      .all();
    return rows.map((row) => z.object({ data_manifest: z.string() }).parse(row).data_manifest);
  }

  #one(query: string, ...parameters: (string | number)[]): JobRecord | null {
    const row = this.#database.prepare(query).get(...parameters);
    return row === undefined ? null : rowSchema.parse(row);
  }
}
