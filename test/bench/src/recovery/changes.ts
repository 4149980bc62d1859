import { median } from '../statistics.js';
import { isOf, type ObservedRun } from './run.js';

/** Steps before and after a change that tell how long a step takes. */
const AROUND = 8;

/** A planned change of the ring. */
export interface Change {
  /** Time that the others lost, in units of a step. */
  readonly stepsLost: number;
  /** The same where nothing was changed, by the same arithmetic: what the machine does anyway. */
  readonly stepsLostAnyway: number;
}

/** Workers leave and join in turn. */
export async function changeMembers(
  run: ObservedRun,
  rounds: number,
): Promise<{ readonly leaves: Change[]; readonly joins: Change[] }> {
  const leaves: Change[] = [];
  const joins: Change[] = [];
  const { workers } = run.view;
  for (let round = 0; round < rounds; round++) {
    const { worker } = await run.stage.victim((round % workers.length) / workers.length);
    leaves.push(await change(run, () => worker.end()));
    joins.push(await change(run, () => run.cluster.addWorker()));
    await run.whole(workers.length);
  }
  return { leaves, joins };
}

/** Lets the ring change and looks at the times at which steps were told around it. */
async function change(run: ObservedRun, begin: () => Promise<unknown>): Promise<Change> {
  await run.steps(run.arrivals.length, 3 * AROUND);
  const before = run.arrivals.length;
  const { generation } = run.view;
  await begin();
  const { index } = await run.first(
    'a new generation',
    before,
    ({ event }) => event.type === 'job' && event.job.generation > generation,
  );
  await run.steps(index, 3 * AROUND);
  const count = (end: number) => run.arrivals.slice(0, end).filter(isOf('step')).length;
  const times = run.arrivals.filter(isOf('step')).map(({ at }) => at);
  return {
    stepsLost: stepsLost(times, count(index)),
    stepsLostAnyway: stepsLost(times, count(before) - AROUND),
  };
}

/**
 * What the steps around place `at` took longer than the medians before and after, in units of a step. The ring may
 * become faster or slower by the change, so the slower median counts.
 */
function stepsLost(times: readonly number[], at: number): number {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const middle = gaps.slice(at - 2, at + AROUND);
  const usual = Math.max(
    median(gaps.slice(at - 2 - AROUND, at - 2)),
    median(gaps.slice(at + AROUND, at + 2 * AROUND)),
  );
  return middle.reduce((sum, gap) => sum + gap, 0) / usual - middle.length;
}
