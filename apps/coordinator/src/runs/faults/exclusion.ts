import { RingmasterError } from '@ringmaster/protocol';
import type { Run, Trainer } from '../run.js';

/** Strikes at one step after which a job is given up. */
const STRIKES_TO_FAIL = 3;
/** Trainers in a row that die on a worker before they make a step, after which the run keeps away from it. */
const STILLBORN_TO_EXCLUDE = 3;

/** Keeps the run away from a worker from now on. */
export function withExcluded(run: Run, worker: string): Run {
  return run.excluded.includes(worker) ? run : { ...run, excluded: [...run.excluded, worker] };
}

/** Counts a trainer that died before it made a step against its worker. */
export function withStillborn(run: Run, { worker }: Trainer): Run {
  const times = (run.stillborn[worker] ?? 0) + 1;
  const counted = { ...run, stillborn: { ...run.stillborn, [worker]: times } };
  return times < STILLBORN_TO_EXCLUDE ? counted : withExcluded(counted, worker);
}

/** Takes note that these trainers have made a step. */
export function withStepped(run: Run, ids: readonly string[]): Run {
  const fresh = run.trainers.filter(({ id, stepped }) => !stepped && ids.includes(id));
  if (fresh.length === 0) return run;
  const workers = fresh.map(({ worker }) => worker);
  const stillborn = Object.entries(run.stillborn).filter(([worker]) => !workers.includes(worker));
  const trainers = run.trainers.map((trainer) =>
    fresh.includes(trainer) ? { ...trainer, stepped: true } : trainer,
  );
  return { ...run, trainers, stillborn: Object.fromEntries(stillborn) };
}

/** What is to be told of workers that the run keeps away from since. */
export function describeExclusion(before: Run, after: Run): string[] {
  return after.excluded
    .filter((worker) => !before.excluded.includes(worker))
    .map((worker) => `The run keeps away from worker ${worker} from now on.`);
}

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
