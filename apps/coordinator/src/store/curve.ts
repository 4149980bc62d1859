import type { Connection } from './database.js';
import { keep, stretches, type Extreme } from './thinning.js';

/** Steps whose extremes are looked for without pause: some milliseconds. */
const WITHOUT_PAUSE = 2000;
const NONE: Extreme = { step: null, value: null };
const kinds = ['min', 'max'] as const;

/** One curve of one job in a table with the columns `job` and `step`. */
export class Curve<Point> {
  readonly #database: Connection;
  readonly #table: string;
  readonly #job: string;
  readonly #toPoint: (row: unknown) => Point;
  /** One extreme of one series each, in the order of `#kinds`. */
  readonly #extremes: string;
  readonly #kinds: readonly (typeof kinds)[number][];

  /** @param series SQL expressions whose extremes stay when the curve is thinned. */
  constructor(
    database: Connection,
    table: string,
    series: readonly string[],
    job: string,
    toPoint: (row: unknown) => Point,
  ) {
    this.#database = database;
    this.#table = table;
    this.#job = job;
    this.#toPoint = toPoint;
    const wanted = series.flatMap((value) => kinds.map((kind) => ({ value, kind })));
    this.#kinds = wanted.map(({ kind }) => kind);
    // SQLite takes a column beside the only min() or max() from the row that has it.
    this.#extremes = wanted
      .map(
        ({ value, kind }) =>
          `SELECT step, ${kind}(${value}) AS value FROM ${table} WHERE job = ? AND step BETWEEN ? AND ?`,
      )
      .join(' UNION ALL ');
  }

  /** How many points there are from a step on, counted no further than `most`. */
  count(from: number, most: number): number {
    const row = this.#database
      .prepare(
        `SELECT count(*) AS points FROM
         (SELECT 1 FROM ${this.#table} WHERE job = ? AND step >= ? LIMIT ?)`,
      )
      .get(this.#job, from, most) as { points: number };
    return row.points;
  }

  /** Step of the last point; 0 where there is none. */
  last(): number {
    return this.#ends(0)?.last ?? 0;
  }

  /** The first points from a step on, by ascending step. */
  from(from: number, limit: number): Point[] {
    return this.#database
      .prepare(`SELECT * FROM ${this.#table} WHERE job = ? AND step >= ? ORDER BY step LIMIT ?`)
      .all(this.#job, from, limit)
      .map(this.#toPoint);
  }

  /** The points at these steps, by ascending step. */
  at(steps: readonly number[]): Point[] {
    return this.#database
      .prepare(
        `SELECT * FROM ${this.#table}
         WHERE job = ? AND step IN (SELECT value FROM json_each(?)) ORDER BY step`,
      )
      .all(this.#job, JSON.stringify(steps))
      .map(this.#toPoint);
  }

  /**
   * Steps, ascending and no more than `points`, that show the curve from a step on: the first, the last, and in each
   * stretch between them those with the smallest and the largest value of each series.
   * @param pause Awaited between pieces of work that take some milliseconds each.
   */
  async thinned(from: number, points: number, pause: () => Promise<void>): Promise<number[]> {
    const ends = this.#ends(from);
    if (ends === null) return [];
    const chosen = new Set([ends.first, ends.last]);
    const count = Math.max(1, Math.floor((points - 2) / this.#kinds.length));
    for (const stretch of stretches(ends, count)) {
      let found: readonly Extreme[] = this.#kinds.map(() => NONE);
      const pieces = Math.ceil((stretch.last - stretch.first + 1) / WITHOUT_PAUSE);
      for (const piece of stretches(stretch, pieces)) {
        await pause();
        const extremes = this.#extremesIn(piece.first, piece.last);
        found = this.#kinds.map((kind, at) => keep(kind, found[at] ?? NONE, extremes[at] ?? NONE));
      }
      for (const { step, value } of found) if (step !== null && value !== null) chosen.add(step);
    }
    return [...chosen].sort((a, b) => a - b);
  }

  #ends(from: number): { first: number; last: number } | null {
    const end = (order: 'ASC' | 'DESC') =>
      this.#database
        .prepare(
          `SELECT step FROM ${this.#table} WHERE job = ? AND step >= ? ORDER BY step ${order} LIMIT 1`,
        )
        .get(this.#job, from) as { step: number } | undefined;
    const [first, last] = [end('ASC'), end('DESC')];
    return first === undefined || last === undefined
      ? null
      : { first: first.step, last: last.step };
  }

  #extremesIn(first: number, last: number): readonly Extreme[] {
    const parameters = this.#kinds.flatMap(() => [this.#job, first, last]);
    return this.#database.prepare(this.#extremes).all(...parameters) as Extreme[];
  }
}
