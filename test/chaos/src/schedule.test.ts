import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allKinds } from './events/index.js';
import { makeSchedule, resizing } from './schedule.js';

const options = fc.record({
  seed: fc.nat(),
  events: fc.nat({ max: 200 }),
  kinds: fc.subarray(allKinds, { minLength: 1 }),
  workers: fc.integer({ min: 1, max: 8 }),
});

describe('a schedule', () => {
  it('is a function of its seed', () => {
    fc.assert(
      fc.property(options, (given) => {
        expect(makeSchedule(given)).toEqual(makeSchedule(given));
        expect(makeSchedule(given)).toHaveLength(given.events);
      }),
    );
    const given = { events: 50, kinds: allKinds, workers: 4 };
    expect(makeSchedule({ ...given, seed: 1 })).not.toEqual(makeSchedule({ ...given, seed: 2 }));
  });

  it('never asks for more workers than there may be, nor for none', () => {
    fc.assert(
      fc.property(options, (given) => {
        let present = given.workers;
        for (const { event } of makeSchedule(given)) {
          if (event.kind === 'join') present++;
          if (event.kind === 'leave') present--;
          expect(present).toBeGreaterThanOrEqual(1);
          expect(present).toBeLessThanOrEqual(given.workers);
        }
      }),
    );
  });

  it('keeps events apart by steps', () => {
    fc.assert(
      fc.property(options, (given) => {
        for (const { gap } of makeSchedule(given)) expect(gap).toBeGreaterThanOrEqual(3);
      }),
    );
  });

  it('deals every kind equally often', () => {
    const kinds = allKinds.filter((kind) => kind !== 'join' && kind !== 'leave');
    const schedule = makeSchedule({ seed: 1, events: 3 * kinds.length, kinds, workers: 4 });
    for (const kind of kinds)
      expect(schedule.filter(({ event }) => event.kind === kind)).toHaveLength(3);
  });

  it('changes the number of workers one at a time, and ends with the last number', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1 }),
        fc.nat(),
        (sizes, seed) => {
          const present = [sizes[0] ?? 1];
          for (const { event } of resizing(sizes, seed))
            present.push((present.at(-1) ?? 0) + (event.kind === 'join' ? 1 : -1));
          expect(present.at(-1)).toBe(sizes.at(-1));
          expect(Math.min(...present)).toBe(Math.min(...sizes));
          expect(Math.max(...present)).toBe(Math.max(...sizes));
        },
      ),
    );
  });
});
