import { isFinal } from '@ringmaster/protocol';
import { end } from './breaking.js';
import { withCheckpoint } from './checkpoints.js';
import { onGone } from './departures.js';
import type { RunEvent, Transition } from './event.js';
import { writeIncident } from './incident.js';
import { onMessage } from './messages.js';
import { finishLeaving, giveBack } from './parking.js';
import { change, release } from './planned.js';
import { outstanding } from './repeat.js';
import { trainerOf, type Run, type Trainer } from './run.js';
import { onTick } from './timing.js';
import { send, type Turn } from './turn.js';
import { form } from './unplanned.js';

/**
 * The life of a job as a pure function. Invariants:
 * - generations strictly increase, and at most one is in force;
 * - `start` is sent once all members of that very generation have prepared;
 * - a planned generation is in force once a message proves it, and then whatever was wanted meanwhile;
 * - the newest state is never left behind while a trainer that holds it lives, unless all are dismissed;
 * - a message of a generation that is over, or of a trainer that is not of this run, changes nothing but the history;
 * - a final state never changes, and leaves no trainer behind.
 * @param now Milliseconds of a clock that never goes back.
 */
export function transition(run: Run, event: RunEvent, now: number): Transition {
  if (isFinal(run.state)) return { run, commands: [] };
  const turn: Turn = { now, idle: event.type === 'tick', commands: [], happenings: [] };
  const changed = apply(run, event, turn);
  const settled = isFinal(changed.state) ? changed : settle(changed, turn);
  const after = isFinal(settled.state) ? conclude(run, settled, turn) : settled;
  return { run: withIncidents(after, turn), commands: turn.commands };
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
      return onPlaced(run, event.trainers, turn);
    case 'message': {
      const trainer = trainerOf(run, event.trainer);
      if (trainer === undefined) return run;
      return onMessage(heardOf(run, trainer, turn.now), trainer, event.message, turn);
    }
    case 'gone': {
      const trainer = trainerOf(run, event.trainer);
      return trainer === undefined ? run : onGone(run, trainer, event.departure, turn);
    }
    case 'paused':
      return onPaused(run, turn);
    case 'resumed':
      if (run.state === 'paused') return { ...run, state: 'queued' };
      return run.leave?.until === 'resumed' ? { ...run, leave: null } : run;
    case 'yielded': {
      if (run.trainers.length === 0 || run.leave !== null) return run;
      return { ...run, leave: { until: 'scheduled', reason: event.reason } };
    }
    case 'released': {
      const released = { reason: event.reason, since: turn.now };
      const trainers = run.trainers.map((trainer) =>
        event.trainers.includes(trainer.id) && trainer.released === null
          ? { ...trainer, released }
          : trainer,
      );
      return { ...run, trainers };
    }
    case 'dismissed':
      return run.trainers.length === 0 ? run : giveBack(run, turn);
    case 'reattached':
      for (const command of outstanding(run, event.trainer)) send(turn, event.trainer, command);
      return run;
    case 'recovered':
      return withCheckpoint(run, event.checkpoint, null, turn);
    case 'tick':
      return onTick(run, turn);
  }
}

function onPlaced(run: Run, placed: readonly { id: string; worker: string }[], turn: Turn): Run {
  if (!run.prepared || run.leave !== null || run.state === 'paused') return run;
  for (const { id, worker } of placed) turn.commands.push({ type: 'launch', trainer: id, worker });
  const launched = placed.map(({ id, worker }) => ({
    ...{ id, worker, since: turn.now, ready: false, seated: false, stepped: false },
    ...{ strikesBefore: run.strikesEver, released: null },
  }));
  return { ...run, trainers: [...run.trainers, ...launched] };
}

function onPaused(run: Run, turn: Turn): Run {
  if (run.state === 'paused') return run;
  if (run.state === 'preparing') turn.commands.push({ type: 'stop-preparation' });
  if (run.trainers.length === 0) return { ...run, state: 'paused' };
  return { ...run, leave: { until: 'resumed', reason: 'a user paused the job' } };
}

function heardOf(run: Run, { id }: Trainer, now: number): Run {
  const microbatchSeconds = run.observed.trainers[id]?.microbatchSeconds ?? null;
  const trainers = { ...run.observed.trainers, [id]: { heard: now, microbatchSeconds } };
  return { ...run, observed: { ...run.observed, trainers } };
}

/** Does whatever can be done now, and names the state that the run is in. */
function settle(run: Run, turn: Turn): Run {
  if (run.state === 'preparing' || run.state === 'paused' || !run.prepared) return run;
  const released = release(finishLeaving(run, turn), turn);
  const empty = released.ring === null && released.trainers.every(({ seated }) => !seated);
  if (released.leave !== null && empty) return giveBack(released, turn);
  const formed = form(released, turn);
  if (isFinal(formed.state) || formed.state === 'paused') return formed;
  return named(change(formed, turn), turn);
}

function named(run: Run, { now }: Turn): Run {
  const { ring, trainers, limits } = run;
  const enough = trainers.length >= limits.min;
  const stranded = (ring?.told ?? null) === null && trainers.length > 0 && !enough;
  // A ring that was agreed to goes on without a pause.
  const runs = ring !== null && (ring.running !== null || ring.from !== null);
  return {
    ...run,
    state: runs ? 'running' : enough ? 'starting' : 'queued',
    strandedSince: stranded ? (run.strandedSince ?? now) : null,
  };
}

/** Leaves nothing of a run behind that has come to its end. */
function conclude(before: Run, run: Run, turn: Turn): Run {
  if (before.state === 'preparing') turn.commands.push({ type: 'stop-preparation' });
  const ended = run.trainers.reduce((next, { id }) => end(next, id, turn), run);
  return {
    ...ended,
    ...{ ring: null, planned: [], previous: null, leave: null, saving: null, trouble: null },
    ...{ recovering: [], strandedSince: null, enoughSince: null },
  };
}

/** Tells what went wrong, now that it is known what came of it. */
function withIncidents(run: Run, turn: Turn): Run {
  let next = run;
  for (const happening of turn.happenings) {
    const incident = next.incidents + 1;
    const report = writeIncident(happening, incident, run);
    turn.commands.push({ type: 'report', incident: report });
    const { broke } = happening;
    const recovering =
      broke === null || isFinal(run.state)
        ? next.recovering
        : [...next.recovering, { incident, ...broke }];
    next = { ...next, incidents: incident, recovering };
  }
  return next;
}
