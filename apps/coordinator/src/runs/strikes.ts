import { RingmasterError } from '@ringmaster/protocol';
import type { Run } from './run.js';

/** Strikes at one step after which a job is given up. */
const STRIKES_TO_FAIL = 3;

/** Records a failure that may be the job's own fault; the third at one step fails the job. */
export function withStrike(run: Run, step: number, reason: string): Run {
  const strikes = [...run.strikes, step];
  const times = strikes.filter((other) => other === step).length;
  const struck = { ...run, strikes, strikesEver: run.strikesEver + 1 };
  if (times < STRIKES_TO_FAIL) return struck;
  const error = new RingmasterError('JOB_CRASH_LOOP', { id: run.job, step, times, reason });
  return { ...struck, state: 'failed', error: error.toBody() };
}

/** Forgets strikes at steps that the run has passed since. */
export function withoutPassed(run: Run, step: number): Run {
  if (run.strikes.every((strike) => strike >= step)) return run;
  return { ...run, strikes: run.strikes.filter((strike) => strike >= step) };
}
