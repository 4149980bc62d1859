import { sha256 } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignSplits as assign, splitNames, type SplitFractions } from './splits.js';

interface Candidate {
  readonly hash: string;
  readonly label: string | null;
  readonly group: number;
}

const document = (number: number, label: string | null = null, group = number): Candidate => ({
  hash: sha256(`document ${number}`),
  label,
  group,
});
const many = (count: number, label: string | null = null) =>
  Array.from({ length: count }, (_, number) => document(number, label));
const fractions = { validation: 0.1, test: 0.2 };

/** The names of the splits of candidates. */
function assignSplits(documents: readonly Candidate[], fractions: SplitFractions) {
  const labels = [...new Set(documents.map(({ label }) => label))];
  const firsts = new Map<number, number>();
  for (const [index, { group }] of documents.entries())
    if (!firsts.has(group)) firsts.set(group, index);
  const splits = assign(
    {
      hashes: Buffer.from(documents.map(({ hash }) => hash).join(''), 'hex'),
      labels: Int32Array.from(documents, ({ label }) => labels.indexOf(label)),
      groups: Int32Array.from(documents, ({ group }) => firsts.get(group) ?? 0),
    },
    fractions,
  );
  return Array.from(splits, (split) => splitNames[split]);
}

describe('assignSplits', () => {
  it('keeps a group on one side and does not depend on the order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ group: fc.nat(30), label: fc.constantFrom('a', 'b') }), {
          maxLength: 80,
        }),
        (drawn) => {
          const documents = drawn.map(({ group, label }, index) => document(index, label, group));
          const splits = assignSplits(documents, fractions);
          const byGroup = new Map(documents.map(({ group }, index) => [group, splits[index]]));
          documents.forEach(({ group }, index) => {
            expect(splits[index]).toBe(byGroup.get(group));
          });
          const reversed = assignSplits([...documents].reverse(), fractions).reverse();
          expect(reversed).toEqual(splits);
        },
      ),
    );
  });

  it('gives each label its share', () => {
    const documents = many(3000).map((each, index) => ({
      ...each,
      label: index % 10 ? 'ham' : 'spam',
    }));
    const splits = assignSplits(documents, fractions);
    for (const label of ['ham', 'spam']) {
      const of = splits.filter((_, index) => documents[index]?.label === label);
      const share = (split: string) => of.filter((each) => each === split).length / of.length;
      expect(Math.abs(share('test') - 0.2)).toBeLessThan(0.05);
      expect(Math.abs(share('validation') - 0.1)).toBeLessThan(0.025);
    }
  });

  it('gives a share to labels that are rare, and leaves one document to train on', () => {
    for (let count = 1; count <= 40; count++) {
      const splits = assignSplits(many(count), fractions);
      const number = (split: string) => splits.filter((each) => each === split).length;
      expect(number('train')).toBeGreaterThan(0);
      if (count >= 5)
        expect(number('test')).toBeGreaterThanOrEqual(Math.max(1, Math.floor(0.15 * count)));
      expect(number('test')).toBeLessThanOrEqual(Math.floor(0.25 * count) + 1);
    }
  });

  it('moves no document when others are added, nor when labels are', () => {
    const splits = assignSplits(many(4000), fractions);
    expect(assignSplits(many(2000), fractions)).toEqual(splits.slice(0, 2000));
    const labelled = many(4000).map((each, index) => ({ ...each, label: index % 3 ? 'a' : 'b' }));
    expect(assignSplits(labelled, fractions)).toEqual(splits);
  });

  it('holds out more besides when the fraction grows, and the same whatever the other split takes', () => {
    const test = (more: number, validation: number) =>
      new Set(
        assignSplits(many(2000), { validation, test: more }).flatMap((split, index) =>
          split === 'test' ? [index] : [],
        ),
      );
    expect(test(0.2, 0)).toEqual(test(0.2, 0.3));
    const larger = test(0.2, 0);
    expect([...test(0.1, 0)].every((index) => larger.has(index))).toBe(true);
  });

  it('is not swayed by the size of a group', () => {
    const documents = many(9000).map((each, index) => ({ ...each, group: Math.floor(index / 9) }));
    const splits = assignSplits(documents, fractions);
    const share = splits.filter((split) => split === 'test').length / splits.length;
    expect(Math.abs(share - 0.2)).toBeLessThan(0.05);
  });
});
