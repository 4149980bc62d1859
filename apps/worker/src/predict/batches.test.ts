import fc from 'fast-check';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { batches } from './batches.js';

/** Numbers from 0, in bursts with a pause after each. */
async function* bursts(sizes: readonly number[]): AsyncGenerator<number> {
  let next = 0;
  for (const size of sizes) {
    for (let count = 0; count < size; count++) yield next++;
    for (let pause = 0; pause < 3; pause++) await turn();
  }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('batches', () => {
  it('have all items in their order, whatever the pauses, and no more than they may', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(9), { maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        async (sizes, size) => {
          const found = await all(batches(bursts(sizes), size));
          const count = sizes.reduce((sum, each) => sum + each, 0);
          expect(found.flat()).toEqual(Array.from({ length: count }, (_, item) => item));
          for (const batch of found) expect(batch.length).toBeLessThanOrEqual(size);
        },
      ),
    ));

  it('are full while there is no pause, and end with one', async () => {
    const found = await all(batches(bursts([7, 1, 2]), 3));
    expect(found.map(({ length }) => length)).toEqual([3, 3, 1, 1, 2]);
  });

  it('pass on what the items fail with', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await
    const failing = async function* () {
      yield 1;
      throw new Error('broken');
    };
    await expect(all(batches(failing(), 1))).rejects.toThrow('broken');
  });
});
