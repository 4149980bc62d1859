import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeShard, encodeShard, tokenWidth } from './format.js';
import { unigramEntropy } from './entropy.js';

const documents = fc.array(
  fc.record({
    tokens: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }),
    label: fc.integer({ min: -1, max: 5 }),
  }),
  { maxLength: 10 },
);

function shardOf(list: readonly { tokens: number[]; label: number }[], width: 2 | 4) {
  const tokens = list.flatMap((each) => each.tokens);
  const offsets = [0];
  for (const each of list) offsets.push(offsets[offsets.length - 1]! + each.tokens.length);
  return {
    tokens: width === 2 ? Uint16Array.from(tokens) : Uint32Array.from(tokens),
    offsets: Uint32Array.from(offsets),
    labels: Int32Array.from(list, ({ label }) => label),
  };
}

describe('shards', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(documents, fc.constantFrom(2, 4), (list, width) => {
        const shard = shardOf(list, width);
        const bytes = encodeShard(shard);
        // A view that is not at the start of its buffer, as pooled reads give.
        const shifted = Buffer.concat([Buffer.alloc(8), bytes]).subarray(8);
        const aligned = Buffer.from(Uint8Array.from(shifted).buffer);
        expect(decodeShard(aligned, 'x')).toEqual(shard);
      }),
    );
  });

  it('take two bytes a token while they can', () => {
    expect([tokenWidth(65_536), tokenWidth(65_537)]).toEqual([2, 4]);
  });

  const whole = encodeShard(shardOf([{ tokens: [1, 2, 3], label: 0 }], 2));
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(Uint8Array.from(whole).buffer);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  it.each([
    ['it is no shard', Buffer.from('nonsense')],
    ['it is no shard', changed(0, 0)],
    ['it has version 9; this program reads 1', changed(8, 9)],
    ['its token ids have 3 bytes', changed(12, 3)],
    ['instead of', Buffer.from(Uint8Array.from(whole.subarray(0, -1)).buffer)],
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
