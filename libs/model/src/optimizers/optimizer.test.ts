import { readFileSync } from 'node:fs';

import { webAssemblyMemory } from '@ringmaster/base/memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { Algorithm } from './algorithm.js';
import { adafactor } from './adafactor.js';
import type { Elementwise } from './elementwise.js';
import { muon } from './muon.js';
import { learningRateAt } from './schedule.js';
import { adam } from './adam.js';
import { adamW } from './adamw.js';
import { algorithmOf } from './algorithms.js';
import { OptimizerKernels } from './kernels.js';
import { Layout, type ParameterShape } from './layout.js';
import { Optimizer } from './optimizer.js';
import { lion } from './lion.js';
import { sgd } from './sgd.js';
import { State, stateHash } from './state.js';

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };
const CLIP = 1;
const SGD = { momentum: 0.9, nesterov: false, weightDecay: 0.01 };
const ELEMENTWISE: [string, Elementwise][] = [
  ['AdamW', adamW(ADAM)],
  ['Adam', adam(ADAM)],
  ['SGD', sgd({ ...SGD, momentum: 0 })],
  ['SGD with momentum', sgd(SGD)],
  ["SGD with Nesterov's momentum", sgd({ ...SGD, nesterov: true })],
  ['Lion', lion({ beta1: 0.9, beta2: 0.99, weightDecay: 0.01 })],
];
const ADAFACTOR = {
  decayRate: -0.8,
  epsilon: 1e-30,
  epsilonScale: 1e-3,
  clipThreshold: 1,
  scaleParameter: true,
  weightDecay: 0.01,
};
const ALGORITHMS: [string, Algorithm][] = [
  ...ELEMENTWISE,
  ['Adafactor', adafactor(ADAFACTOR)],
  ['Adafactor with a mean of updates', adafactor({ ...ADAFACTOR, beta1: 0.9 })],
  ['Muon', muon({ ...ADAM, momentum: 0.95, nesterov: true })],
];

/** A state with its optimizer and an arena behind it. */
function training(
  parameters: readonly ParameterShape[],
  algorithm: Algorithm = adamW(ADAM),
  { clip = CLIP, averageDecay = null }: { clip?: number; averageDecay?: number | null } = {},
) {
  const layout = Layout.of(parameters);
  const options = { ...algorithm, keepsAverage: averageDecay !== null };
  const arena = Math.ceil(State.byteLength(layout, options) / 64) * 64;
  const scratch = Math.ceil((arena + 4 * layout.length) / 64) * 64;
  const bytes = scratch + Optimizer.scratchBytes(layout, algorithm);
  const memory = webAssemblyMemory(Math.ceil(bytes / 65_536));
  const state = State.create(memory, 0, layout, options);
  const gradients = new Int32Array(memory.buffer, arena, layout.length);
  return {
    layout,
    memory,
    arena,
    state,
    gradients,
    optimizer: new Optimizer(memory, state, { algorithm, clip, scratch, averageDecay }),
  };
}

/** Reproducible 32-bit integers. */
function integers(length: number, seed: number): Int32Array {
  let x = seed;
  return Int32Array.from({ length }, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return x;
  });
}

/** Reproducible values in (-1, 1). */
function values(length: number, seed: number): Float64Array {
  return Float64Array.from(integers(length, seed), (x) => x / 2 ** 31);
}

interface Reference {
  exponent: number;
  scale: number;
  clip: number;
  emaDecay: number;
  trajectories: {
    name: string;
    settings: Parameters<typeof algorithmOf>[0];
    tensors: ParameterShape[];
    steps: {
      step: number;
      gradientNorm: number;
      after: Record<string, number[]>;
      average: number[];
    }[];
  }[];
}

const reference = JSON.parse(
  readFileSync(new URL('../../reference/optimizers.json', import.meta.url), 'utf8'),
) as Reference;

