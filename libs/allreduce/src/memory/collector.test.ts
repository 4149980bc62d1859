import { expect, it } from 'vitest';
import { Collector } from './collector.js';

const MESSAGE = 2 ** 20;

it('gives the memory of received messages back long before V8 would by itself', () => {
  const collector = new Collector();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let message = 0; message < 200; message++) {
    new Uint8Array(new ArrayBuffer(MESSAGE)).fill(1);
    collector.done(MESSAGE);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(20 * MESSAGE);
});

it('leaves nothing for others to collect with', () => {
  new Collector();
  expect(Reflect.has(globalThis, 'gc')).toBe(false);
});
