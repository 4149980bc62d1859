import { describe, expect, it } from 'vitest';
import { philox, randomKey, RandomStream } from './random.js';

describe('philox', () => {
  // Known-answer vectors of the Random123 library (kat_vectors, philox4x32 10 rounds).
  it.each([
    [{ low: 0, high: 0 }, [0, 0, 0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [
      { low: 0xffffffff, high: 0xffffffff },
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      { low: 0xa4093822, high: 0x299f31d0 },
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('matches the reference vector of key %o', (key, counter, expected) => {
    expect([...philox(key, counter)]).toEqual([...expected]);
  });
});

describe('RandomStream', () => {
  it('gives the same number at an index in whatever order it is read', () => {
    const key = randomKey(7, 'dropout', 3, 'layers.0');
    const forward = new RandomStream(key);
    const values = Array.from({ length: 100 }, (_, index) => forward.uint32(index));
    const backward = new RandomStream(key);
    for (let index = 99; index >= 0; index--) expect(backward.uint32(index)).toBe(values[index]);
  });

  it('differs between purposes and seeds', () => {
    const first = (seed: number, ...purpose: (string | number)[]) =>
      new RandomStream(randomKey(seed, ...purpose)).uint32(0);
    expect(new Set([first(1, 'a'), first(2, 'a'), first(1, 'b'), first(1, 'a', 0)]).size).toBe(4);
  });

  it('draws normals of mean 0 and variance 1', () => {
    const stream = new RandomStream(randomKey(11, 'normal'));
    const values = Array.from({ length: 20_000 }, (_, index) => stream.normal(index));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });
});
