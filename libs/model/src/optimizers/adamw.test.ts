import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { AdamW, type AdamWSettings } from './adamw.js';
import { OptimizerKernels, type SharedMemory } from './kernels.js';
import { Layout, type ParameterShape } from './layout.js';
import { State, stateHash } from './state.js';

const settings: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
};

function sharedMemory(bytes: number): SharedMemory {
  const pages = Math.ceil(bytes / 65_536);
  const { Memory } = (
    globalThis as unknown as {
      WebAssembly: { Memory: new (descriptor: object) => SharedMemory };
    }
  ).WebAssembly;
  return new Memory({ initial: pages, maximum: pages, shared: true });
}

/** A state with its optimizer and an arena behind it. */
function training(parameters: readonly ParameterShape[], given = settings) {
  const layout = Layout.of(parameters);
  const arena = Math.ceil(State.byteLength(layout) / 64) * 64;
  const memory = sharedMemory(arena + 4 * layout.length);
  const state = State.create(memory, 0, layout);
  const gradients = new Int32Array(memory.buffer, arena, layout.length);
  return {
    layout,
    memory,
    arena,
    state,
    gradients,
    optimizer: new AdamW(memory, layout, state.offsets, given),
  };
}

/** Reproducible values in (-1, 1). */
function values(length: number, seed: number): Float64Array {
  let x = seed;
  return Float64Array.from({ length }, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return x / 2 ** 31;
  });
}

interface Reference {
  settings: AdamWSettings;
  exponent: number;
  scale: number;
  tensors: (ParameterShape & { before: number[] })[];
  steps: {
    learningRate: number;
    gradientNorm: number;
    sums: Record<string, number[]>;
    after: Record<string, number[]>;
  }[];
}

test('updates and norms are those of PyTorch', () => {
  const reference = JSON.parse(
    readFileSync(new URL('../../reference/adamw.json', import.meta.url), 'utf8'),
  ) as Reference;
  const { layout, state, gradients, arena, optimizer } = training(
    reference.tensors,
    reference.settings,
  );
  for (const { name, before } of reference.tensors) {
    state.view('parameters', layout.tensor(name)).set(before);
  }
  for (const [index, step] of reference.steps.entries()) {
    for (const { name, offset } of layout.tensors) gradients.set(step.sums[name]!, offset);
    const { gradientNorm, clipped } = optimizer.apply({
      arena,
      exponents: layout.tensors.map(() => reference.exponent),
      scale: reference.scale,
      learningRate: step.learningRate,
      number: index + 1,
    });
    expect(Math.abs(gradientNorm / step.gradientNorm - 1)).toBeLessThan(1e-6);
    expect(clipped).toBe(step.gradientNorm > reference.settings.clip);
    for (const tensor of layout.tensors) {
      const found = state.view('parameters', tensor);
      for (const [at, expected] of step.after[tensor.name]!.entries()) {
        expect(Math.abs(found[at]! - expected)).toBeLessThan(5e-7 * (1 + Math.abs(expected)));
      }
    }
  }
});

test('updates follow the formula in float64 over several steps', () => {
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
    const clip = Math.min(1, settings.clip / norm);
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
  const memory = sharedMemory(65_536);
  const kernels = new OptimizerKernels(memory);
  const integers = new Int32Array(memory.buffer);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 67 }),
      fc.integer({ min: -60, max: 60 }),
      fc.integer({ min: 1, max: 1_000_000 }),
      (given, exponent, count) => {
        integers.set(given);
        const sum = kernels.squares(0, given.length, exponent, 1 / count);
        const scale = Math.fround(1 / count);
        const expected = given.map((x) =>
          Math.fround(Math.fround(Math.fround(x) * 2 ** -exponent) * scale),
        );
        expect([...integers.subarray(0, given.length)]).toEqual(given);
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

test('the update of an element does not depend on how its tensor is cut', () => {
  const length = 1_003;
  const memory = sharedMemory(16 * 1_024 * 2);
  const kernels = new OptimizerKernels(memory);
  const floats = new Float32Array(memory.buffer);
  const integers = new Int32Array(memory.buffer, 4 * 3_072, 1_024);
  const by = {
    scale: 1 / 3,
    ...{ clip: 0.3, beta1: 0.9, gain1: 0.1, beta2: 0.999, gain2: 0.001 },
    ...{ shrink: 0.99, rate: 0.01, root: 3.1, epsilon: 1e-8 },
  };
  const offsets = (from: number) => ({
    parameters: 4 * from,
    firstMoments: 4 * (1_024 + from),
    secondMoments: 4 * (2_048 + from),
    gradients: 4 * (3_072 + from),
  });
  const run = (cuts: readonly number[]) => {
    floats.set(values(4_096, 5).map((x, i) => (i >= 2_048 && i < 3_072 ? Math.abs(x) : x)));
    integers.set(values(1_024, 6).map((x) => Math.round(x * 2 ** 22)));
    let from = 0;
    for (const to of [...cuts, length]) {
      kernels.adamw(offsets(from), to - from, 21, by);
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
});

test('a state hash covers every part, and a state goes on from its header and bytes', () => {
  const shapes: ParameterShape[] = [
    { name: 'weight', shape: [40, 130], group: 'decay' },
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
  const straight = training(shapes);
  straight.state.parameters.set(values(40 * 130, 3));
  const hashes = [stateHash(straight.state)];
  for (let number = 1; number <= 10; number++) {
    step(straight, number);
    hashes.push(stateHash(straight.state));
  }
  expect(new Set(hashes).size).toBe(11);
  expect(straight.state.history(1)).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);

  const first = training(shapes);
  first.state.parameters.set(values(40 * 130, 3));
  for (let number = 1; number <= 4; number++) step(first, number);
  const resumed = training(shapes);
  resumed.state.bytes.set(first.state.bytes);
  resumed.state.readHeader(first.state.header());
  expect(stateHash(resumed.state)).toBe(hashes[4]);
  for (let number = 5; number <= 10; number++) step(resumed, number);
  expect(stateHash(resumed.state)).toBe(hashes[10]);

  const { state } = resumed;
  for (const part of [state.firstMoments, state.secondMoments, state.exponents, state.magnitudes]) {
    part[0]! += 1;
    expect(hashes).not.toContain(stateHash(state));
    part[0]! -= 1;
  }
  const stranger = training([{ name: 'other', shape: [40, 130], group: 'decay' }, shapes[1]!]);
  expect(() => {
    stranger.state.readHeader(first.state.header());
  }).toThrow('another layout');
});
