import { unshared } from '../text/unshared.js';

/** Words of a generation; texts repeat nearly all of their words, and two generations of them are remembered. */
const GENERATION = 50_000;
/** Characters of a word beyond which it will hardly occur again. */
const LONGEST = 256;

/**
 * A function of words that remembers what it gave. The words of two generations are held: once the younger one is full, the
 * older one is forgotten but for what has occurred again meanwhile, so that frequent words stay and memory does not grow.
 */
export function remembering(
  encode: (word: string) => readonly number[],
  generation = GENERATION,
): (word: string) => readonly number[] {
  let young = new Map<string, readonly number[]>();
  let old = new Map<string, readonly number[]>();
  return (word) => {
    if (word.length > LONGEST) return encode(word);
    const known = young.get(word);
    if (known !== undefined) return known;
    const ids = old.get(word) ?? encode(word);
    if (young.size >= generation) {
      old = young;
      young = new Map();
    }
    young.set(unshared(word), ids);
    return ids;
  };
}
