import { columnKinds, columnNames, type ColumnName } from '@ringmaster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unigramEntropy } from './entropy.js';
import { decodeShard, encodeShard, type Shard } from './format.js';
import { tokenWidth, valueAt, type Section } from './section.js';

const int32 = fc.integer({ min: -1, max: 0x7fffffff });

/** A column of so many documents. */
function sectionOf(name: ColumnName, documents: number): fc.Arbitrary<Section> {
  const kind = columnKinds[name];
  const lists = <T>(value: fc.Arbitrary<T>) =>
    fc.array(fc.array(value, { maxLength: 9 }), { minLength: documents, maxLength: documents });
  const offsetsOf = (list: readonly (readonly unknown[])[]) => {
    let end = 0;
    return Uint32Array.from([0, ...list.map(({ length }) => (end += length))]);
  };
  const each = <T>(value: fc.Arbitrary<T>) =>
    fc.array(value, { minLength: documents, maxLength: documents });
  switch (kind) {
    case 'tokens':
      return fc
        .tuple(lists(fc.nat(0xffff)), fc.constantFrom(Uint16Array, Uint32Array))
        .map(([list, Tokens]) => ({
          name,
          kind,
          offsets: offsetsOf(list),
          values: Tokens.from(list.flat()),
        }));
    case 'class':
      return each(int32).map((values) => ({ name, kind, values: Int32Array.from(values) }));
    case 'value':
      return each(fc.double()).map((values) => ({ name, kind, values: Float64Array.from(values) }));
    case 'classes':
    case 'tags':
    case 'spans':
      return lists(int32).map((list) => ({
        name,
        kind,
        offsets: offsetsOf(list),
        values: Int32Array.from(list.flat()),
      }));
  }
}

const shards: fc.Arbitrary<Shard> = fc
  .tuple(fc.nat(6), fc.uniqueArray(fc.constantFrom(...columnNames)))
  .chain(([documents, names]) =>
    fc
      .tuple(...names.map((name) => sectionOf(name, documents)))
      .map((sections) => ({ documents, sections })),
  );

describe('shards', () => {
  it('come back as they were written, whatever their columns and wherever they lie', () => {
    fc.assert(
      fc.property(shards, fc.nat(9), (shard, shift) => {
        const bytes = encodeShard(shard);
        const shifted = Buffer.concat([Buffer.alloc(shift), bytes]).subarray(shift);
        expect(decodeShard(shifted, 'x')).toEqual(shard);
      }),
    );
  });

  it('take two bytes a token while they can', () => {
    expect([tokenWidth(65_536), tokenWidth(65_537)]).toEqual([2, 4]);
  });

  const whole = encodeShard({
    documents: 1,
    sections: [
      {
        name: 'text',
        kind: 'tokens',
        offsets: Uint32Array.of(0, 3),
        values: Uint16Array.of(1, 2, 3),
      },
      { name: 'class', kind: 'class', values: Int32Array.of(0) },
    ],
  });
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(whole);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  it.each([
    ['it is no shard', Buffer.from('nonsense')],
    ['it is no shard', changed(0, 0)],
    ['it has version 9; this program reads 1 and 2', changed(8, 9)],
    ['its 9 columns need more', changed(16, 9)],
    ["a column 'taxt', which is not known", changed(24, Buffer.from('taxt').readUInt32LE())],
    ["its column 'text' is of kind 5", changed(40, 5)],
    ["the values of its column 'text' have 3 bytes", changed(44, 3)],
    ["the offsets of its column 'text' are not ascending", changed(48, 999)],
    ["its column 'class' has 2 values for 1 documents", changed(80, 2)],
    ["the offsets of its column 'text' are not ascending", changed(92, 7)],
    ['instead of at least', whole.subarray(0, -1)],
    ['instead of 112', Buffer.concat([whole, Buffer.alloc(8)])],
  ])('are refused by name: %s', (reason, content) => {
    expect(() => decodeShard(content, '/shard/one')).toThrow(/\/shard\/one/);
    expect(() => decodeShard(content, '/shard/one')).toThrow(reason);
  });

  it('are refused or read, and never more, when any of their bytes are others', () => {
    fc.assert(
      fc.property(
        shards,
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        fc.nat(),
        (shard, hits, cut) => {
          const bytes = encodeShard(shard);
          for (const [at, value] of hits) bytes[at % bytes.length] = value;
          const part = cut % 3 === 0 ? bytes.subarray(0, cut % (bytes.length + 1)) : bytes;
          try {
            decodeShard(part, 'x');
          } catch (error) {
            expect(error).toMatchObject({ code: 'DATA_SHARD_INVALID', detail: { path: 'x' } });
          }
        },
      ),
    );
  });
});

describe('shards of format 1', () => {
  /** Two documents, of the tokens 7, 8, 9 and 10, with the labels 1 and none. */
  const old = Buffer.from(
    '524d5348415244000100000002000000' +
      '02000000040000000000000000000000' +
      '000000000300000004000000' +
      '01000000ffffffff' +
      '0700080009000a00',
    'hex',
  );

  it('have a text and a class', () => {
    const { documents, sections } = decodeShard(old, 'x');
    expect(documents).toBe(2);
    const columns = Object.fromEntries(
      sections.map((section) => [section.name, [valueAt(section, 0), valueAt(section, 1)]]),
    );
    expect(columns).toEqual({
      text: [Uint16Array.of(7, 8, 9), Uint16Array.of(10)],
      class: [1, -1],
    });
  });

  const changed = (at: number, value: number) => {
    const copy = Buffer.from(old);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  it.each([
    ['it is no shard', old.subarray(0, 30)],
    ['its token ids have 3 bytes', changed(12, 3)],
    ['instead of', old.subarray(0, -1)],
    ['not ascending', changed(36, 7)],
  ])('are refused by name: %s', (reason, content) => {
    expect(() => decodeShard(content, '/shard/one')).toThrow(/\/shard\/one/);
    expect(() => decodeShard(content, '/shard/one')).toThrow(reason);
  });
});

describe('unigramEntropy', () => {
  it('is the logarithm of the number of equally frequent tokens, special ones left out', () => {
    expect(unigramEntropy(Float64Array.of(99, 5, 5, 5, 0, 5), [0])).toBeCloseTo(Math.log(4), 12);
    expect(unigramEntropy(Float64Array.of(9, 0), [0])).toBe(0);
  });
});
