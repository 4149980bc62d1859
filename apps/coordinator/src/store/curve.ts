import type { Connection } from './database.js';
import { Extremes, SPAN, spanOf, type Sought } from './extremes.js';
import { keep, stretches, type Extreme, type Stretch } from './thinning.js';

/** Rows whose extremes are looked for without pause: a few milliseconds. */
const WITHOUT_PAUSE = 1000;

/** Where a kind of curve lies, and what of it stays when it is thinned. */
export interface CurveSource<Point> {
  /** A table with the columns `job` and `step`. */
  readonly table: 'steps' | 'evaluations';
  /** SQL expressions of the series whose extremes stay. */
  readonly series: readonly string[];
  /** Whether their extremes are kept as points come in. */
  readonly keepsExtremes: boolean;
  readonly toPoint: (row: unknown) => Point;
}

/** What is looked for in a curve when it is thinned. */
export function soughtOf({ series }: CurveSource<unknown>): Sought[] {
  return series.flatMap((value) => [
    { kind: 'min' as const, value },
    { kind: 'max' as const, value },
  ]);
}

type Found = Extreme & { readonly group: number };

/** One curve of one job. */
export class Curve<Point> {
  readonly #database: Connection;
  readonly #source: CurveSource<Point>;
  readonly #job: string;
  readonly #sought: readonly Sought[];
  readonly #kept: Extremes | null;

  constructor(database: Connection, source: CurveSource<Point>, job: string) {
    this.#database = database;
    this.#source = source;
    this.#job = job;
    this.#sought = soughtOf(source);
    this.#kept = source.keepsExtremes ? new Extremes(database, job, this.#sought) : null;
  }

  /** How many points there are from a step on, counted no further than `most`. */
  count(from: number, most: number): number {
    const row = this.#database
      .prepare(
        `SELECT count(*) AS points FROM
         (SELECT 1 FROM ${this.#source.table} WHERE job = ? AND step >= ? LIMIT ?)`,
      )
      .get(this.#job, from, most) as { points: number };
    return row.points;
  }

  /** Step of the last point; 0 where there is none. */
  last(): number {
    return this.#end(0, 'DESC') ?? 0;
  }

  /** The first points from a step on, by ascending step. */
  from(from: number, limit: number): Point[] {
    const { table, toPoint } = this.#source;
    return this.#database
      .prepare(`SELECT * FROM ${table} WHERE job = ? AND step >= ? ORDER BY step LIMIT ?`)
      .all(this.#job, from, limit)
      .map(toPoint);
  }

  /** The points at these steps, by ascending step. */
  at(steps: readonly number[]): Point[] {
    const { table, toPoint } = this.#source;
    return this.#database
      .prepare(
        `SELECT * FROM ${table}
         WHERE job = ? AND step IN (SELECT value FROM json_each(?)) ORDER BY step`,
      )
      .all(this.#job, JSON.stringify(steps))
      .map(toPoint);
  }

  /**
   * Steps, ascending and no more than `points`, that show the curve from a step on: the first, the last, and in each of
   * the stretches between them those with the smallest and the largest value of each series.
   * @param pause Awaited between pieces of work that take a few milliseconds each.
   */
  async thinned(from: number, points: number, pause: () => Promise<void>): Promise<number[]> {
    const [first, last] = [this.#end(from, 'ASC'), this.#end(from, 'DESC')];
    if (first === null || last === null) return [];
    const count = Math.max(1, Math.floor((points - 2) / this.#sought.length));
    const length = Math.max(1, Math.ceil((last - first + 1) / count));
    const found = this.#sought.map(() => new Map<number, Extreme>());
    for (const read of this.#readings({ first, last }, length)) {
      await pause();
      for (const [which, { kind }] of this.#sought.entries()) {
        const best = found[which];
        for (const { group, step, value } of read(which))
          best?.set(group, keep(kind, best.get(group), { step, value }));
      }
    }
    const chosen = found.flatMap((best) => [...best.values()].map(({ step }) => step));
    return [...new Set([first, ...chosen, last])].sort((a, b) => a - b);
  }

  /** How the extremes of all steps are read, a piece at a time: those that are kept, and the rest from the points. */
  *#readings(
    { first, last }: Stretch,
    length: number,
  ): Generator<(which: number) => readonly Found[]> {
    const kept = this.#kept;
    const whole = { first: spanOf(first + SPAN - 1), last: spanOf(last) - 1 };
    // Finer stretches than what is kept, and none that is whole, are for the points themselves.
    if (kept === null || length < SPAN || whole.first > whole.last) {
      yield* this.#fromPoints({ first, last }, first, length);
      return;
    }
    yield* this.#fromPoints({ first, last: whole.first * SPAN - 1 }, first, length);
    for (const spans of stretches(whole, Math.ceil((whole.last - whole.first + 1) / WITHOUT_PAUSE)))
      yield (which: number) => kept.read(which, spans, first, length);
    yield* this.#fromPoints({ first: spanOf(last) * SPAN, last }, first, length);
  }

  /** The points are cut by their number, since evaluations may lie thousands of steps apart. */
  *#fromPoints(
    all: Stretch,
    origin: number,
    length: number,
  ): Generator<(which: number) => readonly Found[]> {
    for (let first = all.first; first <= all.last;) {
      const next = this.#end(first, 'ASC', WITHOUT_PAUSE) ?? all.last + 1;
      const piece = { first, last: Math.min(next - 1, all.last) };
      yield (which: number) => this.#extremesOf(which, piece, origin, length);
      first = next;
    }
  }

  #extremesOf(which: number, piece: Stretch, origin: number, length: number): readonly Found[] {
    const { kind, value } = this.#sought[which] ?? { kind: 'min', value: 'NULL' };
    return this.#database
      .prepare(
        `SELECT CAST((step - ?) / ? AS INTEGER) AS "group", step, ${kind}(${value}) AS value FROM ${this.#source.table}
         WHERE job = ? AND step BETWEEN ? AND ? AND ${value} IS NOT NULL GROUP BY 1`,
      )
      .all(origin, length, this.#job, piece.first, piece.last) as Found[];
  }

  /** Step of the first or last point from a step on, or of the one so many points from that end; null where there is none. */
  #end(from: number, order: 'ASC' | 'DESC', points = 0): number | null {
    const row = this.#database
      .prepare(
        `SELECT step FROM ${this.#source.table} WHERE job = ? AND step >= ? ORDER BY step ${order} LIMIT 1 OFFSET ?`,
      )
      .get(this.#job, from, points) as { step: number } | undefined;
    return row?.step ?? null;
  }
}
