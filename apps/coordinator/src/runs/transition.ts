import { isFinal } from '@ringmaster/protocol';
import { withCheckpoint } from './checkpoints.js';
import { send, type Context } from './commands.js';
import { onGone } from './departures.js';
import type { Placed, RunEvent, Transition } from './event.js';
import { end } from './faults/breaking.js';
import { writeIncident } from './faults/incident.js';
import { onMessage } from './messages.js';
import { change, release } from './ring/change.js';
import { form } from './ring/form.js';
import { finishLeaving, giveBack } from './ring/parking.js';
import { outstanding } from './ring/start.js';
import { trainerOf, type Run, type Trainer } from './run.js';
import { onTick } from './timing.js';

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
  const context: Context = { now, idle: event.type === 'tick', commands: [], failures: [] };
  const changed = apply(run, event, context);
  const settled = isFinal(changed.state) ? changed : settle(changed, context);
  const after = isFinal(settled.state) ? conclude(run, settled, context) : settled;
  return { run: withIncidents(after, context), commands: context.commands };
}

function apply(run: Run, event: RunEvent, context: Context): Run {
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
      return onPlaced(run, event.trainers, context);
    case 'message': {
      const trainer = trainerOf(run, event.trainer);
      if (trainer === undefined) return run;
      return onMessage(heardOf(run, trainer, context.now), trainer, event.message, context);
    }
    case 'gone': {
      const trainer = trainerOf(run, event.trainer);
      return trainer === undefined ? run : onGone(run, trainer, event.departure, context);
    }
    case 'paused':
      return onPaused(run, context);
    case 'resumed':
      if (run.state === 'paused') return { ...run, state: 'queued' };
      return run.leave?.until === 'resumed' ? { ...run, leave: null } : run;
    case 'yielded': {
      if (run.trainers.length === 0 || run.leave !== null) return run;
      return { ...run, leave: { until: 'scheduled', reason: event.reason } };
    }
    case 'released': {
      const released = { reason: event.reason, since: context.now };
      const trainers = run.trainers.map((trainer) =>
        event.trainers.includes(trainer.id) && trainer.released === null
          ? { ...trainer, released }
          : trainer,
      );
      return { ...run, trainers };
    }
    case 'dismissed':
      return run.trainers.length === 0 ? run : giveBack(run, context);
    case 'reattached':
      for (const command of outstanding(run, event.trainer)) send(context, event.trainer, command);
      return run;
    case 'recovered':
      return withCheckpoint(run, event.checkpoint, null, context);
    case 'tick':
      return onTick(run, context);
  }
}

function onPlaced(run: Run, placed: readonly Placed[], context: Context): Run {
  if (!run.prepared || run.leave !== null || run.state === 'paused') return run;
  for (const { id, worker } of placed)
    context.commands.push({ type: 'launch', trainer: id, worker });
  const launched = placed.map(({ id, worker, place }) => ({
    id,
    worker,
    place,
    since: context.now,
    ready: false,
    seated: false,
    stepped: false,
    strikesBefore: run.strikesEver,
    released: null,
  }));
  return { ...run, trainers: [...run.trainers, ...launched] };
}

function onPaused(run: Run, context: Context): Run {
  if (run.state === 'paused') return run;
  if (run.state === 'preparing') context.commands.push({ type: 'stop-preparation' });
  if (run.trainers.length === 0) return { ...run, state: 'paused' };
  return { ...run, leave: { until: 'resumed', reason: 'a user paused the job' } };
}

function heardOf(run: Run, { id }: Trainer, now: number): Run {
  const microbatchSeconds = run.observed.trainers[id]?.microbatchSeconds ?? null;
  const trainers = { ...run.observed.trainers, [id]: { heard: now, microbatchSeconds } };
  return { ...run, observed: { ...run.observed, trainers } };
}

/** The run after whatever can be done now, its state named. */
function settle(run: Run, context: Context): Run {
  if (run.state === 'preparing' || run.state === 'paused' || !run.prepared) return run;
  const released = release(finishLeaving(run, context), context);
  const empty = released.ring === null && released.trainers.every(({ seated }) => !seated);
  if (released.leave !== null && empty) return giveBack(released, context);
  const formed = form(released, context);
  if (isFinal(formed.state) || formed.state === 'paused') return formed;
  return named(change(formed, context), context);
}

function named(run: Run, { now }: Context): Run {
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
function conclude(before: Run, run: Run, context: Context): Run {
  if (before.state === 'preparing') context.commands.push({ type: 'stop-preparation' });
  const ended = run.trainers.reduce((next, { id }) => end(next, id, context), run);
  return {
    ...ended,
    ring: null,
    planned: [],
    previous: null,
    leave: null,
    saving: null,
    trouble: null,
    recovering: [],
    strandedSince: null,
    enoughSince: null,
  };
}

/** Tells what went wrong, now that it is known what came of it. */
function withIncidents(run: Run, context: Context): Run {
  let next = run;
  for (const failure of context.failures) {
    const incident = next.incidents + 1;
    const report = writeIncident(failure, incident, run);
    context.commands.push({ type: 'report', incident: report });
    const { broke } = failure;
    const recovering =
      broke === null || isFinal(run.state)
        ? next.recovering
        : [...next.recovering, { incident, ...broke }];
    next = { ...next, incidents: incident, recovering };
  }
  return next;
}
