import { RingmasterError, type EvaluationReport } from '@ringmaster/protocol';
import type { Session } from '../session/session.js';
import type { Run } from './run.js';

/**
 * Makes the evaluation that is due, on the validation split. Its microbatches are dealt out over the ranks, computed
 * without dropout, measured, gathered exactly through the lanes and folded in their order, so what it finds and what it
 * makes of the state depend on the state alone.
 * @returns null when none is due, or there was nothing to count in the split
 * @throws TRAINING_NON_FINITE
 */
export async function evaluateInRing(run: Run, session: Session): Promise<EvaluationReport | null> {
  if (!run.evaluationIsDue) return null;
  const { task, model } = run.loaded;
  const { shared, evaluation } = run.memory;
  const { lanes, block } = evaluation;
  const view = shared.int32(block.offset, block.length);
  lanes.clear(view);
  const count = lanes.shape.microbatches;
  await run.withEvaluatedWeights(async () => {
    for (let microbatch = session.rank; microbatch < count; microbatch += session.size) {
      await session.breathe();
      const batch = task.evaluationMicrobatch('validation', microbatch);
      const numbers = task.measures.measure(model, batch);
      lanes.write(view, microbatch, { sums: [...numbers], counts: [], maxima: new Float32Array() });
    }
  });
  await session.gather(block, run.step);
  const reading = lanes.read(view);
  lanes.verify(reading, 0);
  const parts = reading.microbatches.map(({ sums }, microbatch) => {
    const where = {
      step: run.step,
      microbatch,
      tensor: 'evaluation',
      rank: microbatch % session.size,
    };
    for (const number of sums) assertFinite(number, where);
    return Float64Array.from(sums);
  });
  const found = task.measures.metrics(parts);
  run.concludeEvaluation(found);
  if (found === null) return null;
  const { loss, ...metrics } = found;
  return { step: run.step, loss, metrics };
}

/** @throws TRAINING_NON_FINITE when what a model is judged by is no number any more: its weights have exploded. */
export function assertFinite(
  value: number,
  where: { step: number; microbatch: number; tensor: string; rank: number },
): void {
  if (Number.isFinite(value)) return;
  throw new RingmasterError('TRAINING_NON_FINITE', { ...where, inARow: 1 });
}
