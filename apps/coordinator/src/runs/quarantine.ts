import type { Run, Trainer } from './run.js';

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
