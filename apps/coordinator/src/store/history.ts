import {
  evaluationReportSchema,
  stepPointSchema,
  type EvaluationReport,
  type StepPoint,
} from '@ringmaster/protocol';
import { z } from 'zod';
import type { Connection } from './database.js';
import { json } from './rows.js';

const pointRow = z
  .object({
    step: z.int(),
    loss: z.number().nullable(),
    learning_rate: z.number(),
    gradient_norm: z.number(),
    tokens_per_second: z.number(),
    samples: z.int().nullable(),
    digest: z.int().nullable(),
  })
  .transform((row) => ({
    step: row.step,
    loss: row.loss,
    learningRate: row.learning_rate,
    gradientNorm: row.gradient_norm,
    tokensPerSecond: row.tokens_per_second,
    ledger:
      row.samples === null || row.digest === null
        ? null
        : { samples: row.samples, digest: row.digest },
  }))
  .pipe(stepPointSchema);

/** The loss curves and evaluations of jobs. A step that is repeated overwrites itself. */
export class HistoryTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  addSteps(job: string, points: readonly StepPoint[]): void {
    const insert = this.#database.prepare(
      'INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    for (const { step, loss, learningRate, gradientNorm, tokensPerSecond, ledger } of points) {
      const { samples, digest } = ledger ?? { samples: null, digest: null };
      insert.run(job, step, loss, learningRate, gradientNorm, tokensPerSecond, samples, digest);
    }
  }

  /** Points from `from` on, ascending. */
  steps(job: string, from: number, limit: number): StepPoint[] {
    return this.#database
      .prepare('SELECT * FROM steps WHERE job = ? AND step >= ? ORDER BY step LIMIT ?')
      .all(job, from, limit)
      .map((row) => pointRow.parse(row));
  }

  addEvaluations(job: string, reports: readonly EvaluationReport[]): void {
    const insert = this.#database.prepare('INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?)');
    for (const report of reports) insert.run(job, report.step, JSON.stringify(report));
  }

  evaluations(job: string): EvaluationReport[] {
    const row = z.object({ report: json(evaluationReportSchema) });
    return this.#database
      .prepare('SELECT report FROM evaluations WHERE job = ? ORDER BY step')
      .all(job)
      .map((found) => row.parse(found).report);
  }
}