test.each(reference.trajectories)(
  'updates, norms and the moving average of $name are those of its reference over 100 steps',
  ({ settings, tensors, steps }) => {
    const { exponent, scale, clip, emaDecay: averageDecay } = reference;
    const { layout, state, gradients, arena, optimizer } = training(
      tensors,
      algorithmOf(settings),
      { clip, averageDecay },
    );
    const isRelative = settings.algorithm === 'adafactor' && settings.relativeStep;
    for (const tensor of layout.tensors)
      state.view('parameters', tensor).set(values(tensor.length, 7 + tensor.index));
    state.beginAverage();
    const clippings = new Set<boolean>();
    for (let number = 1; number <= 100; number++) {
      const shift = number % 4 === 0 ? 17 : 11;
      for (const { index, offset, length } of layout.tensors) {
        const sums = integers(length, 1_000 * number + index).map((x) => x >> shift);
        gradients.set(sums, offset);
      }
      const exponents = layout.tensors.map(() => exponent);
      const learningRate = isRelative ? learningRateAt(number - 1, 100, settings) : 0.05 / number;
      const result = optimizer.apply({ arena, exponents, scale, learningRate, number });
      clippings.add(result.clipped);
      const expected = steps.find(({ step }) => step === number);
      if (expected === undefined) continue;
      expect(Math.abs(result.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-6);
      expect(result.clipped).toBe(expected.gradientNorm > clip);
      const close = (found: number | undefined, value: number) => {
        expect(Math.abs((found ?? NaN) - value)).toBeLessThan(5e-7 * (1 + Math.abs(value)));
      };
      for (const tensor of layout.tensors) {
        const found = state.view('parameters', tensor);
        for (const [at, value] of (expected.after[tensor.name] ?? []).entries())
          close(found[at], value);
      }
      const averages = layout.tensors.flatMap((tensor) => [
        ...state.view('averageParameters', tensor),
      ]);
      expect(averages.length).toBe(expected.average.length);
      for (const [at, value] of expected.average.entries()) close(averages[at], value);
    }
    expect(clippings).toEqual(new Set([true, false]));
  },
);

test('updates of AdamW follow the formula in float64 over several steps', () => {
  const length = 5_000;
  const { state, gradients, arena, optimizer } = training([
    { name: 'w', shape: [length], group: 'decay' },
  ]);
  state.parameters.set(values(length, 1));
  const p = Float64Array.from(state.parameters.subarray(0, length));
  const m = new Float64Array(length);
  const v = new Float64Array(length);
  for (let number = 1; number <= 5; number++) {
    const g = values(length, 100 + number).map(
      (value) => Math.round((value / 50) * 2 ** 24) / 2 ** 24,
    );
    gradients.set(g.map((value) => value * 2 ** 24));
    const norm = Math.hypot(...g) / 3;
    const clip = Math.min(1, CLIP / norm);
    const learningRate = 1e-3 * number;
    const result = optimizer.apply({ arena, exponents: [24], scale: 1 / 3, learningRate, number });
    expect(result.gradientNorm).toBeCloseTo(norm, 6);
    for (let i = 0; i < length; i++) {
      const gradient = (g[i]! / 3) * clip;
      m[i] = 0.9 * m[i]! + 0.1 * gradient;
      v[i] = 0.999 * v[i]! + 0.001 * gradient ** 2;
      const step = m[i]! / (1 - 0.9 ** number) / (Math.sqrt(v[i]! / (1 - 0.999 ** number)) + 1e-8);
      p[i] = p[i]! * (1 - learningRate * 0.01) - learningRate * step;
      expect(Math.abs(state.parameters[i]! - p[i]!)).toBeLessThan(1e-6);
    }
  }
});

test('squares are of gradients rounded as documented, folded in the documented order, for any length', () => {
  const memory = webAssemblyMemory(1);
  const kernels = new OptimizerKernels(memory);
  const sums = new Int32Array(memory.buffer);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 67 }),
      fc.integer({ min: -60, max: 60 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (given, exponent, count) => {
        sums.set(given);
        const sum = kernels.squares(0, given.length, exponent, 1 / count);
        const scale = Math.fround(1 / count);
        const expected = given.map((x) =>
          Math.fround(Math.fround(Math.fround(x) * 2 ** -exponent) * scale),
        );
        expect([...sums.subarray(0, given.length)]).toEqual(given);
        const lanes = [0, 0, 0, 0];
        const whole = given.length - (given.length % 4);
        for (let i = 0; i < whole; i++) lanes[i % 4]! += expected[i]! ** 2;
        let fold = lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!);
        for (let i = whole; i < given.length; i++) fold += expected[i]! ** 2;
        expect(sum).toBe(fold);
      },
    ),
  );
});

