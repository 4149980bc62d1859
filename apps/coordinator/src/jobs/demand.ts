import type { Run } from '../runs/run.js';
import type { Demand, Offer } from '../scheduler/demand.js';
import type { LiveJob } from './record.js';

/** What a job asks of the scheduler, and what others may ask of it; null while it can neither take slots nor give any. */
export function demandOf(
  { record, run, repair }: LiveJob,
  offers: readonly Offer[],
  awaits: boolean,
): Demand | null {
  const { leave, limits, trainers } = run;
  // While a user has it leave its slots, they are being freed, and it wants none.
  if (!run.prepared || run.state === 'paused' || leave?.until === 'resumed') return null;
  const { spec } = record;
  const isYielding = leave !== null;
  const held = trainers
    .filter(({ released }) => released === null && !isYielding)
    .map(({ id, worker }) => ({ trainer: id, worker }));
  const computesOn = run.numerics?.['device'];
  const seat = offers.find(({ worker }) => held.some((slot) => slot.worker === worker));
  const device = computesOn === 'cpu' || computesOn === 'gpu' ? computesOn : (seat?.device ?? null);
  // Nobody is launched for what is not whole.
  if (repair !== null && held.length < limits.min) return null;
  const wantsMore = repair === null && (held.length < limits.min || isWorthGrowing(run));
  return {
    job: record.id,
    priority: spec.priority,
    order: record.seq,
    held,
    min: limits.min,
    max: wantsMore ? limits.max : held.length,
    awaits,
    isYielding,
    canYield: !run.checkpointsFail,
    threads: spec.workers.threads,
    memory: record.memory?.least ?? 0,
    device,
    excluded: run.excluded,
  };
}

/** Whether a change of a run can change what `demandOf` says of it, or what it waits for. */
export function concernsScheduler(before: Run, after: Run): boolean {
  return (
    before.state !== after.state ||
    before.prepared !== after.prepared ||
    before.leave !== after.leave ||
    before.limits !== after.limits ||
    before.numerics !== after.numerics ||
    before.checkpointsFail !== after.checkpointsFail ||
    before.excluded !== after.excluded ||
    isWorthGrowing(before) !== isWorthGrowing(after) ||
    !holdsSame(before, after)
  );
}

function holdsSame({ trainers: before }: Run, { trainers: after }: Run): boolean {
  if (before === after) return true;
  return (
    before.length === after.length &&
    before.every(
      ({ id, released }, place) => after[place]?.id === id && after[place].released === released,
    )
  );
}

/** A newcomer takes the state over in its first step, and computes from the second on. */
function isWorthGrowing({ step, steps }: Run): boolean {
  return steps === null || steps - step >= 2;
}
