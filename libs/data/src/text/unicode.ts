import control from 'regenerate-unicode-properties/General_Category/Control.js';
import format from 'regenerate-unicode-properties/General_Category/Format.js';
import letter from 'regenerate-unicode-properties/General_Category/Letter.js';
import mark from 'regenerate-unicode-properties/General_Category/Mark.js';
import nonspacing from 'regenerate-unicode-properties/General_Category/Nonspacing_Mark.js';
import number from 'regenerate-unicode-properties/General_Category/Number.js';
import privateUse from 'regenerate-unicode-properties/General_Category/Private_Use.js';
import punctuation from 'regenerate-unicode-properties/General_Category/Punctuation.js';
import unassigned from 'regenerate-unicode-properties/General_Category/Unassigned.js';
import whiteSpace from 'regenerate-unicode-properties/Binary_Property/White_Space.js';
import han from 'regenerate-unicode-properties/Script/Han.js';
import hiragana from 'regenerate-unicode-properties/Script/Hiragana.js';
import katakana from 'regenerate-unicode-properties/Script/Katakana.js';

/**
 * The version of Unicode that every text is read by. The tables are those of a library, for the platform's own change with
 * its version (docs/decisions/0022); a character that is newer is unassigned to all of them.
 */
export const UNICODE_VERSION = '16.0.0';

interface Property {
  readonly characters: { toString(options: { readonly hasUnicodeFlag: true }): string };
}

/** What stands between the brackets of a regular expression's class with the flag `u`. */
const inClass = ({ characters }: Property): string => {
  const source = characters.toString({ hasUnicodeFlag: true });
  return source.startsWith('[') ? source.slice(1, -1) : source;
};

/** General categories, properties and scripts, as what stands between the brackets of a class with the flag `u`. */
export const characters = {
  control: inClass(control),
  format: inClass(format),
  letter: inClass(letter),
  mark: inClass(mark),
  nonspacing: inClass(nonspacing),
  number: inClass(number),
  privateUse: inClass(privateUse),
  punctuation: inClass(punctuation),
  unassigned: inClass(unassigned),
  whiteSpace: inClass(whiteSpace),
  eastAsian: [han, hiragana, katakana].map(inClass).join(''),
} as const;

/** Neither of these changes with their neighbours, and few texts have others. */
const simple = /^[\0-\u02ff]*$/;
const newer = new RegExp(`([${characters.unassigned}]+)`, 'u');

/**
 * Marks that follow one another without a base: to put them in order takes time by the square of their number, so a
 * combining grapheme joiner parts them (as in the Stream-Safe Text Format of UAX #15, with a wider limit).
 */
const MARKS = 256;
const JOINER = '\u034f';
const crowded = new RegExp(
  `(?:(?!${JOINER})[${characters.mark}]){${MARKS}}(?=(?!${JOINER})[${characters.mark}])`,
  'gu',
);

/** A normal form of a text, in time linear in it. */
export function normalForm(text: string, form: 'NFC' | 'NFD' | 'NFKC'): string {
  if (simple.test(text)) return text.normalize(form);
  return ofKnown(text.replace(crowded, `$&${JOINER}`), (known) => known.normalize(form));
}

const loneSurrogates = /[\ud800-\udfff]/gu;

/** A text with U+FFFD for each half of a character that stands alone. */
export const wellFormed = (text: string): string => text.replace(loneSurrogates, '\ufffd');

/** A text in lower case. */
export function lowerCase(text: string): string {
  return simple.test(text) ? text.toLowerCase() : ofKnown(text, (known) => known.toLowerCase());
}

/** Maps a text, without the characters that are newer than the tables: these stay, and part it. */
function ofKnown(text: string, map: (known: string) => string): string {
  if (!newer.test(text)) return map(text);
  const pieces = text.split(newer);
  return pieces.map((piece, at) => (at % 2 === 0 ? map(piece) : piece)).join('');
}
