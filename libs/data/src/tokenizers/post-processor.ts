import { z } from 'zod';

/** Token ids that are put around the ids of a text. */
export interface Surroundings {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Surroundings = { before: [], after: [] };

const id = z.int().min(0);
const named = z.tuple([z.string(), id]);
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string() }) }),
  z.object({ Sequence: z.object({ id: z.literal('A') }) }),
]);
/** What goes around one text, in each kind of post-processor of a `tokenizer.json`. */
const simple = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('ByteLevel') }),
  z.looseObject({ type: z.enum(['BertProcessing', 'RobertaProcessing']), sep: named, cls: named }),
  z.looseObject({
    type: z.literal('TemplateProcessing'),
    single: z.array(piece),
    special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(id) })),
  }),
]);
const postProcessor = z
  .union([simple, z.looseObject({ type: z.literal('Sequence'), processors: z.array(simple) })])
  .nullish();

/**
 * What a tokenizer's own post-processor puts around a text, as `transformers` does.
 * @param file The `post_processor` of a `tokenizer.json`.
 * @throws ZodError for a kind that is not known
 */
export function surroundingsOf(file: unknown): Surroundings {
  const parsed = postProcessor.parse(file);
  if (parsed === null || parsed === undefined) return NOTHING;
  const inOrder = parsed.type === 'Sequence' ? parsed.processors : [parsed];
  return inOrder.map(surroundings).reduce(
    (inner, outer) => ({
      before: [...outer.before, ...inner.before],
      after: [...inner.after, ...outer.after],
    }),
    NOTHING,
  );
}

function surroundings(processor: z.output<typeof simple>): Surroundings {
  switch (processor.type) {
    case 'ByteLevel':
      return NOTHING;
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [processor.cls[1]], after: [processor.sep[1]] };
    case 'TemplateProcessing': {
      const { single, special_tokens: special } = processor;
      const text = single.findIndex((each) => 'Sequence' in each);
      const ids = (pieces: typeof single) =>
        pieces.flatMap((each) =>
          'SpecialToken' in each ? (special[each.SpecialToken.id]?.ids ?? []) : [],
        );
      if (text < 0) throw new Error('its post-processor has no place for the text');
      return { before: ids(single.slice(0, text)), after: ids(single.slice(text + 1)) };
    }
  }
}

/** A post-processor that puts these tokens around a text. */
export function templateOf({ before, after }: Surroundings, name: (id: number) => string): object {
  const token = (id: number) => ({ SpecialToken: { id: name(id), type_id: 0 } });
  const around = [before.map(token), after.map(token)] as const;
  const sequence = (id: 'A' | 'B') => ({ Sequence: { id, type_id: 0 } });
  const [first, last] = around;
  return {
    type: 'TemplateProcessing',
    single: [...first, sequence('A'), ...last],
    pair: [...first, sequence('A'), ...last, sequence('B'), ...last],
    special_tokens: Object.fromEntries(
      [...before, ...after].map((id) => [
        name(id),
        { id: name(id), ids: [id], tokens: [name(id)] },
      ]),
    ),
  };
}

/**
 * The ids of one sequence: a text with what goes around it. One that is too long loses its end, or its beginning where
 * `keep` says so.
 */
export function surround(
  ids: readonly number[],
  { before, after }: Surroundings,
  context: number,
  keep: 'beginning' | 'end' = 'beginning',
): number[] {
  const room = Math.max(0, context - before.length - after.length);
  const first = keep === 'beginning' ? 0 : Math.max(0, ids.length - room);
  return [...before, ...ids.slice(first, first + room), ...after].slice(0, context);
}
