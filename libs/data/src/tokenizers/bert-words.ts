import { characters, lowerCase, normalForm } from '../text/unicode.js';
import { bertCategories, newerCapitals, notDecomposed } from './bert-unicode.js';

/** What Hugging Face's `BertNormalizer` is set to. */
export interface BertNormalizer {
  readonly cleanText: boolean;
  readonly handleChineseCharacters: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

const { control, privateUse, whiteSpace } = characters;

/** A pattern for the characters of a category of Unicode as Hugging Face tokenizers has it, and some more. */
function category(name: keyof typeof bertCategories, more = ''): string {
  const { added, removed } = bertCategories[name];
  return `(?:(?![${removed}])[${characters[name]}${more}]|[${added}])`;
}

const removed = new RegExp(
  `${category('format')}|[\\0\\ufffd${privateUse}]|(?![\\t\\n\\r])[${control}]`,
  'gu',
);
const spaces = new RegExp(`[${whiteSpace}]`, 'gu');
const accents = new RegExp(category('nonspacing'), 'gu');
const chinese =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** What `BertNormalizer` of Hugging Face tokenizers makes of a text. */
export function normalizeBert(text: string, options: BertNormalizer): string {
  if (options.cleanText) text = text.replace(removed, '').replace(spaces, ' ');
  if (options.handleChineseCharacters) text = text.replace(chinese, ' $& ');
  if (options.stripAccents) text = decomposed(text).replace(accents, '');
  // Each character is folded alone there, so a final sigma is not special.
  if (options.lowercase) text = withNewerLowered(lowerCase(text.replaceAll('Σ', 'σ')));
  return text;
}

const decomposable = new RegExp(`[^${notDecomposed}]+`, 'gu');
const capitals = newerCapitals.map(
  ([characters, offset]) => [new RegExp(`[${characters}]`, 'gu'), offset] as const,
);

const decomposed = (text: string): string =>
  text.replace(decomposable, (part) => normalForm(part, 'NFD'));

const withNewerLowered = (text: string): string =>
  capitals.reduce(
    (lowered, [pattern, offset]) =>
      lowered.replace(pattern, (capital) =>
        String.fromCodePoint((capital.codePointAt(0) ?? 0) + offset),
      ),
    text,
  );

const WORD = 0;
const SPACE = 1;
const PUNCTUATION = 2;
const punctuation = new RegExp(category('punctuation', '$+<=>^`|~'), 'u');
const space = new RegExp(`[${whiteSpace}]`, 'u');

const classes = new Uint8Array(0x10000);
for (let unit = 0; unit < 0x10000; unit++) {
  const character = String.fromCharCode(unit);
  if (space.test(character)) classes[unit] = SPACE;
  else if (punctuation.test(character)) classes[unit] = PUNCTUATION;
}

/** The words that `BertPreTokenizer` finds in a normalized text: runs between spaces, each punctuation mark alone. */
export function* bertWords(text: string): Generator<string> {
  let start = 0;
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at);
    let kind = classes[unit] ?? WORD;
    let width = 1;
    if (unit >= 0xd800 && unit < 0xdc00) {
      const character = String.fromCodePoint(text.codePointAt(at) ?? unit);
      width = character.length;
      if (punctuation.test(character)) kind = PUNCTUATION;
    }
    if (kind !== WORD) {
      if (at > start) yield text.slice(start, at);
      if (kind === PUNCTUATION) yield text.slice(at, at + width);
      start = at + width;
    }
    at += width;
  }
  if (text.length > start) yield text.slice(start);
}
