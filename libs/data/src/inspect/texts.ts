import { characters, lowerCase } from '../text/unicode.js';

/** Something and how often it occurs. */
export interface Occurrence {
  readonly name: string;
  readonly count: number;
}

/** What texts of a corpus are like. */
export interface TextSurvey {
  readonly documents: number;
  /** Words in all of them. */
  readonly words: number;
  /** The most frequent words, in lower case. */
  readonly frequent: readonly Occurrence[];
  /** Documents by the language that they seem to be in, the most frequent first; the empty name where none can be told. */
  readonly languages: readonly Occurrence[];
}

/** Characters of a text that are looked at, and different words that are counted; what comes after them is not. */
const LOOKED_AT = 10_000;
const COUNTED = 1_000_000;
const SHOWN = 20;

/** A character of East Asian scripts, which write no white space, or a row of letters. */
const word = new RegExp(
  `[${characters.eastAsian}]|(?:(?![${characters.eastAsian}])[${characters.letter}${characters.mark}])+`,
  'gu',
);

/**
 * Counts words and languages of texts, of which the first 10,000 characters are looked at.
 * @param languageOf See `languageDetector`.
 */
export function surveyTexts(
  texts: Iterable<string>,
  languageOf: (text: string) => string,
): TextSurvey {
  const counts = new Map<string, number>();
  const languages = new Map<string, number>();
  let documents = 0;
  let words = 0;
  for (const text of texts) {
    documents++;
    const beginning = text.slice(0, LOOKED_AT);
    const language = languageOf(beginning);
    languages.set(language, (languages.get(language) ?? 0) + 1);
    for (const [each] of lowerCase(beginning).matchAll(word)) {
      words++;
      const count = counts.get(each) ?? 0;
      if (count > 0 || counts.size < COUNTED) counts.set(each, count + 1);
    }
  }
  return {
    documents,
    words,
    frequent: mostFrequent(counts).slice(0, SHOWN),
    languages: mostFrequent(languages).slice(0, SHOWN),
  };
}

/** By how often they occur, then by code unit. */
function mostFrequent(counts: ReadonlyMap<string, number>): Occurrence[] {
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
