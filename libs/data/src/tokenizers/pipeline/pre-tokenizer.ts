import { z } from 'zod';
import { characters } from '../../text/unicode.js';

/** What stands for a space in pieces (SentencePiece's `▁`). */
export const SPACE = '▁';

const metaspace = z.object({
  type: z.literal('Metaspace'),
  replacement: z.literal(SPACE),
  /** Of tokenizers before 0.15, which write no scheme. */
  add_prefix_space: z.boolean().optional(),
  prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
  split: z.boolean().default(true),
});
const simple = z.discriminatedUnion('type', [
  metaspace,
  z.object({ type: z.literal('WhitespaceSplit') }),
]);

/** The kinds of `pre_tokenizer` that divide texts at spaces. */
export const preTokenizer = z
  .union([simple, z.object({ type: z.literal('Sequence'), pretokenizers: z.array(simple) })])
  .nullish();

/**
 * The words of a normalized text that are encoded each by itself, given whether it is where a whole text begins.
 */
export function preTokenizerOf(
  file: z.output<typeof preTokenizer>,
): (text: string, isFirst: boolean) => Iterable<string> {
  if (file === null || file === undefined) return (text) => (text === '' ? [] : [text]);
  const steps = (file.type === 'Sequence' ? file.pretokenizers : [file]).map(stepOf);
  return (text, isFirst) =>
    steps
      .reduce<readonly Stretch[]>(
        (stretches, step) => stretches.flatMap(step),
        text === '' ? [] : [{ text, isFirst }],
      )
      .map((stretch) => stretch.text);
}

/** A part of a text. */
interface Stretch {
  readonly text: string;
  /** Whether it is where the text begins. */
  readonly isFirst: boolean;
}

const word = new RegExp(`[^${characters.whiteSpace}]+`, 'gu');
const marked = new RegExp(`${SPACE}?[^${SPACE}]+|${SPACE}`, 'gu');

function stepOf(step: z.output<typeof simple>): (stretch: Stretch) => Stretch[] {
  if (step.type === 'WhitespaceSplit')
    return ({ text, isFirst }) =>
      (text.match(word) ?? []).map((found, at) => ({
        text: found,
        isFirst: isFirst && at === 0 && text.startsWith(found),
      }));
  const { split } = step;
  const scheme = step.prepend_scheme ?? (step.add_prefix_space === false ? 'never' : 'always');
  return ({ text, isFirst }) => {
    const spaced = text.replaceAll(' ', SPACE);
    const isBegun = scheme === 'never' || (scheme === 'first' && !isFirst);
    const whole = isBegun || spaced.startsWith(SPACE) ? spaced : SPACE + spaced;
    const parts = split ? (whole.match(marked) ?? []) : [whole];
    return parts.map((part, at) => ({ text: part, isFirst: isFirst && at === 0 }));
  };
}
