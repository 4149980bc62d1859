import { unshared } from '../text/unshared.js';

/** Words whose encoding is remembered; texts repeat nearly all of their words. */
const REMEMBERED = 200_000;
/** Characters of a word beyond which it will hardly occur again. */
const LONGEST = 256;

/** A function of words that remembers what it gave. */
export function remembering(
  encode: (word: string) => readonly number[],
): (word: string) => readonly number[] {
  const remembered = new Map<string, readonly number[]>();
  return (word) => {
    if (word.length > LONGEST) return encode(word);
    let ids = remembered.get(word);
    if (ids === undefined) {
      ids = encode(word);
      if (remembered.size === REMEMBERED) remembered.clear();
      remembered.set(unshared(word), ids);
    }
    return ids;
  };
}
