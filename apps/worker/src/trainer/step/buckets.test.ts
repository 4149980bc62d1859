import { Layout } from '@ringmaster/model';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBuckets } from './buckets.js';

const layouts = fc
  .array(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 2 }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((shapes) =>
    Layout.of(shapes.map((shape, index) => ({ name: `t${index}`, shape, group: 'decay' }))),
  );

describe('buckets', () => {
  it('cover the address space from its end, each element once, and hold whole tensors', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { all, ofTensor } = cutBuckets(layout);
        let end = layout.length;
        for (const { first, length } of all) {
          expect(first + length).toBe(end);
          end = first;
        }
        expect(end).toBe(0);
        for (const { index, offset, length } of layout.tensors) {
          const bucket = all[ofTensor[index]!]!;
          expect(offset).toBeGreaterThanOrEqual(bucket.first);
          expect(offset + length).toBeLessThanOrEqual(bucket.first + bucket.length);
        }
        for (const [place, { tensors }] of all.entries())
          expect(ofTensor.filter((bucket) => bucket === place)).toHaveLength(tensors);
      }),
    );
  });

  it('are few, and all but the last are worth a message', () => {
    fc.assert(
      fc.property(layouts, (layout) => {
        const { all } = cutBuckets(layout);
        expect(all.length).toBeLessThanOrEqual(5);
        for (const { length } of all.slice(0, -1)) expect(length).toBeGreaterThanOrEqual(16_384);
      }),
    );
  });
});
