import { RingmasterError, type EvaluationReport } from '@ringmaster/protocol';
import type { Run } from './run.js';
import type { Session } from './session.js';

/**
 * Evaluates the model on the validation split. Its microbatches are dealt out over the ranks, computed without
 * dropout, gathered exactly through the lanes and folded in their order, so the result depends on the state alone.
 * @returns null when there is no validation split, or nothing to count in it
 * @throws TRAINING_NON_FINITE
 */
export async function evaluateInRing(run: Run, session: Session): Promise<EvaluationReport | null> {
  const count = run.task.evaluationMicrobatches('validation');
  if (count === 0) return null;
  const { evaluationLanes, evaluationBlock } = run;
  const block = run.memory.int32(evaluationBlock.offset, evaluationBlock.length);
  evaluationLanes.clear(block);
  for (let microbatch = session.rank; microbatch < count; microbatch += session.size) {
    await session.breathe();
    const input = run.task.evaluationMicrobatch('validation', microbatch);
    const { lossSum, count: counted, correct } = run.model.evaluate(input);
    evaluationLanes.write(block, microbatch, {
      sums: [lossSum],
      counts: [counted, correct],
      maxima: new Float32Array(),
    });
  }
  await session.gather(evaluationBlock, run.step);
  const { microbatches, checksum } = evaluationLanes.read(block);
  evaluationLanes.verify({ microbatches, checksum, control: [] }, checksum);
  const sum = (pick: (lane: (typeof microbatches)[number]) => number | undefined) =>
    microbatches.reduce((total, lane) => total + (pick(lane) ?? 0), 0);
  const counted = sum((lane) => lane.counts[0]);
  if (counted === 0) return null;
  const loss = sum((lane) => lane.sums[0]) / counted;
  assertFinite(loss, run.step, 'evaluation loss');
  const accuracy = sum((lane) => lane.counts[1]) / counted;
  return { step: run.step, loss, metrics: { accuracy } };
}

/** @throws TRAINING_NON_FINITE when what a model is judged by is no number any more: its weights have exploded. */
export function assertFinite(value: number, step: number, tensor: string): void {
  if (Number.isFinite(value)) return;
  throw new RingmasterError('TRAINING_NON_FINITE', { step, microbatch: 0, tensor, inARow: 1 });
}
