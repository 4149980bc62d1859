import type { MicrobatchInput, Tensor } from '@ringmaster/model';
import type { Arena, Run } from './run.js';
import type { Stopwatch } from './stopwatch.js';

interface Microbatch {
  readonly step: number;
  readonly microbatch: number;
  /** Null at the end of an epoch, when no sample is left for it. */
  readonly input: MicrobatchInput | null;
  /** Null while calibrating: magnitudes are measured, nothing is summed. */
  readonly exponents: Int32Array | null;
}

/** Computes one microbatch: adds its quantised gradient to the arena and reports loss, counts and magnitudes in its lane. */
export function accumulate(
  run: Run,
  arena: Arena,
  { step, microbatch, input, exponents }: Microbatch,
  watch: Stopwatch,
): void {
  const maxima = new Float32Array(run.layout.tensors.length);
  const quantise = (name: string, gradient: Tensor) => {
    const index = run.tensorIndex(name);
    const tensor = run.layout.tensors[index];
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    run.runtime.downloadInto(gradient, run.staging.view(tensor.length));
    watch.timeSync('quantise', () => {
      maxima[index] = run.kernels.maxAbs(run.staging.offset, tensor.length);
      if (exponents === null) return;
      const target = arena.offset + tensor.offset * Int32Array.BYTES_PER_ELEMENT;
      run.kernels.quantiseAdd(target, run.staging.offset, tensor.length, exponents[index] ?? 0);
    });
  };
  const { lossSum, count } =
    input === null
      ? { lossSum: 0, count: 0 }
      : watch.timeSync('compute', () =>
          run.model.forwardBackward(input, { seed: run.spec.seed, step, microbatch }, quantise),
        );
  const tokens = input?.lengths.reduce((sum, length) => sum + length, 0) ?? 0;
  run.lanes.write(arena.lanes, microbatch, { sums: [lossSum], counts: [count, tokens], maxima });
}
