import { expect, it } from 'vitest';
import { hasFreeProcessor } from './processors.js';

const TWO = ['tcp://10.0.0.1:4000', 'tcp://10.0.0.1:4001'];

it.each([
  ['two trainers on two processors', TWO, 2, 1, false],
  ['two on three', TWO, 3, 1, true],
  ['two of two threads on four', TWO, 4, 2, false],
  ['one beside one of another host', ['tcp://10.0.0.2:4000', 'tcp://10.0.0.1:4000'], 2, 1, true],
  ['one in a ring of IPv6', ['tcp://[::1]:4000'], 1, 1, false],
])('%s', (_, endpoints, processors, threads, free) => {
  expect(hasFreeProcessor(endpoints, 0, { processors, threads })).toBe(free);
});
