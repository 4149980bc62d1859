import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange, type ByteRange } from './range.js';

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=2-', { start: 2, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-30', { start: 0, end: 9 }],
    ['bytes=5-50', { start: 5, end: 9 }],
    [undefined, null],
    ['bytes=0-1,3-4', null],
    ['lines=1-2', null],
    ['bytes=-', null],
  ])('reads %s of ten bytes', (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });

  it.each(['bytes=10-', 'bytes=5-4', 'bytes=-0'])('refuses %s of ten bytes', (header) => {
    expect(() => parseRange(header, 10)).toThrow(/not within/);
  });

  it('never leaves the blob', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(100), (first, last, bytes) => {
        let range: ByteRange | null = null;
        try {
          range = parseRange(`bytes=${first}-${last}`, bytes);
        } catch {
          return;
        }
        expect(range).not.toBeNull();
        expect(range!.start).toBeLessThanOrEqual(range!.end);
        expect(range!.end).toBeLessThan(bytes);
      }),
    );
  });
});
