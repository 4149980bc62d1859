import { RingmasterError, type EvaluationReport } from '@ringmaster/protocol';
import type { Session } from '../session/session.js';
import type { Run } from './run.js';

/**
 * Makes the evaluation that is due, on the validation split. Its microbatches are dealt out over the ranks, computed
 * without dropout, gathered exactly through the lanes and folded in their order, so what it finds and what it makes of
 * the state depend on the state alone.
 * @returns null when none is due, or there was nothing to count in the split
 * @throws TRAINING_NON_FINITE
 */
export async function evaluateInRing(run: Run, session: Session): Promise<EvaluationReport | null> {
  if (!run.evaluationIsDue) return null;
  const { lanes, block } = run.evaluation;
  const view = run.memory.int32(block.offset, block.length);
  lanes.clear(view);
  const count = lanes.shape.microbatches;
  for (let microbatch = session.rank; microbatch < count; microbatch += session.size) {
    await session.breathe();
    const input = run.task.evaluationMicrobatch('validation', microbatch);
    const { lossSum, count: counted, correct } = run.model.evaluate(input);
    lanes.write(view, microbatch, {
      sums: [lossSum],
      counts: [counted, correct],
      maxima: new Float32Array(),
    });
  }
  await session.gather(block, run.step);
  const reading = lanes.read(view);
  lanes.verify(reading, 0);
  let lossSum = 0;
  let counted = 0;
  let correct = 0;
  for (const [microbatch, { sums, counts }] of reading.microbatches.entries()) {
    const [loss = 0] = sums;
    const [units = 0, right = 0] = counts;
    const rank = microbatch % session.size;
    assertFinite(loss, { step: run.step, microbatch, tensor: 'evaluation loss', rank });
    lossSum += loss;
    counted += units;
    correct += right;
  }
  const score = counted === 0 ? null : { loss: lossSum / counted, accuracy: correct / counted };
  run.concludeEvaluation(score);
  if (score === null) return null;
  return { step: run.step, loss: score.loss, metrics: { accuracy: score.accuracy } };
}

/** @throws TRAINING_NON_FINITE when what a model is judged by is no number any more: its weights have exploded. */
export function assertFinite(
  value: number,
  where: { step: number; microbatch: number; tensor: string; rank: number },
): void {
  if (Number.isFinite(value)) return;
  throw new RingmasterError('TRAINING_NON_FINITE', { ...where, inARow: 1 });
}
