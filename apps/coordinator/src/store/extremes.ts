import type { Connection } from './database.js';
import type { Extreme, Stretch } from './thinning.js';

/** Steps of which the extremes are kept together. */
export const SPAN = 64;

/** The span that a step lies in. */
export const spanOf = (step: number): number => Math.floor(step / SPAN);

/** One extreme of one series of a curve: what is looked for. */
export interface Sought {
  readonly kind: 'min' | 'max';
  /** SQL expression of the series, in a row of the curve. */
  readonly value: string;
}

/**
 * The extremes of the series of one job's loss curve, kept for each span of steps that the curve has left behind, so that a
 * long curve is thinned without being read.
 */
export class Extremes {
  readonly #database: Connection;
  readonly #job: string;
  readonly #sought: readonly Sought[];

  /** @param sought What is kept, by its place in the table's column `which`. */
  constructor(database: Connection, job: string, sought: readonly Sought[]) {
    this.#database = database;
    this.#job = job;
    this.#sought = sought;
  }

  /**
   * Brings up to date what is kept once points were written.
   * @param before Last step of the curve before; 0 where it had none.
   * @param after Last step of the curve now.
   * @param steps Of the points that were written.
   */
  update(before: number, after: number, steps: readonly number[]): void {
    const [left, current] = [spanOf(before), spanOf(after)];
    if (left < current) this.#keep(left, current - 1);
    for (const span of new Set(steps.map(spanOf))) if (span < left) this.#keep(span, span);
  }

  /**
   * The extremes of one kind in spans, by groups of spans.
   * @param spans First and last span.
   * @param origin Step at which the first group begins.
   * @param length Steps of a group; a span belongs to the group that it begins in.
   */
  read(
    which: number,
    spans: Stretch,
    origin: number,
    length: number,
  ): (Extreme & { readonly group: number })[] {
    const kind = this.#sought[which]?.kind ?? 'min';
    return this.#database
      .prepare(
        `SELECT CAST((span * ${SPAN} - ?) / ? AS INTEGER) AS "group", step, ${kind}(value) AS value FROM extremes
         WHERE job = ? AND which = ? AND span BETWEEN ? AND ? GROUP BY 1`,
      )
      .all(origin, length, this.#job, which, spans.first, spans.last) as (Extreme & {
      group: number;
    })[];
  }

  /** Finds the extremes of spans anew, in the points that there are. */
  #keep(first: number, last: number): void {
    for (const [which, { kind, value }] of this.#sought.entries()) {
      this.#database
        .prepare('DELETE FROM extremes WHERE job = ? AND which = ? AND span BETWEEN ? AND ?')
        .run(this.#job, which, first, last);
      // SQLite takes a column beside the only min() or max() from the row that has it.
      this.#database
        .prepare(
          `INSERT INTO extremes SELECT job, ${which}, step / ${SPAN}, step, ${kind}(${value}) FROM steps
           WHERE job = ? AND step BETWEEN ? AND ? AND ${value} IS NOT NULL GROUP BY step / ${SPAN}`,
        )
        .run(this.#job, first * SPAN, last * SPAN + SPAN - 1);
    }
  }
}
