import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { trainerEnvironment } from '../runtime/environment.js';
import { describe, expect, it } from 'vitest';

import { cases, composed, native, runtime, valuesOf } from './cases.test.fixture.js';

// Our own kernels against the same formulas in TensorFlow's operations. The composed ones are themselves checked where
// layers use them: against finite differences, and against PyTorch.

// float32: a few roundings of sums of up to a thousand terms. bfloat16: one rounding to 8 bits, which may go the other
// way, and whatever it is multiplied with.
const TOLERANCE = { float32: 2e-5, bfloat16: 2 ** -7 } as const;

describe.each(['float32', 'bfloat16'] as const)('%s', (precision) => {
  it.each(Object.entries(cases))('%s is what TensorFlow computes', (_, use) => {
    const ours = valuesOf(native, use, precision);
    const theirs = valuesOf(composed, use, precision);
    expect(ours.length).toBe(theirs.length);
    ours.forEach(({ dtype, shape, values }, at) => {
      const expected = theirs[at]!;
      expect({ dtype, shape }).toEqual({ dtype: expected.dtype, shape: expected.shape });
      const scale = Math.max(1, ...expected.values.map(Math.abs));
      values.forEach((value, index) => {
        const error = Math.abs(value - expected.values[index]!);
        expect(error).toBeLessThan(TOLERANCE[precision] * scale);
      });
    });
  });
});

it('gives the same bytes with one, two and five threads', () => {
  const script = fileURLToPath(new URL('./hash.test.fixture.js', import.meta.url));
  const hashes = [1, 2, 5].map((threads) =>
    execFileSync(process.execPath, [script], {
      env: trainerEnvironment({ threads, device: { kind: 'cpu' } }),
      encoding: 'utf8',
    }),
  );
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(hashes).size).toBe(1);
});

it('projects a row to the same bytes, whatever rows are beside it', () => {
  runtime.scope(() => {
    const width = 75;
    const values = (length: number, factor: number) =>
      Float32Array.from({ length }, (_, at) => Math.fround(((at * factor) % 101) / 37 - 1));
    const weights = runtime.upload(values(33 * width, 31), [33, width]);
    const x = values(9 * width, 17);
    const project = (rows: Float32Array) =>
      runtime.download(
        native.projectFewRows(runtime.upload(rows, [rows.length / width, width]), weights),
      );
    const all = project(x);
    for (let row = 0; row < 9; row++)
      expect(project(x.slice(row * width, (row + 1) * width))).toEqual(
        all.slice(row * 33, (row + 1) * 33),
      );
  });
});

it('refuses what does not fit', () => {
  runtime.scope(() => {
    const x = runtime.upload(new Float32Array(6), [2, 3]);
    const four = runtime.upload(new Float32Array(4), [4]);
    expect(() => native.activate('gelu', x, four)).toThrow('one bias a column');
    expect(() => native.applyMask(x, four)).toThrow('same shape');
    expect(() => native.projectFewRows(x, four)).toThrow('rows of one width');
    const five = runtime.upload(Int32Array.of(0, 5), [2]);
    const target = runtime.upload(new Float32Array(15), [5, 3]);
    expect(() => native.addRows(target, x, five)).toThrow('rows of the target');
    const options = { sequences: 2, heads: 1, causal: true, lengths: null, dropout: null };
    expect(() => native.selfAttention(x, four, options)).toThrow('three vectors a head and token');
    const general = { ...options, keyValueHeads: 1, scale: 1, bias: null };
    expect(() => native.attention(x, four, four, general)).toThrow('a vector a head and token');
    expect(() => native.gated('silu', x, four)).toThrow('a gate for every element');
    expect(() => native.rmsNormalise(x, four, 1e-5, 'float32')).toThrow('a gain for every column');
    const recurrence = { sequences: 2, lengths: null, direction: 'forward' } as const;
    expect(() => native.lstm(x, four, recurrence)).toThrow('four gates a unit');
    const windows = { sequences: 2, lengths: null, widths: [1, 2] };
    expect(() => native.windows(x, four, windows)).toThrow('a bias for every filter');
    const sampled = {
      windows: Int32Array.of(0, 2, 0, 3),
      samples: Int32Array.of(0, 1),
      examples: 'each',
    } as const;
    expect(() => native.negativeSampling(x, x, sampled)).toThrow('windows around their rows');
    expect(() => native.negativeSampling(x, four, sampled)).toThrow('samples for every row');
    expect(() => native.rotate(x, x, 2, 'forth')).toThrow('an angle for every pair');
    expect(() => native.crossEntropy(x, null, Int32Array.of(0, 3))).toThrow('of the classes');
  });
});
