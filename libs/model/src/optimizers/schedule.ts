import { cos } from '@ringmaster/base';
import type { OptimizerSection } from '@ringmaster/protocol';
import { power } from './algorithm.js';

type Schedule = NonNullable<OptimizerSection['schedule']>;

/** Steps in which the inverse square root falls by 1 / √2 without a warm-up, as in transformers. */
const TIMESCALE = 10_000;

/** What of an `optimizer` section decides the learning rate. */
interface Rates {
  readonly learningRate?: number | undefined;
  readonly schedule?: Schedule | undefined;
  readonly warmupInit?: boolean;
}

/**
 * The learning rate of a step: it rises linearly over the warm-up, so that the last step of it has the peak, and then
 * falls as the schedule says; where that is to zero, it would be there at step `steps`.
 *
 * @param step counted from 0
 * @param steps steps of the whole run
 * @param optimizer `schedule.warmup` is a fraction of all steps when below 1, otherwise a number of steps; without a
 * learning rate it is Adafactor's relative step
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, schedule, ...optimizer }: Rates,
): number {
  if (learningRate === undefined || schedule === undefined)
    return relativeStep(step + 1, optimizer.warmupInit === true);
  const { warmup, decay, floor = 0 } = schedule;
  const warmupSteps = Math.round(warmup < 1 ? warmup * steps : warmup);
  // The last step's product and quotient may round to a value above the peak.
  if (step < warmupSteps) return Math.min(learningRate, (learningRate * (step + 1)) / warmupSteps);
  switch (decay) {
    case 'constant':
      return learningRate;
    case 'inverse-square-root': {
      const timescale = warmupSteps === 0 ? TIMESCALE : warmupSteps;
      return learningRate * Math.sqrt(timescale / (step + timescale - warmupSteps));
    }
    default: {
      const fallen = decayed(step, warmupSteps, steps, schedule, learningRate);
      return fallen + floor * (learningRate - fallen);
    }
  }
}

/** The relative step of Adafactor, as in transformers; steps are counted from 1. */
function relativeStep(step: number, warmupInit: boolean): number {
  return Math.min(warmupInit ? 1e-6 * step : 1e-2, 1 / Math.sqrt(step));
}

/** The rate where it falls from the peak to zero. */
function decayed(
  step: number,
  warmupSteps: number,
  steps: number,
  { decay, power: exponent = 2, cooldown = 0.2 }: Schedule,
  peak: number,
): number {
  const begin =
    decay === 'stable'
      ? Math.max(warmupSteps, steps - Math.max(1, Math.round(cooldown * steps)))
      : warmupSteps;
  const progress = Math.max(0, Math.min(1, (step - begin) / Math.max(1, steps - begin)));
  if (decay === 'cosine') return (peak * (1 + cos(Math.PI * progress))) / 2;
  const left = 1 - progress;
  return decay === 'polynomial' ? peak * power(left, exponent) : peak * left;
}
