import type { CharacterForms } from './alphabet.js';
import type { WordList } from './word-list.js';

/** Tokens that stand for bytes [256], as SentencePiece names them. */
export const byteTokens: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);

/** The characters of words by frequency, each a token; ties by the smaller code point. */
export function rankedCharacters(list: WordList): CharacterForms[] {
  const counts = new Map<string, number>();
  for (const [word, count] of list)
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([character, count]) => ({ character, count, forms: 1 }));
}

/** A word by its symbols, cut where a character has none. */
export function* coveredParts(
  word: string,
  symbols: ReadonlyMap<string, number>,
): Generator<number[]> {
  let part: number[] = [];
  for (const character of word) {
    const symbol = symbols.get(character);
    if (symbol !== undefined) {
      part.push(symbol);
      continue;
    }
    if (part.length > 0) yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
