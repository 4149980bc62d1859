import type { Position } from '@ringmaster/protocol';
import { recordFailure, send, type Context } from '../commands.js';
import { STRANDED_MS } from '../deadlines.js';
import { end, withoutRing } from '../faults/breaking.js';
import { isEnd, type Generation, type Prepared } from '../generation.js';
import { trainerOf, type Run } from '../run.js';
import { isNewer, newestHeld } from './source.js';

/** Whether a ring is not to be started now: its slots are wanted back, or too few are there. */
export function isParking({ leave, ring, limits }: Run): boolean {
  return leave !== null || (ring?.members.length ?? 0) < limits.min;
}

/** Whether trainers too few for a ring have been kept long enough. */
export function isStranded({ strandedSince }: Run, now: number): boolean {
  return strandedSince !== null && now - strandedSince > STRANDED_MS;
}

/**
 * Keeps the state in memory while it may still be wanted there; else has it made durable where no checkpoint is as
 * new, and gives the slots back.
 */
export function park(
  run: Run,
  ring: Generation,
  prepared: readonly Prepared[],
  context: Context,
): Run {
  if (run.leave === null && !isStranded(run, context.now)) return run;
  const held = run.distrust ? null : newestHeld(prepared);
  if (held === null || isDurable(run, held)) return giveBack(run, context);
  if (run.saving !== null) return run;
  const rank = prepared.findIndex(({ state }) => state !== null && !isNewer(held, state));
  const trainer = ring.members[rank]?.trainer ?? '';
  send(context, trainer, { type: 'save' });
  return { ...run, saving: { trainer, since: context.now } };
}

/** Ends all trainers and names what the run waits for then. */
export function giveBack(run: Run, context: Context): Run {
  let next = run.ring === null ? run : withoutRing(run, run.ring);
  for (const { id } of run.trainers) next = end(next, id, context);
  return {
    ...next,
    state: run.leave?.until === 'resumed' ? 'paused' : 'queued',
    leave: null,
    saving: null,
    trouble: null,
    recovering: [],
    strandedSince: null,
    enoughSince: null,
  };
}

/** What was to be saved could not be: whoever is stranded goes without, but nobody who was asked to leave does. */
export function onSaveFailed(run: Run, reason: string, context: Context): Run {
  const { saving, ring, leave } = run;
  const trainer = trainerOf(run, saving?.trainer ?? ring?.retiring[0] ?? '') ?? run.trainers[0];
  if (trainer === undefined) return run;
  if (leave === null) {
    recordFailure(
      run,
      trainer,
      `could not save its state before its slots were given back: ${reason}`,
      context,
    );
    return giveBack(run, context);
  }
  const wish = leave.until === 'resumed' ? 'be paused' : 'yield';
  const what = `could not save the state (${reason}), so that the job could not ${wish},`;
  recordFailure(run, trainer, what, context);
  const stays = { ...run, leave: null };
  return ring === null ? stays : withoutRing(stays, ring);
}

/** The end of a ring by agreement: once all have retired and the state is durable, their slots are free. */
export function finishLeaving(run: Run, context: Context): Run {
  const { ring } = run;
  if (!isEnd(ring) || ring.retiring.length > 0) return run;
  const durable = (run.checkpoints.at(-1)?.position.step ?? -1) >= run.step;
  if (durable && run.leave !== null) return giveBack(run, context);
  return withoutRing(run, ring);
}

function isDurable({ checkpoints }: Run, held: Position): boolean {
  const newest = checkpoints.at(-1)?.position;
  return newest !== undefined && !isNewer(held, newest);
}
