import { characters, lowerCase, normalForm } from '../text/unicode.js';

/** What Hugging Face's `BertNormalizer` is set to. */
export interface BertNormalizer {
  readonly cleanText: boolean;
  readonly handleChineseCharacters: boolean;
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

const { control, format, privateUse, whiteSpace } = characters;
const removed = new RegExp(`[\\0\\ufffd${format}${privateUse}]|(?![\\t\\n\\r])[${control}]`, 'gu');
const spaces = new RegExp(`[${whiteSpace}]`, 'gu');
const accents = new RegExp(`[${characters.nonspacing}]`, 'gu');
const chinese =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** What `BertNormalizer` of Hugging Face tokenizers makes of a text. */
export function normalizeBert(text: string, options: BertNormalizer): string {
  if (options.cleanText) text = text.replace(removed, '').replace(spaces, ' ');
  if (options.handleChineseCharacters) text = text.replace(chinese, ' $& ');
  if (options.stripAccents) text = normalForm(text, 'NFD').replace(accents, '');
  // Each character is folded alone there, so a final sigma is not special.
  if (options.lowercase) text = lowerCase(text.replaceAll('Σ', 'σ'));
  return text;
}

const WORD = 0;
const SPACE = 1;
const PUNCTUATION = 2;
const punctuation = new RegExp(`[${characters.punctuation}$+<=>^\`|~]`, 'u');
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
