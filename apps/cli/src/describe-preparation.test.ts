import { describe, expect, it } from 'vitest';
import { describePreparation, describePreparers } from './describe-preparation.js';

describe('the preparation of data', () => {
  it('is told by what it does, how much of it, how fast and for how long still', () => {
    const begun = { done: 0, total: null, bytes: null, bytesPerSecond: null, secondsLeft: null };
    expect(describePreparation({ phase: 'hash', ...begun })).toBe('hashing files');
    expect(
      describePreparation({
        phase: 'encode',
        done: 300,
        total: 1000,
        bytes: { done: 30_000_000, total: 100_000_000 },
        bytesPerSecond: 4_000_000,
        secondsLeft: 17.5,
      }),
    ).toBe('encoding documents: 300 of 1,000, 30.0 MB of 100.0 MB, 4.0 MB/s, 18s left');
  });

  it('tells who does it, and how much each has done', () => {
    expect(describePreparers([])).toBeNull();
    expect(
      describePreparers([
        { by: 'coordinator', doing: 2, done: 1031 },
        { by: 'w-1', doing: 0, done: 12 },
      ]),
    ).toBe('coordinator 1,031 done, 2 now; w-1 12 done, 0 now');
  });
});
