import type { DataSplit } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SplitDocument } from './corpus-part.js';
import { TagCollector, preparedTags } from './tags.js';

const documentsOf = (
  lists: readonly (readonly string[])[],
  splitOf: (at: number) => DataSplit = () => 'train',
): SplitDocument[] =>
  lists.map((tags, at) => ({
    id: `a.conll#${at}`,
    line: 10 * at + 1,
    split: splitOf(at),
    columns: { words: tags.map(() => 'w'), tags },
  }));

function collectTags(documents: readonly SplitDocument[]) {
  const collector = new TagCollector();
  for (const document of documents) collector.add(document);
  return collector.finish();
}

/** Entities of a sentence, each so many words of a type; null for words outside. */
const entities = fc.array(
  fc.record({
    type: fc.constantFrom('PER', 'LOC', 'A-B', null),
    words: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 6 },
);
type Entities = typeof entities extends fc.Arbitrary<infer T> ? T : never;

/** Tags of IOB2, in which each entity begins with B-, or of IOB1, in which only one right behind its like does. */
function tagsOf(list: Entities, scheme: 'IOB1' | 'IOB2'): string[] {
  return list.flatMap(({ type, words }, at) =>
    Array.from({ length: words }, (_, word) => {
      if (type === null) return 'O';
      const begins = word === 0 && (scheme === 'IOB2' || list[at - 1]?.type === type);
      return `${begins ? 'B' : 'I'}-${type}`;
    }),
  );
}

describe('tags', () => {
  it('of entities are those of IOB2, whether a file has IOB1 or IOB2', () => {
    fc.assert(
      fc.property(fc.array(entities, { minLength: 1, maxLength: 5 }), (sentences) => {
        const expected = sentences.map((list) => tagsOf(list, 'IOB2'));
        for (const scheme of ['IOB1', 'IOB2'] as const) {
          const documents = documentsOf(sentences.map((list) => tagsOf(list, scheme)));
          const tags = collectTags(documents);
          const prepared = documents.map(({ columns }) =>
            preparedTags(columns.tags ?? [], tags.areOfEntities),
          );
          expect(prepared).toEqual(expected);
          if (scheme === 'IOB2') expect(tags.warning).toBe(null);
        }
      }),
    );
  });

  it('of a type are both known where one is, and O always, in the order of code units', () => {
    const { names, warning } = collectTags(documentsOf([['I-PER', 'I-PER'], ['B-LOC']]));
    expect(names).toEqual(['B-LOC', 'B-PER', 'I-LOC', 'I-PER', 'O']);
    expect(warning).toContain('1 document has entities that begin with I-');
    const held = documentsOf([['B-PER'], ['B-PER', 'I-PER', 'O']], (at) =>
      at === 0 ? 'train' : 'test',
    );
    expect(collectTags(held).names).toEqual(['B-PER', 'I-PER', 'O']);
  });

  it('that are no entities stay as they are, and numbers are in the order of numbers', () => {
    expect(collectTags(documentsOf([['NN', '-LRB-', 'VB']])).names).toEqual(['-LRB-', 'NN', 'VB']);
    expect(collectTags(documentsOf([['10', '9', '0']])).names).toEqual(['0', '9', '10']);
  });

  it('of another scheme are refused by the first and the number of documents that have one', () => {
    const documents = documentsOf([['B-PER', 'O'], ['O', 'S-PER'], ['E-PER']]);
    expect(() => collectTags(documents)).toThrow(
      expect.objectContaining({
        code: 'DATA_TAGS_INVALID',
        message: expect.stringContaining(
          "The tag 'S-PER' of a.conll line 11 is neither O nor begins with B- or I-, as others do; so it is in 2 documents",
        ) as string,
      }),
    );
  });

  it('that no train document has are refused', () => {
    const documents = documentsOf([['B-PER'], ['B-LOC']], (at) => (at === 0 ? 'train' : 'test'));
    expect(() => collectTags(documents)).toThrow("The test document a.conll#1 has the tag 'B-LOC'");
  });
});
