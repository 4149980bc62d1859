import type { Demand, Offer } from '../scheduler/plan.js';
import type { LiveJob } from './record.js';

/** What a job asks of the scheduler; null while it needs nothing or cannot use it. */
export function demandOf({ record, run }: LiveJob, offers: readonly Offer[]): Demand | null {
  const { spec } = record;
  if (!run.prepared) return null;
  const held = run.trainers.length;
  const max = canGrow(run, spec.checkpoint.every) ? run.limits.max : held;
  if (held >= max) return null;
  const [first] = run.trainers;
  const device = offers.find(({ worker }) => worker === first?.worker)?.device ?? null;
  return {
    ...{ job: record.id, priority: spec.priority, order: record.seq },
    ...{ min: run.limits.min, max, held, threads: spec.workers.threads, device },
    excluded: run.excluded,
  };
}

/** A newcomer joins a started ring at its next checkpoint: it is of no use when there will be none. */
function canGrow({ ring, step, steps }: LiveJob['run'], every: number): boolean {
  if (ring?.started !== true || steps === null) return true;
  return Math.floor(step / every + 1) * every < steps;
}

/** What a queued job waits for, in words. */
export function describeWait(
  { record, run }: LiveJob,
  pending: readonly string[],
  offers: readonly Offer[],
): string | null {
  if (run.state !== 'queued') return null;
  if (pending.length > 0) return `waits for ${pending.join(', ')}`;
  if (!run.prepared) return 'waits for the preparation of other data';
  const { threads } = record.spec.workers;
  const usable = offers.filter(
    (offer) => offer.threads >= threads && !run.excluded.includes(offer.worker),
  );
  const exist = usable.reduce((sum, { slots }) => sum + slots, 0);
  const free = usable.reduce((sum, offer) => sum + offer.free, 0);
  const need = run.limits.min - run.trainers.length;
  const threaded = threads === 1 ? '' : ` with ${threads} threads`;
  return `waits for ${need} ${need === 1 ? 'slot' : 'slots'}${threaded}; ${exist} exist, ${free} free`;
}
