import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { sideBySide } from './side-by-side.js';

const numbers = Array.from({ length: 100 }, (_, at) => at);

it('does a few at a time, and gives what came of them in their order', async () => {
  let [now, most] = [0, 0];
  const doubled = await sideBySide(numbers, 8, async (number) => {
    most = Math.max(most, ++now);
    await setImmediate();
    now--;
    return 2 * number;
  });
  expect(doubled).toEqual(numbers.map((number) => 2 * number));
  expect(most).toBe(8);
});

it('begins nothing once one has failed', async () => {
  let begun = 0;
  const failing = sideBySide(numbers, 8, async (number) => {
    begun++;
    await setImmediate();
    if (number === 3) throw new Error('three');
  });
  await expect(failing).rejects.toThrow('three');
  for (let turn = 0; turn < 100; turn++) await setImmediate();
  expect(begun).toBeLessThan(20);
});
