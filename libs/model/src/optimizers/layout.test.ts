import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Layout } from './layout.js';

const shapes = fc.array(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }), {
  maxLength: 30,
});

test('tensors lie in the order given, aligned, apart and without needless gaps', () => {
  fc.assert(
    fc.property(shapes, (given) => {
      const layout = Layout.of(given.map((shape, i) => ({ name: `t${i}`, shape, group: 'decay' })));
      let end = 0;
      for (const [index, tensor] of layout.tensors.entries()) {
        expect(tensor.name).toBe(`t${index}`);
        expect(tensor.length).toBe(tensor.shape.reduce((a, b) => a * b, 1));
        expect(tensor.offset % 16).toBe(0);
        expect(tensor.offset - end).toBeGreaterThanOrEqual(0);
        expect(tensor.offset - end).toBeLessThan(16);
        expect(layout.tensor(tensor.name)).toBe(tensor);
        end = tensor.offset + tensor.length;
      }
      expect(layout.length % 16).toBe(0);
      expect(layout.length - end).toBeLessThan(16);
      expect(layout.parameterCount).toBe(
        layout.tensors.reduce((sum, { length }) => sum + length, 0),
      );
    }),
  );
});

test('names are unique and tensors have elements', () => {
  const weight = { name: 'weight', shape: [2], group: 'decay' } as const;
  expect(() => Layout.of([weight, weight])).toThrow('twice');
  expect(() => Layout.of([{ ...weight, shape: [2, 0] }])).toThrow('no elements');
  expect(() => Layout.of([weight]).tensor('bias')).toThrow('bias');
});
