/** Whom each rank waits for, by rank: at most what it said itself. */
export type WaitsFor = ReadonlyMap<number, readonly number[]>;

/**
 * The rank at fault: the one that is waited for, through others too, and waits for nobody. Null when all that can be
 * reached wait for each other.
 * @param from Ranks that complained.
 */
export function culpritOf(waits: WaitsFor, from: readonly number[]): number | null {
  const seen = new Set<number>();
  const queue = [...from];
  for (let rank = queue.shift(); rank !== undefined; rank = queue.shift()) {
    if (seen.has(rank)) continue;
    seen.add(rank);
    const next = (waits.get(rank) ?? []).filter((other) => other !== rank);
    if (next.length === 0) return rank;
    queue.push(...next);
  }
  return null;
}
