import { setImmediate as around } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Turns } from './turns.js';

it('one piece is done each time around the event loop, in the order of asking', async () => {
  const turns = new Turns();
  const done: string[] = [];
  let loops = 0;
  const work = async (name: string) => {
    for (let piece = 0; piece < 3; piece++) {
      await turns.next();
      done.push(`${name}${piece} in ${loops}`);
    }
  };
  const all = Promise.all([work('a'), work('b')]);
  while (done.length < 6) {
    await around();
    loops++;
  }
  await all;
  const loop = (entry: string) => Number(entry.split(' in ')[1]);
  expect(done.map((entry) => entry.slice(0, 2))).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  expect(new Set(done.map(loop)).size).toBe(6);
});
