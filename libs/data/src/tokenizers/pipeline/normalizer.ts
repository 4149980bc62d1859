import { z } from 'zod';
import { characters, lowerCase, normalForm } from '../../text/unicode.js';
import { charsmapNormalizer } from './charsmap.js';

/** The one pattern that converters of SentencePiece's models write. */
const SEVERAL_SPACES = ' {2,}';

const simple = z.discriminatedUnion('type', [
  z.object({ type: z.literal('NFC') }),
  z.object({ type: z.literal('NFKC') }),
  z.object({ type: z.literal('Lowercase') }),
  z.object({ type: z.literal('Prepend'), prepend: z.string() }),
  z.object({
    type: z.literal('Replace'),
    pattern: z.union([
      z.strictObject({ String: z.string().min(1) }),
      z.strictObject({ Regex: z.literal(SEVERAL_SPACES) }),
    ]),
    content: z.string(),
  }),
  z.object({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.object({
    type: z.literal('Precompiled'),
    precompiled_charsmap: z.base64().transform((text) => Buffer.from(text, 'base64')),
  }),
]);

/** The kinds of `normalizer` that are made of texts before they are divided. */
export const normalizer = z
  .union([simple, z.object({ type: z.literal('Sequence'), normalizers: z.array(simple) })])
  .nullish();

const { whiteSpace } = characters;
const leading = new RegExp(`^[${whiteSpace}]+`, 'u');

/** What a `normalizer` makes of a text. @throws Error for a charsmap that is damaged */
export function normalizerOf(file: z.output<typeof normalizer>): (text: string) => string {
  if (file === null || file === undefined) return (text) => text;
  const steps = (file.type === 'Sequence' ? file.normalizers : [file]).map(stepOf);
  return (text) => steps.reduce((normalized, step) => step(normalized), text);
}

function stepOf(step: z.output<typeof simple>): (text: string) => string {
  switch (step.type) {
    case 'NFC':
    case 'NFKC':
      return (text) => normalForm(text, step.type);
    case 'Lowercase':
      // Each character is folded alone there, so a final sigma is not special.
      return (text) => lowerCase(text.replaceAll('Σ', 'σ'));
    case 'Prepend':
      return (text) => (text === '' ? '' : step.prepend + text);
    case 'Replace': {
      const { pattern, content } = step;
      const found = 'String' in pattern ? pattern.String : new RegExp(pattern.Regex, 'gu');
      return (text) => text.replaceAll(found, () => content);
    }
    case 'Strip':
      return (text) => {
        const begun = step.strip_left ? text.replace(leading, '') : text;
        return step.strip_right ? withoutTrailingSpace(begun) : begun;
      };
    case 'Precompiled':
      return charsmapNormalizer(step.precompiled_charsmap);
  }
}

const isSpace = new RegExp(`[${whiteSpace}]`, 'u');

/** In time linear in what is taken away, which a pattern that looks for the end is not. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
