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

/** The loss curves and evaluations of jobs. What is told again, by another rank or in a repeated step, is new only where it differs. */
export class HistoryTable {
  readonly #database: Connection;

  constructor(database: Connection) {
    this.#database = database;
  }

  /** @returns the points that are new */
  addSteps(job: string, points: readonly StepPoint[]): StepPoint[] {
    const insert = this.#database.prepare(
      `INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         loss = excluded.loss, learning_rate = excluded.learning_rate,
         gradient_norm = excluded.gradient_norm, tokens_per_second = excluded.tokens_per_second,
         samples = excluded.samples, digest = excluded.digest
       WHERE loss IS NOT excluded.loss OR gradient_norm IS NOT excluded.gradient_norm
         OR samples IS NOT excluded.samples OR digest IS NOT excluded.digest`,
    );
    return points.filter((point) => {
      const { step, loss, learningRate, gradientNorm, tokensPerSecond, ledger } = point;
      const { samples, digest } = ledger ?? { samples: null, digest: null };
      const row = [job, step, loss, learningRate, gradientNorm, tokensPerSecond, samples, digest];
      return insert.run(...row).changes > 0;
    });
  }

  /** Points from `from` on, ascending. */
  steps(job: string, from: number, limit: number): StepPoint[] {
    return this.#database
      .prepare('SELECT * FROM steps WHERE job = ? AND step >= ? ORDER BY step LIMIT ?')
      .all(job, from, limit)
      .map((row) => pointRow.parse(row));
  }

  /** @returns the reports that are new */
  addEvaluations(job: string, reports: readonly EvaluationReport[]): EvaluationReport[] {
    const insert = this.#database.prepare(
      `INSERT INTO evaluations VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET report = excluded.report
       WHERE report IS NOT excluded.report`,
    );
    return reports.filter(
      (report) => insert.run(job, report.step, JSON.stringify(report)).changes > 0,
    );
  }

  evaluations(job: string): EvaluationReport[] {
    const row = z.object({ report: json(evaluationReportSchema) });
    return this.#database
      .prepare('SELECT report FROM evaluations WHERE job = ? ORDER BY step')
      .all(job)
      .map((found) => row.parse(found).report);
  }
}
