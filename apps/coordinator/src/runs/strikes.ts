import { RingmasterError } from '@ringmaster/protocol';
import type { Run, Strike, Trainer } from './run.js';

/** Strikes at one step after which a job is given up. */
const STRIKES_TO_FAIL = 3;

/** Failures to load on one worker after which a run keeps away from it. */
const LOAD_FAILURES_TO_EXCLUDE = 3;

/** Records a failure; the third at one step fails the job. */
export function withStrike(run: Run, strike: Strike, reason: string): Run {
  const strikes = [...run.strikes, strike];
  const times = strikes.filter(({ step }) => step === strike.step).length;
  const struck = { ...run, strikes, strikesEver: run.strikesEver + 1 };
  if (times < STRIKES_TO_FAIL) return struck;
  const { job: id } = run;
  const error = new RingmasterError('JOB_CRASH_LOOP', { id, step: strike.step, times, reason });
  return { ...struck, state: 'failed', error: error.toBody() };
}

/** Forgets strikes at steps that the run has passed since. */
export function withoutPassed(run: Run, step: number): Run {
  if (run.strikes.every((strike) => strike.step >= step)) return run;
  return { ...run, strikes: run.strikes.filter((strike) => strike.step >= step) };
}

/** Forgets the newest strike if it was a neighbour's complaint that a lost worker explains. */
export function withoutExplained(run: Run, trainer: string): Run {
  const last = run.strikes.at(-1);
  if (last === undefined || last.exited || !last.members.includes(trainer)) return run;
  return { ...run, strikes: run.strikes.slice(0, -1) };
}

/** Counts a trainer that never became ready against its worker. */
export function withLoadFailure(run: Run, { worker }: Trainer): Run {
  const failures = (run.loadFailures[worker] ?? 0) + 1;
  return {
    ...run,
    loadFailures: { ...run.loadFailures, [worker]: failures },
    excluded: failures < LOAD_FAILURES_TO_EXCLUDE ? run.excluded : [...run.excluded, worker],
  };
}
