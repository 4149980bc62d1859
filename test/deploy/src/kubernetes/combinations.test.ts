import fc from 'fast-check';
import { expect, it } from 'vitest';
import { coveringTable, type Combination } from './combinations.js';

const FEATURES = ['a', 'b', 'c', 'd', 'e', 'f'];

/** What of a combination concerns a part. */
const seen = (part: Combination, combination: Combination) =>
  part.map((feature) => (combination.includes(feature) ? '1' : '0')).join('');

it('has every part meet every combination of its features', () => {
  const parts = fc.array(fc.subarray(FEATURES), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(parts, (each) => {
      const table = coveringTable(each);
      for (const part of each)
        expect(new Set(table.map((row) => seen(part, row))).size).toBe(2 ** part.length);
    }),
  );
});

it('is no longer than what the part with the most features asks for where parts share none', () => {
  expect(coveringTable([['a', 'b', 'c'], ['d', 'e'], ['f']])).toHaveLength(8);
});
