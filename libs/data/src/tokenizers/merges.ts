import { MergeQueue } from './merge-queue.js';
import { Pairs } from './pairs.js';
import type { SymbolWords } from './symbol-words.js';

/** Token ids of a pair as one number; vocabularies stay far below 2^21 (the job file allows 10^6). */
export const pairKey = (left: number, right: number): number => left * 0x200000 + right;
const leftOf = (key: number): number => Math.floor(key / 0x200000);
const rightOf = (key: number): number => key % 0x200000;

/** Pairs that occur only once are not worth a token. */
const LEAST_COUNT = 2;

/**
 * Byte-pair encoding's learner (Sennrich et al. 2016): again and again the most frequent pair of neighbours becomes one
 * token. Among equally frequent pairs the one with the smaller left id, then the smaller right id, comes first, so the
 * result is a function of the word counts alone. Counts are kept incrementally, with an index from pairs to words.
 *
 * @param words Changed in place.
 * @param tokens The alphabet by id; each new token is appended.
 * @param join The token that two tokens make.
 * @param size Stop when there are this many tokens (or no pair occurs twice).
 * @returns The merges in order, as pairs of ids.
 */
export function learnMerges(
  words: SymbolWords,
  tokens: string[],
  join: (left: string, right: string) => string,
  size: number,
): [number, number][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new Pairs();
  const queue = new MergeQueue();

  for (let word = 0; word < words.length; word++) {
    const symbols = words.symbolsOf(word);
    for (let at = 0; at + 1 < symbols.length; at++)
      pairs.add(pairKey(symbols[at] ?? 0, symbols[at + 1] ?? 0), words.countOf(word), word);
  }
  for (const [key, count] of pairs) queue.push({ count, key });

  const merges: [number, number][] = [];
  while (tokens.length < size) {
    const best = queue.pop();
    if (best === null || best.count < LEAST_COUNT) break;
    const current = pairs.countOf(best.key);
    if (current !== best.count) {
      if (current >= LEAST_COUNT && current < best.count)
        queue.push({ count: current, key: best.key });
      continue;
    }
    const left = leftOf(best.key);
    const right = rightOf(best.key);
    const joined = join(tokens[left] ?? '', tokens[right] ?? '');
    const token = ids.get(joined) ?? tokens.length;
    if (token === tokens.length) {
      tokens.push(joined);
      ids.set(joined, token);
    }
    merges.push([left, right]);

    const grown = new Set<number>();
    for (const word of pairs.take(best.key))
      mergeInWord(words, word, left, right, token, pairs, grown);
    pairs.clear(best.key);
    for (const key of grown) {
      const count = pairs.countOf(key);
      if (count >= LEAST_COUNT) queue.push({ count, key });
    }
  }
  return merges;
}

/** Replaces the pair in one word, from the left, and adjusts the counts of the pairs beside it. */
function mergeInWord(
  words: SymbolWords,
  word: number,
  left: number,
  right: number,
  token: number,
  pairs: Pairs,
  grown: Set<number>,
): void {
  const symbols = words.symbolsOf(word);
  const count = words.countOf(word);
  let kept = 0;
  for (let at = 0; at < symbols.length; at++) {
    const symbol = symbols[at] ?? 0;
    if (symbol !== left || symbols[at + 1] !== right) {
      symbols[kept++] = symbol;
      continue;
    }
    if (kept > 0) {
      const previous = symbols[kept - 1] ?? 0;
      pairs.add(pairKey(previous, left), -count, word);
      pairs.add(pairKey(previous, token), count, word);
      grown.add(pairKey(previous, token));
    }
    const next = symbols[at + 2];
    if (next !== undefined) {
      pairs.add(pairKey(right, next), -count, word);
      pairs.add(pairKey(token, next), count, word);
      grown.add(pairKey(token, next));
    }
    symbols[kept++] = token;
    at++;
  }
  words.shorten(word, kept);
}
