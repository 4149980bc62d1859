/** The candidate with the fewest edits from `word`, or null when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  return near(word, candidates)[0] ?? null;
}

/**
 * The candidates that are near `word`, those with the fewest edits first: one edit in three letters, such as one in a word
 * of four. Two neighbouring letters that are exchanged are one edit (optimal string alignment distance).
 */
export function near(word: string, candidates: readonly string[]): readonly string[] {
  const gap = (candidate: string) => Math.abs(candidate.length - word.length);
  return candidates
    .map((candidate) => {
      const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
      const length = Math.max(word.length, candidate.length);
      return { candidate, distance, length };
    })
    .filter(({ distance, length }) => distance <= Math.max(1, Math.floor(length / 3)))
    .filter(({ distance, length }) => distance < length)
    .sort((a, b) => a.distance - b.distance || gap(a.candidate) - gap(b.candidate))
    .map(({ candidate }) => candidate);
}

function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isExchanged =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          substitution,
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          isExchanged ? (beforePrevious[column - 2] ?? 0) + 1 : Infinity,
        ),
      );
    }
    [beforePrevious, previous] = [previous, current];
  }
  return previous[b.length] ?? 0;
}
