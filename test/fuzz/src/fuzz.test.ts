import { expect, it } from 'vitest';
import { sanitise } from './kernels.js';
import { run, shares } from './run.js';

// A thousandth of what `npm run fuzz` tries.
it.each(shares(2_000))(
  '%s: what is damaged is refused, and nothing else happens',
  async (group, inputs) => {
    expect(await run({ group, seed: 1, inputs })).toEqual([]);
  },
);

it('native kernels keep to their memory and to defined behaviour', () => {
  const told = sanitise(5, 1);
  expect(told).toContain('baseline');
  expect(told).toContain('loops: 5 rounds');
});
