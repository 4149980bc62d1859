import { isFinal } from '@ringmaster/protocol';
import { overdueLoaders, overdueMembers, STRANDED_MS } from './deadlines.js';
import { formRing, startIfPrepared } from './formation.js';
import { describeDeparture, writeIncident } from './incident.js';
import { dismiss, onMessage } from './messages.js';
import type { Departure, Run, RunEvent, Trainer, Transition } from './run.js';
import { withLoadFailure, withoutExplained, withStrike } from './strikes.js';
import type { Turn } from './turn.js';

/**
 * The life of a job as a pure function. Invariants:
 * - generations strictly increase, and at most one is in force;
 * - `start` is sent once all members of that very generation have promised;
 * - a message of another generation, or of a trainer that is not of this run, changes nothing;
 * - a final state never changes, and leaves no trainer behind.
 * @param now Milliseconds of a clock that never goes back.
 */
export function transition(run: Run, event: RunEvent, now: number): Transition {
  if (isFinal(run.state)) return { run, commands: [] };
  const turn: Turn = { now, commands: [], happenings: [] };
  const changed = apply(run, event, turn);
  const after = isFinal(changed.state) ? conclude(run, changed, turn) : settle(changed, turn);
  const reports = turn.happenings.map(
    (happening) => ({ type: 'report', incident: writeIncident(happening, run, after) }) as const,
  );
  return { run: after, commands: [...turn.commands, ...reports] };
}

function apply(run: Run, event: RunEvent, turn: Turn): Run {
  switch (event.type) {
    case 'preparing':
      return run.state === 'queued' && !run.prepared ? { ...run, state: 'preparing' } : run;
    case 'prepared':
      return run.state === 'preparing' ? { ...run, state: 'queued', prepared: true } : run;
    case 'abandoned':
      return { ...run, state: 'failed', error: event.error };
    case 'cancelled':
      return { ...run, state: 'cancelled' };
    case 'placed':
      return run.prepared ? onPlaced(run, event.trainers, turn) : run;
    case 'message': {
      const trainer = run.trainers.find(({ id }) => id === event.trainer);
      return trainer === undefined ? run : onMessage(run, trainer, event.message, turn);
    }
    case 'gone': {
      const trainer = run.trainers.find(({ id }) => id === event.trainer);
      return trainer === undefined ? run : onGone(run, trainer, event.departure, turn);
    }
    case 'tick':
      return onTick(run, turn);
    default:
      return run;
  }
}

function onPlaced(run: Run, placed: readonly { id: string; worker: string }[], turn: Turn): Run {
  for (const { id, worker } of placed) turn.commands.push({ type: 'launch', trainer: id, worker });
  const launched = placed.map(({ id, worker }) => ({
    id,
    worker,
    since: turn.now,
    ready: false,
    seated: false,
    strikesBefore: run.strikesEver,
  }));
  return { ...run, trainers: [...run.trainers, ...launched] };
}

function onGone(run: Run, trainer: Trainer, departure: Departure, turn: Turn): Run {
  const trainers = run.trainers.filter(({ id }) => id !== trainer.id);
  const rank = run.ring?.members.findIndex((member) => member.trainer === trainer.id) ?? -1;
  const done = rank > 0 && run.ring?.members[rank]?.finished === true;
  if (done) return { ...run, trainers };

  const what = describeDeparture(departure);
  const lastLines = departure.cause === 'exited' ? departure.lastLines : [];
  turn.happenings.push({ trainer, step: run.step, what, lastLines });
  const left = { ...run, trainers, ring: rank < 0 ? run.ring : null };
  if (departure.cause === 'worker-lost') return withoutExplained(left, trainer.id);
  const counted = trainer.ready ? left : withLoadFailure(left, trainer);
  return countsAsStrike(run, trainer, rank)
    ? withStrike(counted, { step: run.step, exited: true, members: [trainer.id] }, what)
    : counted;
}

/** One failure takes several trainers down: only the first counts, or one launched since. */
function countsAsStrike(run: Run, trainer: Trainer, rank: number): boolean {
  return (rank >= 0 && run.ring?.started === true) || trainer.strikesBefore === run.strikesEver;
}

function onTick(run: Run, turn: Turn): Run {
  const silent = run.ring === null ? [] : overdueMembers(run.ring, run.slowestStep, turn.now);
  const overdue = [
    ...overdueLoaders(run, turn.now),
    ...run.trainers.filter(({ id }) => silent.includes(id)),
  ];
  if (overdue.length > 0) {
    const members = overdue.map(({ id }) => id);
    const rest = overdue.reduce(
      (current, trainer) => dismiss(current, trainer, 'did not answer in time', turn),
      run,
    );
    const broken = silent.length > 0 ? { ...rest, ring: null } : rest;
    return withStrike(broken, { step: run.step, exited: true, members }, 'no answer in time');
  }
  if (run.strandedSince !== null && turn.now - run.strandedSince > STRANDED_MS) {
    // Slots held for a gang that does not come together could be what another gang waits for.
    for (const { id } of run.trainers) turn.commands.push({ type: 'end', trainer: id });
    return { ...run, trainers: [], strandedSince: null };
  }
  return run;
}

/** Forms or starts a ring if that is possible now, and names the state that the run is in. */
function settle(run: Run, turn: Turn): Run {
  if (run.state === 'preparing' || !run.prepared) return run;
  const next = run.ring === null ? formRing(run, turn) : startIfPrepared(run, run.ring, turn);
  const enough = next.trainers.length >= next.limits.min;
  const stranded = next.ring === null && next.trainers.length > 0 && !enough;
  return {
    ...next,
    state: next.ring?.started === true ? 'running' : enough ? 'starting' : 'queued',
    strandedSince: stranded ? (next.strandedSince ?? turn.now) : null,
  };
}

/** Leaves nothing of a run behind that has come to its end. */
function conclude(before: Run, run: Run, turn: Turn): Run {
  if (before.state === 'preparing') turn.commands.push({ type: 'stop-preparation' });
  for (const { id } of run.trainers) turn.commands.push({ type: 'end', trainer: id });
  return { ...run, trainers: [], ring: null, strandedSince: null };
}
