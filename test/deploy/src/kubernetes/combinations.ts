/** Which features are on. */
export type Combination = readonly string[];

/**
 * A table of combinations in which each part meets every combination of the features that change it: 2^k of them for a part
 * that k features change. Parts share rows wherever they agree, so the table is little longer than what the part with the
 * most features asks for, and not 2^n for all n features together.
 *
 * @param parts For each part, the features that change it.
 */
export function coveringTable(parts: readonly Combination[]): Combination[] {
  const rows: Map<string, boolean>[] = [];
  for (const features of parts.toSorted((one, other) => other.length - one.length)) {
    // Rows that leave a feature open may take any value; each is given to one wanted combination.
    const free = new Set(rows);
    for (let bits = 0; bits < 2 ** features.length; bits++) {
      const wanted = new Map(features.map((name, at) => [name, ((bits >> at) & 1) === 1]));
      const agrees = (row: ReadonlyMap<string, boolean>) =>
        features.every((name) => (row.get(name) ?? wanted.get(name)) === wanted.get(name));
      const row = [...free].find(agrees) ?? new Map<string, boolean>();
      if (!free.delete(row)) rows.push(row);
      for (const [name, on] of wanted) row.set(name, on);
    }
  }
  return rows.map((row) => [...row].filter(([, on]) => on).map(([name]) => name));
}
