import { characters } from '../text/unicode.js';

/**
 * GPT-2's byte-level alphabet: each byte is written as one printable character, so that a vocabulary is a JSON object
 * (Radford et al. 2019, `bytes_to_unicode`).
 */
export const byteCharacters: readonly string[] = (() => {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : next++),
  );
})();

/** The byte of each character of the alphabet. */
export const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

/** GPT-2's pattern, with white space as Unicode defines it (JavaScript's `\s` differs in U+0085 and U+FEFF). */
const { letter, number, whiteSpace } = characters;
const pattern = new RegExp(
  `'(?:[sdmt]|ll|ve|re)| ?[${letter}]+| ?[${number}]+| ?[^${whiteSpace}${letter}${number}]+` +
    `|[${whiteSpace}]+(?![^${whiteSpace}])|[${whiteSpace}]+`,
  'gu',
);

/** Characters that are matched at once, and then up to the end of a word. */
const STRETCH = 65_536;
/** Where a match must end, whatever comes before and after: white space is only the first character of a word. */
const gap = new RegExp(`[^${whiteSpace}](?=[${whiteSpace}])`, 'gu');

/** The pieces of a text within which bytes are merged. Joined, they are the text. */
export function byteLevelWords(text: string): Iterable<string> {
  return text.length <= STRETCH ? (text.match(pattern) ?? []) : wordsByStretches(text);
}

function* wordsByStretches(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = text.length;
    if (end - start > STRETCH) {
      gap.lastIndex = start + STRETCH;
      const found = gap.exec(text);
      if (found !== null) end = found.index + found[0].length;
    }
    yield* text.slice(start, end).match(pattern) ?? [];
    start = end;
  }
}
