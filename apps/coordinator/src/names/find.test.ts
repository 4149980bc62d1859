import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { find, SHORTEST_PREFIX, type Lookup, type Named } from './find.js';

interface Thing extends Named {
  readonly seq: number;
}

function tableOf(things: readonly Thing[]): Lookup<Thing> {
  return {
    get: (id) => things.find((thing) => thing.id === id) ?? null,
    newestByName: (name) => things.findLast((thing) => thing.name === name) ?? null,
    byPrefix: (prefix, limit) =>
      things
        .filter(({ id }) => id.startsWith(prefix))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit),
  };
}

// Few letters, so that names, ids and prefixes meet.
const word = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });
const things = fc
  .uniqueArray(fc.record({ id: word(6, 8), name: word(1, 8) }), {
    selector: ({ id }) => id,
    maxLength: 12,
  })
  .map((list) => list.map((each, seq) => ({ ...each, seq })));

describe('a reference', () => {
  it('means the id, else the newest of that name, else the only id that begins so', () => {
    fc.assert(
      fc.property(things, word(0, 8), (list, reference) => {
        const exact = list.find(({ id }) => id === reference);
        const named = list.findLast(({ name }) => name === reference);
        const begun = list.filter(
          ({ id }) => reference.length >= SHORTEST_PREFIX && id.startsWith(reference),
        );
        const look = () => find(tableOf(list), reference);
        if (exact === undefined && named === undefined && begun.length > 1) {
          expect(look).toThrow(expect.objectContaining({ code: 'REFERENCE_AMBIGUOUS' }));
          expect(look).toThrow([...begun.map(({ id }) => id)].sort()[0]);
        } else expect(look()).toEqual(exact ?? named ?? begun[0] ?? null);
      }),
      { numRuns: 1000 },
    );
  });
});
