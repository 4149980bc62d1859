import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phaseCount, sentBy } from './schedule.js';

const rings = fc.record({
  size: fc.integer({ min: 2, max: 7 }),
  lengths: fc.array(fc.nat(100), { maxLength: 4 }),
  segmentLength: fc.integer({ min: 1, max: 30 }),
});

describe('sentBy', () => {
  it('is in each phase what the rank before sent in the phase before', () => {
    fc.assert(
      fc.property(rings, ({ size, lengths, segmentLength }) => {
        for (let rank = 0; rank < size; rank++) {
          const received = sentBy((rank + size - 1) % size, size, lengths, segmentLength)
            .filter(({ phase }) => phase + 1 < phaseCount(size))
            .map((segment) => ({ ...segment, phase: segment.phase + 1 }));
          const forwarded = sentBy(rank, size, lengths, segmentLength).filter(
            ({ phase }) => phase > 0,
          );
          expect(forwarded).toEqual(received);
        }
      }),
    );
  });

  it('covers every element once in each phase, by segments within the limit', () => {
    fc.assert(
      fc.property(rings, ({ size, lengths, segmentLength }) => {
        for (let phase = 0; phase < phaseCount(size); phase++) {
          const times = lengths.map((length) => new Array<number>(length).fill(0));
          for (let rank = 0; rank < size; rank++) {
            for (const segment of sentBy(rank, size, lengths, segmentLength)) {
              if (segment.phase !== phase) continue;
              expect(segment.length).toBeGreaterThan(0);
              expect(segment.length).toBeLessThanOrEqual(segmentLength);
              for (let k = segment.start; k < segment.start + segment.length; k++) {
                times[segment.bucket]![k]!++;
              }
            }
          }
          expect(times.flat().every((count) => count === 1)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });
});
