import { cos } from '@ringmaster/base';
import type { OptimizerSection } from '@ringmaster/protocol';

/**
 * The learning rate of a step: it rises linearly over the warm-up, so that the last step of it has the peak, and then
 * falls towards zero, which it would reach at step `steps`.
 *
 * @param step counted from 0
 * @param steps steps of the whole run
 * @param optimizer `schedule.warmup` is a fraction of all steps when below 1, otherwise a number of steps
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, schedule }: Pick<OptimizerSection, 'learningRate' | 'schedule'>,
): number {
  const { warmup, decay } = schedule;
  const warmupSteps = Math.round(warmup < 1 ? warmup * steps : warmup);
  // The last step's product and quotient may round to a value above the peak.
  if (step < warmupSteps) return Math.min(learningRate, (learningRate * (step + 1)) / warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  switch (decay) {
    case 'constant':
      return learningRate;
    case 'linear':
      return learningRate * (1 - progress);
    case 'cosine':
      return (learningRate * (1 + cos(Math.PI * progress))) / 2;
  }
}
