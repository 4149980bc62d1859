import { chooseExponent } from '@ringmaster/allreduce';
import { createHash } from 'node:crypto';
import type { Tensor } from '@ringmaster/tensorflow';
import type { Run } from './run.js';

/**
 * SHA-256 of what this process makes of microbatch 0 of step 0: exponents and int32 gradients, at the job's real shapes,
 * from the weights of the specification. Who computes another hash here would compute other bytes in the run. It uses
 * the run's state and arena; afterwards the run has no state, as before, but the one of step 0 is set aside, so that who
 * begins there does not make it twice.
 */
export async function probe(run: Run): Promise<string> {
  await run.initialise();
  const { runtime, model, task } = run.loaded;
  const { shared, kernels, quantiser } = run.memory;
  try {
    const arena = run.nextArena();
    const exponents = new Int32Array(run.layout.tensors.length);
    const quantise = (name: string, gradient: Tensor) => {
      const { index, offset, length } = run.layout.tensor(name);
      const target = arena.offset + offset * Int32Array.BYTES_PER_ELEMENT;
      const staged = quantiser.stage(length);
      runtime.downloadInto(gradient, staged);
      const exponent = exponentOf(kernels.maxAbs(staged.byteOffset, length), run);
      exponents[index] = exponent;
      quantiser.quantise({ target, coarse: null, exponent, replace: true }, () => undefined);
    };
    const first = { step: 0, microbatch: 0 };
    const found = task.trainMicrobatch(first.step, first.microbatch);
    if (found === null) throw new Error('the train split makes no sample');
    model.forwardBackward(found.batch, { seed: run.spec.seed, ...first }, quantise);
    quantiser.drain();
    const gradients = shared.int32(arena.offset, run.layout.length);
    return createHash('sha256').update(exponents).update(gradients).digest('hex');
  } finally {
    quantiser.abandon();
    run.setAside();
  }
}

/** A gradient that is not finite has no window; the run will tell of it. */
function exponentOf(maximum: number, run: Run): number {
  return Number.isFinite(maximum) ? chooseExponent([maximum], run.spec.batch.microbatches) : 0;
}
