import assert from 'node:assert/strict';
import { ledgerDigest } from '@ringmaster/data';
import type { Tokens } from '@ringmaster/model';
import type { Tensor } from '@ringmaster/tensorflow';
import type { Arena } from '../run/memory-layout.js';
import type { Run } from '../run/run.js';
import type { GradientSum } from './gradient-sum.js';
import { laneOf } from './lanes.js';
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
 * Computes one microbatch, whose quantised gradient is added to the arena, and reports loss, counts and magnitudes in its
 * lane. Both are there when the run's quantiser has been drained; until then it works beside what is computed next.
 * @param current Called between layers: what it throws ends the microbatch where it is.
 * @returns whether there is a gradient for the arena
 */
export function accumulate(
  run: Run,
  arena: Arena,
  { step, microbatch, exponents, replace, completes }: Microbatch,
  watch: Stopwatch,
  current: () => void,
): boolean {
  const { runtime, model, task } = run.loaded;
  const { quantiser, lanes } = run.memory;
  const maxima = new Float32Array(run.layout.tensors.length);
  let emitted = 0;
  const quantise = (name: string, gradient: Tensor) => {
    const { index, offset, length } = run.layout.tensor(name);
    const at = offset * Int32Array.BYTES_PER_ELEMENT;
    const target = arena.offset + at;
    const coarse = arena.coarse === null ? null : arena.coarse + at;
    const exponent = exponents?.[index] ?? null;
    const staged = watch.timeSync('quantise', () => quantiser.stage(length));
    runtime.downloadInto(gradient, staged);
    quantiser.quantise({ target, coarse, exponent, replace }, (maximum) => {
      maxima[index] = maximum;
      completes?.complete(index);
    });
    emitted++;
  };
  // Null at the end of an epoch, when no sample is left for it.
  const made = watch.timeSync('compute', () => task.trainMicrobatch(step, microbatch));
  const { lossSum, count, weight } =
    made === null
      ? { lossSum: 0, count: 0, weight: 0 }
      : watch.timeSync('compute', () =>
          model.forwardBackward(
            made.batch,
            { seed: run.spec.seed, step, microbatch },
            quantise,
            current,
          ),
        );
  const samples = made?.samples ?? [];
  quantiser.afterwards(() => {
    const lane = laneOf({
      lossSum,
      weight,
      counted: count,
      maxima,
      tokens: made === null ? 0 : tokensIn(made.batch) + tokensIn(made.batch.source),
      samples: samples.length,
      digest: ledgerDigest(samples),
    });
    lanes.write(arena.lanes, microbatch, lane);
  });
  assert(made === null || emitted === maxima.length, 'every parameter has a gradient');
  return made !== null && exponents !== null;
}

/** Real tokens, without padding. */
function tokensIn(tokens: Pick<Tokens, 'lengths'> | undefined): number {
  return tokens?.lengths.reduce((sum, length) => sum + length, 0) ?? 0;
}
