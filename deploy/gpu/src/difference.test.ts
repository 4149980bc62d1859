import { describe, expect, it } from 'vitest';
import { differenceOf } from './difference.js';

const bytes = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

describe('differenceOf', () => {
  it('is relative to the largest element', () => {
    expect(differenceOf(bytes(1, 2, -4), bytes(1, 2.5, -4))).toBeCloseTo(0.125);
  });

  it('is not a number where one is not', () => {
    expect(differenceOf(bytes(1, NaN), bytes(1, 2))).toBeNaN();
    expect(differenceOf(bytes(1, 2), bytes(NaN, 2))).toBeNaN();
  });
});
