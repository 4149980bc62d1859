import { recordFailure, type Context } from './commands.js';
import { LOAD_MS, plannedMs, prepareMs, SAVE_MS, STALL_MS } from './deadlines.js';
import { breakRing, end, withoutRing } from './faults/breaking.js';
import { withStillborn } from './faults/exclusion.js';
import { breakWithTrouble, withoutExplained } from './faults/trouble.js';
import { rankIn, type Generation } from './generation.js';
import { activeOf, decline, releaseInVain } from './ring/change.js';
import { giveBack, isStranded, onSaveFailed } from './ring/parking.js';
import { trainerOf, type Run, type Trainer } from './run.js';

/** What the passing of time makes of a run. */
export function onTick(run: Run, context: Context): Run {
  const { now } = context;
  let next = run;
  for (const trainer of run.trainers) {
    if (!trainer.ready && now - trainer.since > LOAD_MS)
      next = dismiss(next, trainer, 'did not load in time', context);
  }
  if (next.ring !== null) next = onRingTick(next, next.ring, context);
  const active = activeOf(next);
  if (active !== null && now - (active.told ?? active.issued) > plannedMs(next))
    next = onPlannedTick(next, active, context);
  if (next.saving !== null && now - next.saving.since > SAVE_MS)
    next = onSaveFailed(next, `nothing was heard of it for ${SAVE_MS / 1000} s`, context);
  const reason = releaseInVain(next, now);
  if (reason !== null && next.leave === null)
    next = { ...next, leave: { until: 'scheduled', reason } };
  const empty = next.ring === null && next.trainers.every(({ seated }) => !seated);
  return isStranded(next, now) && empty ? giveBack(next, context) : next;
}

function onRingTick(run: Run, ring: Generation, context: Context): Run {
  const { now } = context;
  if (ring.told === null) {
    if (now - ring.issued <= prepareMs(run)) return run;
    const silent = ring.members.flatMap(({ trainer, prepared }) =>
      prepared === null ? (trainerOf(run, trainer) ?? []) : [],
    );
    return silent.reduce((next, trainer) => breakWithout(next, ring, trainer, context), run);
  }
  if (ring.members.length === 0) {
    return now - ring.told > plannedMs(run) + SAVE_MS ? withoutRing(run, ring) : run;
  }
  if (now - run.observed.heard > STALL_MS)
    return breakWithTrouble(run, ring, [], run.step, context);
  if (ring.retiring.length === 0 || now - ring.told <= plannedMs(run)) return run;
  // They have agreed to leave and do not say so.
  const left = { ...run, ring: { ...ring, retiring: [] } };
  return ring.retiring.reduce<Run>((next, id) => end(next, id, context), left);
}

/** Ends a member that does not promise a generation, which breaks it. */
function breakWithout(run: Run, ring: Generation, trainer: Trainer, context: Context): Run {
  const broke = { heard: run.observed.heard, known: context.now };
  recordFailure({ ...run, ring }, trainer, 'did not answer in time', context, { broke });
  const ended = end(withoutExplained(run, trainer.id), trainer.id, context);
  const counted = trainer.stepped ? ended : withStillborn(ended, trainer);
  return breakRing(counted, context);
}

function onPlannedTick(run: Run, active: Generation, context: Context): Run {
  if (active.members.length === 0) return withoutAgreement(run, context);
  const late = active.members.flatMap(({ trainer, prepared }) =>
    prepared === null && rankIn(run.ring, trainer) < 0 ? [trainer] : [],
  );
  const what = `did not answer in time to join generation ${active.generation}`;
  return decline(run, active, late, what, context);
}

/** A ring that cannot agree to end itself is ended like one that failed; what it holds is saved then. */
function withoutAgreement(run: Run, context: Context): Run {
  return run.ring === null ? run : breakWithTrouble(run, run.ring, [], run.step, context);
}

function dismiss(run: Run, trainer: Trainer, what: string, context: Context): Run {
  recordFailure(run, trainer, what, context);
  return withStillborn(end(run, trainer.id, context), trainer);
}
