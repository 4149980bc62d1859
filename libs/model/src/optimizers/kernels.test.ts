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

it('the moving average is the same to the bit, whatever performs it', () => {
  fc.assert(
    fc.property(content, (given) => {
      const [first, ...others] = results(given, (each, length) => {
        each.average(at(FIRST, given.shift), at(PARAMETERS, given.shift), length, 0.1);
      });
      for (const other of others) expect(other).toEqual(first);
    }),
  );
});

const extent = fc.integer({ min: 1, max: 7 });

it('what Adafactor does to a matrix is the same to the bit, whatever performs it', () => {
  fc.assert(
    fc.property(content, extent, extent, fc.boolean(), (given, rows, columns, hasMean) => {
      const [first, ...others] = results(given, (each) => {
        const matrix = {
          parameters: at(PARAMETERS, given.shift),
          gradients: at(GRADIENTS, given.shift),
          rows,
          columns,
          rowFactors: at(SECOND, 0),
          columnFactors: at(SECOND, 8),
          columnSums: at(SECOND, 16),
          firstMoments: hasMean ? at(FIRST, given.shift) : null,
        };
        const factors = { exponent: given.exponent, scale: Math.fround(1 / 3), clip: 0.7 };
        each.squaresBySide(matrix, factors, 1e-30);
        const [shrink = 0, rate = 0, beta1 = 0] = given.coefficients;
        each.factored(matrix, factors, { shrink, rate, beta1 });
        return [each.factoredSquares(matrix, factors), each.floatSquares(matrix.parameters, 50)];
      });
      for (const other of others) expect(other).toEqual(first);
    }),
  );
});

it('what Muon does to a matrix is the same to the bit, whatever performs it', () => {
  fc.assert(
    fc.property(content, (given) => {
      const [first, ...others] = results(given, (each, length) => {
        const gradients = at(GRADIENTS, given.shift);
        const range = { momenta: at(FIRST, 3), direction: at(SECOND, 1), gradients, length };
        const factors = { exponent: given.exponent, scale: Math.fround(1 / 3), clip: 0.7 };
        const [gain = 0, ahead = 0, shrink = 0, rate = 0] = given.coefficients;
        each.muonDirection(range, factors, gain, ahead);
        each.scaled(at(SECOND, 1), length, rate);
        each.descend(at(PARAMETERS, 2), at(SECOND, 1), length, { shrink, rate });
      });
      for (const other of others) expect(other).toEqual(first);
    }),
  );
});

it('a product is the same to the bit, whatever performs it, and that of matrices', () => {
  const side = fc.integer({ min: 1, max: 40 });
  const room = webAssemblyMemory(1);
  const floats = new Float32Array(room.buffer);
  const all = levelsHere(UPDATE_LOOPS).map((level) => new OptimizerKernels(room, level));
  fc.assert(
    fc.property(side, side, side, fc.integer(), (rows, inner, columns, seed) => {
      const [left, right, addend, into] = [0, 1600, 3200, 4800] as const;
      const found = all.map((each) => {
        floats.forEach((_, k) => (floats[k] = Math.sin(seed + k)));
        const offsets = { left: 4 * left, right: 4 * right, addend: 4 * addend, into: 4 * into };
        each.product({ ...offsets, rows, inner, columns, alpha: 0.5, beta: -2 });
        each.transpose(4 * into, 4 * (into + 1600), rows, columns);
        return floats.slice(into, into + 3200);
      });
      for (const other of found) expect(other).toEqual(found[0]);
      let error = 0;
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          let sum = 0;
          for (let k = 0; k < inner; k++)
            sum += floats[left + row * inner + k]! * floats[right + k * columns + column]!;
          const expected = -2 * floats[addend + row * columns + column]! + 0.5 * sum;
          const computed = found[0]![row * columns + column]!;
          error = Math.max(error, Math.abs(computed - expected));
          if (found[0]![1600 + column * rows + row] !== computed) error = Infinity;
        }
      expect(error).toBeLessThan(1e-5);
    }),
    { numRuns: 20 },
  );
});
