/**
 * Share of all characters that the alphabet of a vocabulary covers before any pieces are learned, in at most half
 * of its tokens. Rarer ones are known as far as tokens are left over; others are unknown.
 */
const COVERAGE = 0.9999;

/** A character, how often it occurs, and how many tokens it takes: one, or two where it begins words and goes on in others. */
export interface CharacterForms {
  readonly character: string;
  readonly count: number;
  readonly forms: number;
}

/** The most frequent characters that cover the texts but for a share, as far as `room` tokens are enough for their forms. */
export function coveringAlphabet(ranked: readonly CharacterForms[], room: number): Set<string> {
  const total = ranked.reduce((sum, { count }) => sum + count, 0);
  const alphabet = new Set<string>();
  let covered = 0;
  for (const { character, count, forms } of ranked) {
    if (covered >= COVERAGE * total || forms > room) break;
    alphabet.add(character);
    covered += count;
    room -= forms;
  }
  return alphabet;
}

/** An alphabet and the most frequent of the other characters that fit into `room` tokens. */
export function largerAlphabet(
  ranked: readonly CharacterForms[],
  alphabet: ReadonlySet<string>,
  room: number,
): Set<string> {
  const larger = new Set(alphabet);
  for (const { character, forms } of ranked) {
    if (larger.has(character)) continue;
    if (forms > room) break;
    larger.add(character);
    room -= forms;
  }
  return larger;
}

/** Fills a vocabulary up, with tokens named `[unusedN]`. */
export function fillUp(tokens: string[], vocabulary: number): void {
  for (let number = 0; tokens.length < vocabulary; number++) tokens.push(`[unused${number}]`);
}
