import assert from 'node:assert/strict';
import { ledgerDigest } from '@ringmaster/data';
import type { Tensor } from '@ringmaster/model';
import type { GradientSum } from './gradient-sum.js';
import { laneOf } from './microbatch.js';
import type { Arena } from './memory.js';
import type { Run } from './run.js';
import type { Stopwatch } from './stopwatch.js';

interface Microbatch {
  readonly step: number;
  readonly microbatch: number;
  /** Null while calibrating: magnitudes are measured, nothing is summed. */
  readonly exponents: Int32Array | null;
  /** What the arena holds is replaced by this gradient; else this is added to it. */
  readonly replace: boolean;
  /** The sum that is complete with this gradient, tensor by tensor; null where more is to be added. */
  readonly completes: GradientSum | null;
}

/**
 * Computes one microbatch: adds its quantised gradient to the arena and reports loss, counts and magnitudes in its lane.
 * @returns whether there was a gradient for the arena
 */
export function accumulate(
  run: Run,
  arena: Arena,
  { step, microbatch, exponents, replace, completes }: Microbatch,
  watch: Stopwatch,
): boolean {
  const { kernels, staging } = run;
  const maxima = new Float32Array(run.layout.tensors.length);
  let emitted = 0;
  const quantise = (name: string, gradient: Tensor) => {
    const { index, offset, length } = run.layout.tensor(name);
    run.runtime.downloadInto(gradient, staging.view(length));
    emitted++;
    watch.timeSync('quantise', () => {
      const target = arena.offset + offset * Int32Array.BYTES_PER_ELEMENT;
      const exponent = exponents?.[index];
      if (exponent === undefined) maxima[index] = kernels.maxAbs(staging.offset, length);
      else if (replace)
        maxima[index] = kernels.quantiseSet(target, staging.offset, length, exponent);
      else maxima[index] = kernels.quantiseAdd(target, staging.offset, length, exponent);
      completes?.complete(index);
    });
  };
  // Null at the end of an epoch, when no sample is left for it.
  const batch = watch.timeSync('compute', () => run.task.trainMicrobatch(step, microbatch));
  const { lossSum, count } =
    batch === null
      ? { lossSum: 0, count: 0 }
      : watch.timeSync('compute', () =>
          run.model.forwardBackward(
            batch.input,
            { seed: run.spec.seed, step, microbatch },
            quantise,
          ),
        );
  const samples = batch?.samples ?? [];
  const lane = laneOf({
    ...{ lossSum, counted: count, maxima },
    tokens: batch?.input.lengths.reduce((sum, length) => sum + length, 0) ?? 0,
    ...{ samples: samples.length, digest: ledgerDigest(samples) },
  });
  run.lanes.write(arena.lanes, microbatch, lane);
  assert(batch === null || emitted === maxima.length, 'every parameter has a gradient');
  return batch !== null && exponents !== null;
}
