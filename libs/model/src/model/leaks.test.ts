import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Runtime } from '@ringmaster/tensorflow';
import { expect, it } from 'vitest';

import type { ModelConfig } from '../families/families.js';
import { Model } from './model.js';

const STEPS = 1_000;
const WARM_UP = 500;
/** Allocators take memory in leaps now and then; what is lost with each step grows in every window of steps. */
const WINDOWS = 3;

/**
 * What resident memory may grow by over the steps, garbage collected before and after: allocators touch pages of their
 * heaps for the first time. One [64,32] activation lost a step would be 1,000 · 8 kB; smaller ones are seen in the
 * number of tensors.
 */
const GROWTH_BYTES = 8e6;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const residentBytes = (): number => {
  collect();
  return process.memoryUsage.rss();
};

const runtime = Runtime.open();

it.each(['float32', 'bfloat16'] as const)(
  `holds as many tensors and as much memory after ${STEPS} steps in %s as before them`,
  (precision) => {
    const config: ModelConfig = {
      architecture: 'gpt',
      layers: 2,
      hidden: 32,
      heads: 2,
      intermediate: 128,
      context: 32,
      vocabulary: 100,
      dropout: 0.1,
    };
    const model = new Model(runtime, config, 'causal-language-model', { precision });
    const parameters = model.initialise(7);
    const tokens = Int32Array.from({ length: 64 }, (_, index) => (7 * index) % 100);
    const input = {
      sequences: 2,
      length: 32,
      tokens,
      lengths: Int32Array.of(32, 32),
      targets: { kind: 'tokens', rows: null, ids: tokens },
    } as const;
    const step = (number: number): void => {
      model.load((name) => parameters.get(name) ?? new Float32Array());
      model.forwardBackward(input, { seed: 1, step: number, microbatch: 0 }, (name, gradient) => {
        runtime.downloadInto(gradient, parameters.get(name)?.slice() ?? new Float32Array());
      });
    };
    for (let number = 0; number < WARM_UP; number++) step(number);
    const tensors = runtime.live;
    let grown = Infinity;
    for (let window = 0; window < WINDOWS && grown >= GROWTH_BYTES; window++) {
      const resident = residentBytes();
      for (let number = 0; number < STEPS; number++) step(WARM_UP + number);
      grown = residentBytes() - resident;
    }
    expect(runtime.live).toBe(tensors);
    expect(grown).toBeLessThan(GROWTH_BYTES);
    model.unload();
  },
  60_000,
);
