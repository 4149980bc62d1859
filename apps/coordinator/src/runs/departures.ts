import { recordFailure, type Context } from './commands.js';
import type { Departure } from './event.js';
import { breakRing, lastHeard, withoutTrainer } from './faults/breaking.js';
import { describeExclusion, withStillborn, withStrike } from './faults/exclusion.js';
import { describeDeparture } from './faults/incident.js';
import { reportedBy, withoutExplained } from './faults/trouble.js';
import { isRunning, rankIn, type Generation } from './generation.js';
import { withdrawWith } from './ring/change.js';
import type { Run, Trainer } from './run.js';

/** Signals by which a machine or a person ends a process that has done nothing wrong. */
const FROM_OUTSIDE: readonly (string | null)[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'];

/** What the end of a trainer makes of a run. */
export function onGone(run: Run, trainer: Trainer, departure: Departure, context: Context): Run {
  const { id } = trainer;
  const { ring } = run;
  const left = withdrawWith(withoutTrainer(run, id), id, context);
  if (ring?.retiring.includes(id) === true) {
    // The others have agreed to go on without it.
    return { ...left, ring: { ...ring, retiring: ring.retiring.filter((other) => other !== id) } };
  }
  const rank = rankIn(ring, id);
  if (rank > 0 && ring?.members[rank]?.finished === true) return left;

  const counted = counts(departure) && !trainer.stepped ? withStillborn(left, trainer) : left;
  const what = describeDeparture(departure);
  recordFailure(run, trainer, what, context, {
    lastLines: departure.cause === 'exited' ? departure.lastLines : [],
    remarks: [...reportedBy(run, id), ...describeExclusion(run, counted)],
    broke:
      rank < 0
        ? null
        : { heard: signOfLife(run, trainer, departure, context.now), known: context.now },
  });
  const broken = rank < 0 ? counted : breakRing(counted, context);
  return strike(withoutExplained(broken, id), run, ring, trainer, departure, what);
}

/** A failure may be the job's fault if a trainer dies at once in a ring that runs, or before any has ever loaded. */
function strike(
  next: Run,
  before: Run,
  ring: Generation | null,
  trainer: Trainer,
  departure: Departure,
  what: string,
): Run {
  if (departure.cause === 'worker-lost' || trainer.stepped) return next;
  const running = isRunning(ring) && rankIn(ring, trainer.id) >= 0;
  const loading =
    !trainer.ready &&
    before.numerics === null &&
    trainer.strikesBefore === before.strikesEver &&
    counts(departure);
  return running || loading ? withStrike(next, before.step, what) : next;
}

/** Whether the end of a trainer tells something of its worker or its job. */
function counts(departure: Departure): boolean {
  if (departure.cause !== 'exited') return departure.cause === 'silent';
  return departure.outOfMemory || !FROM_OUTSIDE.includes(departure.signal);
}

function signOfLife(run: Run, trainer: Trainer, departure: Departure, now: number): number {
  switch (departure.cause) {
    case 'exited':
      return now; // Its agent tells at once.
    case 'silent':
      return now - 1000 * departure.seconds;
    case 'worker-lost':
      return lastHeard(run, trainer);
  }
}
