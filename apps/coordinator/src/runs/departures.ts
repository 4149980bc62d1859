import { breakRing, happen, lastHeard, withoutTrainer } from './breaking.js';
import type { Departure } from './event.js';
import { isRunning, rankIn, type Generation } from './generation.js';
import { describeDeparture } from './incident.js';
import { withdrawWith } from './planned.js';
import { describeExclusion, withStillborn } from './quarantine.js';
import type { Run, Trainer } from './run.js';
import { withStrike } from './strikes.js';
import { reportedBy, withoutExplained } from './trouble.js';
import type { Turn } from './turn.js';

/** Signals by which a machine or a person ends a process that has done nothing wrong. */
const FROM_OUTSIDE: readonly (string | null)[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'];

/** What the end of a trainer makes of a run. */
export function onGone(run: Run, trainer: Trainer, departure: Departure, turn: Turn): Run {
  const { id } = trainer;
  const { ring } = run;
  const left = withdrawWith(withoutTrainer(run, id), id, turn);
  if (ring?.retiring.includes(id) === true) {
    // The others have agreed to go on without it.
    return { ...left, ring: { ...ring, retiring: ring.retiring.filter((other) => other !== id) } };
  }
  const rank = rankIn(ring, id);
  if (rank > 0 && ring?.members[rank]?.finished === true) return left;

  const counted = counts(departure) && !trainer.stepped ? withStillborn(left, trainer) : left;
  const what = describeDeparture(departure);
  happen(run, trainer, what, turn, {
    lastLines: departure.cause === 'exited' ? departure.lastLines : [],
    remarks: [...reportedBy(run, id), ...describeExclusion(run, counted)],
    broke:
      rank < 0 ? null : { heard: signOfLife(run, trainer, departure, turn.now), known: turn.now },
  });
  const broken = rank < 0 ? counted : breakRing(counted, turn);
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
