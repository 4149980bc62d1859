import type { SymbolWords } from '../symbol-words.js';

/** Longest piece, in characters (SentencePiece's `max_sentencepiece_length`). */
export const LONGEST_PIECE = 16;

/** A substring of words. */
export interface Substring {
  readonly symbols: Uint32Array;
  /** How often it occurs, by the counts of the words. */
  readonly count: number;
}

/** Ends each word; symbols are above. */
const END = 0;

/**
 * The substrings of 2 to 16 symbols that occur twice or more and are worth most, by their count times their length: of
 * those that always go on in the same way, the longest. They are the nodes of the tree of all suffixes, which a sorted
 * array of them tells (Kasai et al. 2001; Kudo 2018 begins with the same).
 * @param words Symbols from 1.
 * @param most Substrings at most.
 */
export function frequentSubstrings(words: SymbolWords, most: number): Substring[] {
  const { text, counts } = joined(words);
  const suffixes = sortedSuffixes(text);
  const found = nodes(text, counts, suffixes);
  const { starts, lengths, totals } = found;
  const order = Uint32Array.from(starts, (_, at) => at);
  const worth = (at: number) => (lengths[at] ?? 0) * (totals[at] ?? 0);
  order.sort((a, b) => worth(b) - worth(a) || a - b);
  return Array.from(order.subarray(0, most), (at) => {
    const start = starts[at] ?? 0;
    return { symbols: text.slice(start, start + (lengths[at] ?? 0)), count: totals[at] ?? 0 };
  });
}

/** All words one behind the other, and at each place how often its word occurs. */
function joined(words: SymbolWords): { text: Uint32Array; counts: Float64Array } {
  let length = 0;
  for (let word = 0; word < words.length; word++) length += words.symbolsOf(word).length + 1;
  const text = new Uint32Array(length);
  const counts = new Float64Array(length);
  let at = 0;
  for (let word = 0; word < words.length; word++) {
    const symbols = words.symbolsOf(word);
    text.set(symbols, at);
    counts.fill(words.countOf(word), at, at + symbols.length);
    at += symbols.length;
    text[at++] = END;
  }
  return { text, counts };
}

/** Where the suffixes of a text begin, in the order of their first 16 symbols: ranks by 1, 2, 4, 8 and 16 of them. */
function sortedSuffixes(text: Uint32Array): Uint32Array {
  const { length } = text;
  let ranks: Uint32Array = Uint32Array.from(text);
  let order: Uint32Array = Uint32Array.from(text, (_, at) => at);
  for (let width = 0; width < LONGEST_PIECE; width = Math.max(1, 2 * width)) {
    const after = (at: number) => (width > 0 && at + width < length ? (ranks[at + width] ?? 0) : 0);
    // By what comes after, then, of equal ones in that order, by what comes first.
    order = sortedBy(order, after);
    order = sortedBy(order, (at) => ranks[at] ?? 0);
    const ranked = new Uint32Array(length);
    let rank = 0;
    for (let index = 0; index < length; index++) {
      const at = order[index] ?? 0;
      const previous = order[index - 1] ?? at;
      const isSame = ranks[at] === ranks[previous] && after(at) === after(previous);
      if (!isSame || index === 0) rank++;
      ranked[at] = rank;
    }
    ranks = ranked;
  }
  return order;
}

/** A stable sort by small integers: counting. */
function sortedBy(items: Uint32Array, keyOf: (item: number) => number): Uint32Array {
  let largest = 0;
  for (const item of items) largest = Math.max(largest, keyOf(item));
  const ends = new Uint32Array(largest + 2);
  for (const item of items) {
    const key = keyOf(item) + 1;
    ends[key] = (ends[key] ?? 0) + 1;
  }
  for (let key = 1; key < ends.length; key++) ends[key] = (ends[key] ?? 0) + (ends[key - 1] ?? 0);
  const sorted = new Uint32Array(items.length);
  for (const item of items) {
    const key = keyOf(item);
    const place = ends[key] ?? 0;
    sorted[place] = item;
    ends[key] = place + 1;
  }
  return sorted;
}

/** Symbols that two suffixes have in common at their beginnings, within their words and at most 16; of one, all of those. */
function common(text: Uint32Array, a: number, b: number): number {
  let length = 0;
  while (
    length < LONGEST_PIECE &&
    text[a + length] === text[b + length] &&
    text[a + length] !== END
  )
    length++;
  return length;
}

interface Nodes {
  readonly starts: readonly number[];
  readonly lengths: readonly number[];
  readonly totals: readonly number[];
}

/** What neighbours in the order of suffixes have in common: each substring once, with its count. */
function nodes(text: Uint32Array, counts: Float64Array, suffixes: Uint32Array): Nodes {
  const starts: number[] = [];
  const lengths: number[] = [];
  const totals: number[] = [];
  /** Substrings that go on, the longest last: their lengths, and the sum of what comes before. */
  const open: { readonly length: number; readonly before: number }[] = [];
  let sum = 0;
  for (let index = 0; index < suffixes.length; index++) {
    const start = suffixes[index] ?? 0;
    const next = suffixes[index + 1];
    const shared = next === undefined ? 0 : common(text, start, next);
    let before = sum;
    sum += counts[start] ?? 0;
    const own = common(text, start, start);
    if (own > (open.at(-1)?.length ?? 0)) open.push({ length: own, before });
    for (let last = open.at(-1); last !== undefined && last.length > shared; last = open.at(-1)) {
      open.pop();
      before = last.before;
      const total = sum - before;
      if (last.length < 2 || total < 2) continue;
      starts.push(start);
      lengths.push(last.length);
      totals.push(total);
    }
    if (shared > (open.at(-1)?.length ?? 0)) open.push({ length: shared, before });
  }
  return { starts, lengths, totals };
}
