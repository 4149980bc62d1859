import { levelsHere, webAssemblyMemory } from '@ringmaster/base/memory';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OptimizerKernels, UPDATE_LOOPS } from './kernels.js';

const ROOM = 64;
const memory = webAssemblyMemory(1);
const kernels = levelsHere(UPDATE_LOOPS).map((level) => new OptimizerKernels(memory, level));
const bytes = new Uint8Array(memory.buffer, 0, 4 * 4 * ROOM);

/** Where the arrays of a range begin, in elements. */
const [PARAMETERS, FIRST, SECOND, GRADIENTS] = [0, ROOM, 2 * ROOM, 3 * ROOM] as const;
const at = (element: number, shift: number) => 4 * (element + shift);

const content = fc.record({
  gradients: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 50 }),
  values: fc.array(
    fc.float({ noNaN: true, noDefaultInfinity: true, max: 2 ** 60, min: -(2 ** 60) }),
    {
      minLength: 3 * ROOM,
      maxLength: 3 * ROOM,
    },
  ),
  shift: fc.integer({ min: 0, max: 5 }),
  exponent: fc.integer({ min: -30, max: 60 }),
  coefficients: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 }),
});

/** What each of the levels makes of the same bytes. */
function results(
  { gradients, values, shift }: { gradients: number[]; values: number[]; shift: number },
  use: (kernels: OptimizerKernels, length: number) => unknown,
): unknown[] {
  return kernels.map((each) => {
    new Float32Array(memory.buffer, 0, 3 * ROOM).set(values);
    // Second moments are sums of squares.
    const second = new Float32Array(memory.buffer, 4 * SECOND, ROOM);
    second.forEach((value, k) => (second[k] = Math.abs(value)));
    new Int32Array(memory.buffer, 4 * (GRADIENTS + shift), gradients.length).set(gradients);
    const answer = use(each, gradients.length);
    return { answer, bytes: Buffer.from(bytes).toString('hex') };
  });
}

it.each([
  ['adamw', [FIRST, SECOND], 8],
  ['adam', [FIRST, SECOND], 8],
  ['momentum', [FIRST], 5],
  ['sgd', [], 2],
  ['lion', [FIRST], 6],
] as const)('%s is the same to the bit, whatever performs it', (loop, moments, count) => {
  fc.assert(
    fc.property(content, (given) => {
      const { shift, exponent, coefficients } = given;
      const [first, ...others] = results(given, (each, length) => {
        each.update(
          loop,
          {
            parameters: at(PARAMETERS, shift),
            moments: moments.map((moment) => at(moment, shift)),
            gradients: at(GRADIENTS, shift),
            length,
          },
          { exponent, scale: Math.fround(1 / 3), clip: 0.7 },
          coefficients.slice(0, count),
        );
      });
      for (const other of others) expect(other).toEqual(first);
    }),
  );
});

it('the sum of squares is the same to the bit, whatever performs it', () => {
  fc.assert(
    fc.property(content, (given) => {
      const [first, ...others] = results(given, (each, length) =>
        each.squares(at(GRADIENTS, given.shift), length, given.exponent, Math.fround(1 / 3)),
      );
      for (const other of others) expect(other).toEqual(first);
    }),
  );
});
