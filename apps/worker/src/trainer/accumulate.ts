import { ledgerDigest } from '@ringmaster/data';
import type { Tensor } from '@ringmaster/model';
import { laneOf } from './microbatch.js';
import type { Arena } from './memory.js';
import type { Run } from './run.js';
import type { Stopwatch } from './stopwatch.js';

interface Microbatch {
  readonly step: number;
  readonly microbatch: number;
  /** Null while calibrating: magnitudes are measured, nothing is summed. */
  readonly exponents: Int32Array | null;
}

/** Computes one microbatch: adds its quantised gradient to the arena and reports loss, counts and magnitudes in its lane. */
export function accumulate(
  run: Run,
  arena: Arena,
  { step, microbatch, exponents }: Microbatch,
  watch: Stopwatch,
): void {
  const maxima = new Float32Array(run.layout.tensors.length);
  const quantise = (name: string, gradient: Tensor) => {
    const { index, offset, length } = run.layout.tensor(name);
    run.runtime.downloadInto(gradient, run.staging.view(length));
    watch.timeSync('quantise', () => {
      maxima[index] = run.kernels.maxAbs(run.staging.offset, length);
      if (exponents === null) return;
      const target = arena.offset + offset * Int32Array.BYTES_PER_ELEMENT;
      run.kernels.quantiseAdd(target, run.staging.offset, length, exponents[index] ?? 0);
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
}
