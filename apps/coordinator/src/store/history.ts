import type { EvaluationReport, StepPoint } from '@ringmaster/protocol';
import { Curve, soughtOf, type CurveSource } from './curve.js';
import type { Connection } from './database.js';
import { Extremes } from './extremes.js';

interface StepRow {
  readonly step: number;
  readonly loss: number | null;
  readonly learning_rate: number;
  readonly gradient_norm: number;
  readonly tokens_per_second: number;
  readonly samples: number | null;
  readonly digest: number | null;
}

// Rows are what was checked before it was written: there may be a million of them.
function toPoint(row: unknown): StepPoint {
  const { step, loss, samples, digest, ...others } = row as StepRow;
  return {
    step,
    loss,
    learningRate: others.learning_rate,
    gradientNorm: others.gradient_norm,
    tokensPerSecond: others.tokens_per_second,
    ledger: samples === null || digest === null ? null : { samples, digest },
  };
}

function toReport(row: unknown): EvaluationReport {
  return JSON.parse((row as { readonly report: string }).report) as EvaluationReport;
}

const loss: CurveSource<StepPoint> = {
  table: 'steps',
  series: ['loss', 'gradient_norm'],
  keepsExtremes: true,
  toPoint,
};
const evaluation: CurveSource<EvaluationReport> = {
  table: 'evaluations',
  series: ["report ->> '$.loss'"],
  keepsExtremes: false,
  toPoint: toReport,
};

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
    const before = this.steps(job).last();
    const changed = points.filter((point) => {
      const { step, loss, learningRate, gradientNorm, tokensPerSecond, ledger } = point;
      const { samples, digest } = ledger ?? { samples: null, digest: null };
      const row = [job, step, loss, learningRate, gradientNorm, tokensPerSecond, samples, digest];
      return insert.run(...row).changes > 0;
    });
    const steps = changed.map(({ step }) => step);
    const after = steps.reduce((last, step) => Math.max(last, step), before);
    new Extremes(this.#database, job, soughtOf(loss)).update(before, after, steps);
    return changed;
  }

  /** The loss curve of a job. */
  steps(job: string): Curve<StepPoint> {
    return new Curve(this.#database, loss, job);
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

  /** The evaluations of a job. */
  evaluations(job: string): Curve<EvaluationReport> {
    return new Curve(this.#database, evaluation, job);
  }
}
