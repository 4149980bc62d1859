import { philox, randomKey } from '@ringmaster/base';
import { composedKernels, nativeKernels, Ops, Runtime } from '@ringmaster/tensorflow';
import { describe, expect, it } from 'vitest';

import { maskAt } from './dropout.js';
import type { RandomScope } from './layer.js';

const runtime = Runtime.open();
const scope: RandomScope = { seed: 7, step: 3, microbatch: 2 };

const ops = new Ops(runtime);
const native = nativeKernels(ops);

describe.each([
  ['native', native],
  ['composed', composedKernels(ops)],
])('a mask of %s kernels', (_, kernels) => {
  const mask = (
    shape: readonly number[],
    rate: number,
    key: RandomScope = scope,
    path = 'blocks.0.attention',
  ): number[] =>
    runtime.scope(() => {
      const tensor = maskAt({ kernels, random: key }, shape, rate, path)!;
      expect(tensor.shape).toEqual(shape);
      return [...runtime.download(tensor)];
    });

  it('is a function of its key', () => {
    expect(mask([40, 8], 0.5)).toEqual(mask([40, 8], 0.5));
    const masks = [
      mask([40, 8], 0.5),
      mask([40, 8], 0.5, { ...scope, seed: 8 }),
      mask([40, 8], 0.5, { ...scope, step: 4 }),
      mask([40, 8], 0.5, { ...scope, microbatch: 3 }),
      mask([40, 8], 0.5, scope, 'blocks.1.attention'),
    ];
    expect(new Set(masks.map((values) => values.join()))).toHaveProperty('size', masks.length);
  });

  it.each([0.1, 0.5, 0.9])(
    'drops the share %d and scales the rest so that the mean is 1',
    (rate) => {
      const values = mask([500, 400], rate);
      const dropped = values.filter((value) => value === 0).length / values.length;
      // Six standard deviations of a binomial share.
      expect(Math.abs(dropped - rate)).toBeLessThan(
        6 * Math.sqrt((rate * (1 - rate)) / values.length) + 2 ** -17,
      );
      const [kept, ...others] = new Set(values.filter((value) => value !== 0));
      expect(others).toEqual([]);
      expect(Math.abs(kept! * (1 - rate) - 1)).toBeLessThan(1e-4);
    },
  );

  it('covers an odd number of elements', () => {
    expect(mask([3, 5, 7], 0.5)).toHaveLength(105);
  });

  it('leaves no tensor behind', () => {
    mask([4, 4], 0.5);
    const before = runtime.live;
    mask([4, 4], 0.5);
    expect(runtime.live).toBe(before);
  });
});

it('drops as Philox says, 128 elements for sixteen counters', () => {
  const key = randomKey(1, 'mask');
  const size = 3 * 128 + 37;
  const dropped = 20_000;
  const expected = Array.from({ length: size }, (_, index) => {
    const part = Math.floor((index % 128) / 16);
    const counter = 16 * Math.floor(index / 128) + (index % 16);
    const word = philox(key, [counter, 0, 0, 0])[part >> 1]!;
    const half = part % 2 === 0 ? word & 0xffff : word >>> 16;
    return half < dropped ? 0 : Math.fround(65_536 / (65_536 - dropped));
  });
  runtime.scope(() => {
    expect([...runtime.download(native.dropoutMask([size], { dropped, key }))]).toEqual(expected);
  });
});
