// node libs/data/reference/bert-unicode.js && npx prettier --write libs/data/src/tokenizers/bert-unicode.ts
//
// Finds where BertNormalizer and BertPreTokenizer of Hugging Face tokenizers, which have tables of other versions of Unicode for
// categories, normal forms and lower case, differ from those of text/unicode.ts, and writes it down.
import { writeFileSync } from 'node:fs';
import tokenizers from 'tokenizers';
import { characters, lowerCase, normalForm } from '../dist/text/unicode.js';

const { bertNormalizer, bertPreTokenizer, nfdNormalizer } = tokenizers;
const bert = (changes) =>
  bertNormalizer({
    cleanText: false,
    handleChineseChars: false,
    stripAccents: false,
    lowercase: false,
    ...changes,
  });
const [clean, strip, lower] = [
  { cleanText: true },
  { stripAccents: true },
  { lowercase: true },
].map(bert);
const words = bertPreTokenizer();
const nfd = nfdNormalizer();
const inClass = (name) => {
  const pattern = new RegExp(`[${characters[name]}]`, 'u');
  return (character) => pattern.test(character);
};

/** What is asked of each character, by their and by our tables. */
const questions = {
  format: [(c) => clean.normalizeString(`a${c}b`) === 'ab', inClass('format')],
  nonspacing: [(c) => strip.normalizeString(`a${c}b`) === 'ab', inClass('nonspacing')],
  punctuation: [(c) => words.preTokenizeString(`a${c}b`).length === 3, inClass('punctuation')],
};
/** Of marks, one that comes before any other and one that comes after, as they are ordered. */
const orders = (c) => [c, `\u0345${c}`, `${c}\u0334`];

const found = { decomposed: [], lower: [] };
for (const name of Object.keys(questions)) found[name] = { added: [], removed: [] };
const [control, privateUse] = ['control', 'privateUse'].map(inClass);
for (let code = 0x80; code <= 0x10ffff; code++) {
  if (code >= 0xd800 && code < 0xe000) continue;
  const character = String.fromCodePoint(code);
  for (const [name, [theirs, ours]] of Object.entries(questions)) {
    const isTheirs = theirs(character);
    if (isTheirs === ours(character)) continue;
    // Others are removed too, and what decomposes is not one mark.
    if (name === 'format' && (control(character) || privateUse(character) || code === 0xfffd))
      continue;
    if (name === 'nonspacing' && nfd.normalizeString(character) !== character) continue;
    found[name][isTheirs ? 'added' : 'removed'].push(code);
  }
  if (orders(character).some((text) => nfd.normalizeString(text) !== normalForm(text, 'NFD')))
    found.decomposed.push(code);
  const lowered = lower.normalizeString(character);
  if (lowered !== lowerCase(character)) found.lower.push([code, lowered.codePointAt(0) - code]);
}

const escaped = (code) => `\\u{${code.toString(16)}}`;
function classOf(codes) {
  const ranges = [];
  for (const code of codes) {
    const last = ranges.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  return ranges.map(([a, b]) => (a === b ? escaped(a) : `${escaped(a)}-${escaped(b)}`)).join('');
}
const string = (codes) => `String.raw\`${classOf(codes)}\``;
const property = (name) =>
  `  ${name}: { added: ${string(found[name].added)}, removed: ${string(found[name].removed)} },\n`;
writeFileSync(
  new URL('../src/tokenizers/bert-unicode.ts', import.meta.url),
  `// Written by libs/data/reference/bert-unicode.js, and to be changed by it.

/**
 * Where the tables of Hugging Face tokenizers differ from those of Unicode 16, as what stands between the brackets of a class with
 * the flag \`u\`: its categories are of Unicode 8.
 */
export const bertCategories = {
${Object.keys(questions).map(property).join('')}} as const;

/** Characters that its table of decompositions does not have, which stay as and where they are. */
export const notDecomposed = ${string(found.decomposed)};

/** Characters that are newer and have a lower case there, and what is added to their code points. */
export const newerCapitals: readonly (readonly [characters: string, offset: number])[] = [
${[...new Set(found.lower.map(([, offset]) => offset))]
  .map((offset) => {
    const codes = found.lower.filter((each) => each[1] === offset).map(([code]) => code);
    return `  [${string(codes)}, ${offset}],\n`;
  })
  .join('')}];
`,
);
