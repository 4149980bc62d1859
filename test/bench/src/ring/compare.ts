import { interleave } from '../interleave.js';
import { ratesOf, rowOf, type Row } from '../report.js';
import type { RingTeam } from './sides.js';

export const MEGABYTE = 1e6;

/** What is summed in a comparison. */
export interface Sum {
  /** What its rows begin with. */
  readonly title: string;
  /** Ranks. */
  readonly size: number;
  readonly bytes: number;
  /** Times in a turn. */
  readonly operations: number;
}

/** A side, and the one that it is compared with. */
export type Pair = readonly [side: string, peer: string];

/** One sum, every side in turns; the unit is bus bandwidth. */
export async function compareRings(
  teams: ReadonlyMap<string, RingTeam>,
  { title, size, bytes, operations }: Sum,
  pairs: readonly Pair[],
  rounds: number,
): Promise<Row[]> {
  const sides = new Map(
    [...teams].map(([side, team]) => [side, () => team.takeTurn({ operations, bytes })]),
  );
  const results = await interleave(sides, rounds);
  const gigabytes = (((2 * (size - 1)) / size) * bytes * operations) / 1e9;
  const rates = (side: string) => ratesOf(results.get(side), gigabytes);
  return pairs.map(([side, peer]) =>
    rowOf(`${title}: ${side}; ${peer}`, 'GB/s', rates(side), rates(peer)),
  );
}