test.each(ELEMENTWISE)(
  'the update of an element by %s does not depend on how its tensor is cut',
  (_, algorithm) => {
    const length = 1_003;
    const memory = webAssemblyMemory(1);
    const kernels = new OptimizerKernels(memory);
    const floats = new Float32Array(memory.buffer);
    const sums = new Int32Array(memory.buffer, 4 * 3_072, 1_024);
    const factors = { exponent: 21, scale: 1 / 3, clip: 0.3 };
    const coefficients = algorithm.coefficients({ learningRate: 0.01, number: 3 }, true);
    const range = (from: number, to: number) => ({
      parameters: 4 * from,
      moments: algorithm.moments.map((_name, moment) => 4 * (1_024 * (1 + moment) + from)),
      gradients: 4 * (3_072 + from),
      length: to - from,
    });
    const run = (cuts: readonly number[]) => {
      floats.set(values(4_096, 5).map((x, i) => (i >= 2_048 && i < 3_072 ? Math.abs(x) : x)));
      sums.set(values(1_024, 6).map((x) => Math.round(x * 2 ** 22)));
      let from = 0;
      for (const to of [...cuts, length]) {
        kernels.update(algorithm.loop, range(from, to), factors, coefficients);
        from = to;
      }
      return Buffer.from(floats.slice(0, 3_072).buffer).toString('hex');
    };
    const whole = run([]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: length }), { maxLength: 6 }), (cuts) => {
        expect(run(cuts.toSorted((a, b) => a - b))).toBe(whole);
      }),
      { numRuns: 30 },
    );
  },
);

test.each(ALGORITHMS)(
  'a state of %s goes on from its header and bytes, and its hash covers every part',
  (_, algorithm) => {
    const shapes: ParameterShape[] = [
      { name: 'weight', shape: [40, 130], group: 'decay', matrices: 2 },
      { name: 'bias', shape: [130], group: 'no-decay' },
    ];
    const step = (run: ReturnType<typeof training>, number: number) => {
      run.gradients.set(values(run.layout.length, number).map((x) => Math.round(x * 2 ** 20)));
      run.optimizer.apply({
        arena: run.arena,
        exponents: [22, 22],
        scale: 1,
        learningRate: 1e-3,
        number,
      });
      run.state.accept([22, 22], [0.5, number]);
      run.state.counters = { ...run.state.counters, step: number, updates: number };
    };
    const straight = training(shapes, algorithm);
    straight.state.parameters.set(values(40 * 130, 3));
    const hashes = [stateHash(straight.state)];
    for (let number = 1; number <= 10; number++) {
      step(straight, number);
      hashes.push(stateHash(straight.state));
    }
    expect(new Set(hashes).size).toBe(11);
    expect(straight.state.history(1)).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);

    const first = training(shapes, algorithm);
    first.state.parameters.set(values(40 * 130, 3));
    for (let number = 1; number <= 4; number++) step(first, number);
    const resumed = training(shapes, algorithm);
    resumed.state.parts[0]!.set(first.state.parts[0]!);
    resumed.state.readHeader(first.state.header());
    expect(stateHash(resumed.state)).toBe(hashes[4]);
    for (let number = 5; number <= 10; number++) step(resumed, number);
    expect(stateHash(resumed.state)).toBe(hashes[10]);

    const { state } = resumed;
    for (const part of [...state.moments.values(), state.exponents, state.magnitudes]) {
      part[0]! += 1;
      expect(hashes).not.toContain(stateHash(state));
      part[0]! -= 1;
    }
    const others: ParameterShape[] = [
      { name: 'other', shape: [40, 130], group: 'decay' },
      shapes[1]!,
    ];
    const stranger = training(others, algorithm);
    expect(() => {
      stranger.state.readHeader(first.state.header());
    }).toThrow('another layout');
  },
);
