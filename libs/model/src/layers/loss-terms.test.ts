import { readFileSync } from 'node:fs';
import { composedKernels, nativeKernels, Ops, Runtime } from '@ringmaster/tensorflow';
import { describe, expect, it } from 'vitest';
import { summed } from './cross-entropy.js';
import type { Pass } from './layer.js';
import { entropyOf, type LossTerms } from './loss-terms.js';
import { Tape } from './tape.js';

interface Reference {
  shape: [number, number];
  logits: number[];
  bias: number[];
  targets: number[];
  cases: (LossTerms & { loss: number; dLogits: number[]; dBias: number[] })[];
}

const reference = JSON.parse(
  readFileSync(new URL('../../reference/losses.json', import.meta.url), 'utf8'),
) as Reference;
const runtime = Runtime.open();
const ops = new Ops(runtime, 'float32');

describe.each([
  ['native', nativeKernels(ops)],
  ['composed', composedKernels(ops)],
])('with %s kernels', (_, kernels) => {
  it.each(reference.cases)(
    'a loss with smoothing $labelSmoothing, z-loss $zLoss and weights $classWeights is that of PyTorch, and its gradient',
    ({ loss, dLogits, dBias, ...terms }) => {
      const { shape, logits, bias, targets } = reference;
      runtime.scope(() => {
        const none = () => {
          throw new Error('there are no parameters');
        };
        const pass: Pass = {
          tape: Tape.forwardOnly(runtime),
          ops,
          kernels,
          project: none,
          weight: none,
          factor: none,
          random: null,
          loss: terms,
        };
        const found = entropyOf(
          pass,
          runtime.upload(Float32Array.from(logits), shape),
          runtime.upload(Float32Array.from(bias), [bias.length]),
          Int32Array.from(targets),
        );
        const { lossSum, count, weight } = summed([found.losses], found.weight);
        expect(count).toBe(targets.length);
        expect(Math.abs(lossSum / weight / loss - 1)).toBeLessThan(1e-5);
        const close = (given: Iterable<number>, expected: readonly number[]) => {
          const scale = Math.max(...expected.map(Math.abs));
          for (const [at, value] of [...given].entries())
            expect(Math.abs(value / weight - (expected[at] ?? NaN))).toBeLessThan(1e-5 * scale);
        };
        close(runtime.download(found.dLogits) as Float32Array, dLogits);
        if (found.dBias === null) throw new Error('there is a bias');
        close(runtime.download(found.dBias) as Float32Array, dBias);
      });
    },
  );
});
