import { isDeepStrictEqual } from 'node:util';

/** Keys of whatever moves with every report of a rank. */
const MOVING: ReadonlySet<string> = new Set([
  ...['step', 'loss', 'tokensPerSecond', 'secondsPerStep', 'ranks'],
]);

/** How two versions of one thing differ: not at all, in nothing but what moves with every report, or otherwise. */
export type Difference = 'none' | 'movement' | 'change';

/** @param ignored A key that does not count. */
export function difference<Version extends object>(
  before: Version,
  after: Version,
  ignored?: keyof Version,
): Difference {
  let found: Difference = 'none';
  for (const key of Object.keys(after) as (keyof Version & string)[]) {
    if (key === ignored || before[key] === after[key]) continue;
    // What is made anew on the way may still be the same.
    if (isDeepStrictEqual(before[key], after[key])) continue;
    if (!MOVING.has(key)) return 'change';
    found = 'movement';
  }
  return found;
}
