import { randomKey, RandomStream } from '@ringmaster/base';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { fillNormals, initialValues } from './initial-values.js';

const drawnOneByOne = (length: number, seed: number, deviation: number) => {
  const stream = new RandomStream(randomKey(seed, 'normals'));
  return new Float32Array(length).map((_, index) => deviation * stream.normal(index));
};

const filled = (length: number, seed: number, deviation: number) => {
  const values = new Float32Array(length).fill(NaN);
  fillNormals(values, randomKey(seed, 'normals'), deviation);
  return values;
};

const digest = (values: Float32Array) => createHash('sha256').update(values).digest('hex');

test('normals in bulk are those of their stream, bit for bit, whatever the length', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(100), fc.constantFrom(16_383, 16_384, 16_385, 40_000)),
      fc.nat(),
      fc.constantFrom(1, 0.02, 0.004_714_045_207_910_317),
      (length, seed, deviation) =>
        digest(filled(length, seed, deviation)) === digest(drawnOneByOne(length, seed, deviation)),
    ),
  );
});

test('so are a million of them, among which are those that the loop leaves to the stream', () => {
  expect(digest(filled(1_000_000, 7, 1))).toBe(digest(drawnOneByOne(1_000_000, 7, 1)));
});

test('a parameter begins as its specification says, and another name begins otherwise', () => {
  const spec = {
    name: 'a',
    shape: [3, 5],
    group: 'decay',
    initial: 'normal',
    deviation: 1,
  } as const;
  expect(initialValues(spec, 7)).toHaveLength(15);
  expect(initialValues(spec, 7)).toEqual(initialValues(spec, 7));
  expect(initialValues({ ...spec, name: 'b' }, 7)).not.toEqual(initialValues(spec, 7));
  expect(initialValues(spec, 8)).not.toEqual(initialValues(spec, 7));
  expect(initialValues({ ...spec, initial: 'ones' }, 7)).toEqual(new Float32Array(15).fill(1));
  expect(initialValues({ ...spec, initial: 'zeros' }, 7)).toEqual(new Float32Array(15));
});
