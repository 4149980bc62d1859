import { breakRing, end, happen, withoutRing } from './breaking.js';
import { withBelievable } from './checkpoints.js';
import { FIRST_RING_MS, ringMs } from './deadlines.js';
import { newGeneration, preparedBy, type Generation, type Prepared } from './generation.js';
import { isParking, park } from './parking.js';
import { withExcluded } from './quarantine.js';
import { trainerOf, withTrainers, type Run, type Trainer } from './run.js';
import { seatsOf } from './seats.js';
import { dealShares } from './shares.js';
import { chooseSource } from './source.js';
import { speedsOf } from './speed.js';
import { withStrike } from './strikes.js';
import { resolveTrouble } from './trouble.js';
import { send, type Turn } from './turn.js';

/**
 * Forms a ring where there is none: issues a generation of everyone who is ready, and starts it once all have promised.
 * What that brings to light (who is at fault, whose state differs) may break it at once; then the next is formed.
 */
export function form(run: Run, turn: Turn): Run {
  const issued = issueIfDue(run, turn);
  const { ring } = issued;
  if (ring?.told !== null) return issued;
  const prepared = preparedBy(ring);
  if (prepared === null) return issued;
  const settled = resolveTrouble(issued, ring, turn);
  if (settled.state === 'failed') return settled;
  if (settled.ring === null) return form(settled, turn);
  if (isParking(settled)) return park(settled, ring, prepared, turn);
  const begun = begin(settled, ring, prepared, turn);
  return begun.ring === null && begun.state !== 'failed' ? form(begun, turn) : begun;
}

function issueIfDue(run: Run, turn: Turn): Run {
  const ready = run.trainers.filter((trainer) => trainer.ready);
  const seated = ready.some((trainer) => trainer.seated);
  const enough = ready.length >= run.limits.min;
  const { ring } = run;
  if (ring !== null) {
    const waits = ring.told === null && ring.members.length < run.limits.min;
    const more = enough && run.leave === null;
    return waits && more ? issue(withoutRing(run, ring), ready, turn) : run;
  }
  if (turn.now < run.formAfter || ready.length === 0) return run;
  // Survivors too few for a ring promise all the same: they hold the state until others come.
  if (seated) return issue(run, ready, turn);
  if (!enough || run.leave !== null) return { ...run, enoughSince: null };
  const since = run.enoughSince ?? turn.now;
  const all = ready.length === run.trainers.length;
  if (!all && turn.now - since < FIRST_RING_MS) return { ...run, enoughSince: since };
  return issue({ ...run, enoughSince: null }, ready, turn);
}

function issue(run: Run, trainers: readonly Trainer[], turn: Turn): Run {
  const generation = run.generation + 1;
  const ids = trainers.map(({ id }) => id);
  ids.forEach((id, rank) => {
    send(turn, id, { type: 'prepare', generation, rank, size: ids.length, planned: false });
  });
  return { ...run, generation, ring: newGeneration(generation, null, ids, [], turn.now) };
}

function begin(run: Run, ring: Generation, prepared: readonly Prepared[], turn: Turn): Run {
  const source = chooseSource(prepared, run.checkpoints, run.distrust);
  if (source.type === 'diverged') {
    const { step } = source.position;
    return source.minority === null
      ? withoutMajority(run, ring, step, turn)
      : breakRing(quarantine(run, ring, source.minority, step, turn), turn);
  }
  const { begin: beginning } = source;
  const { generation, members } = ring;
  const ids = members.map(({ trainer }) => trainer);
  const shares = dealShares(run.limits.microbatches, speedsOf(run, ids));
  const start = {
    ...{ type: 'start' as const, generation, begin: beginning, seats: seatsOf(run, members) },
    ...{ shares, firstShares: shares, deadlineMs: ringMs(run) },
  };
  for (const id of ids) send(turn, id, start);
  const step = 'position' in beginning ? beginning.position.step : 0;
  return {
    ...withTrainers(run, ids, { seated: true }),
    ...{ step, began: step },
    ring: { ...ring, start, told: turn.now },
    observed: { ...run.observed, heard: turn.now },
  };
}

/** Keeps away from workers whose trainers computed other bytes than most. */
export function quarantine(
  run: Run,
  ring: Generation,
  ranks: readonly number[],
  step: number,
  turn: Turn,
): Run {
  let next: Run = { ...run, divergences: run.divergences + 1 };
  for (const rank of ranks) {
    const trainer = trainerOf(next, ring.members[rank]?.trainer ?? '');
    if (trainer === undefined) continue;
    const what = 'holds other bytes than the majority of its ring, and was quarantined,';
    happen({ ...run, ring }, trainer, what, turn, {
      ...{ step, broke: { heard: run.observed.heard, known: turn.now } },
      remarks: [
        'The same state on another worker has another hash: test the memory and the processor of this one.',
      ],
    });
    next = end(withExcluded(next, trainer.worker), trainer.id, turn);
  }
  // Rank 0 writes the checkpoints: what it wrote since the newest audit may be of a wrong state.
  return ranks.includes(0) ? withBelievable(next, turn) : next;
}

/**
 * Ranks differ and nobody can say who is right: the run goes back to the newest checkpoint that an audit has confirmed.
 */
export function withoutMajority(run: Run, ring: Generation, step: number, turn: Turn): Run {
  const believed = withBelievable(run, turn);
  const { checkpoints } = believed;
  const trainer = trainerOf(run, ring.members[0]?.trainer ?? '');
  const newest = checkpoints.at(-1);
  const back = newest === undefined ? 'the beginning' : `step ${newest.position.step}`;
  if (trainer !== undefined) {
    happen({ ...run, ring }, trainer, 'is in a ring whose ranks hold different bytes', turn, {
      ...{ step, broke: { heard: run.observed.heard, known: turn.now } },
      remarks: [`No majority of ranks agrees: the run goes back to ${back}.`],
    });
  }
  const divergences = run.divergences + 1;
  const broken = breakRing({ ...believed, divergences, trouble: null }, turn);
  return withStrike({ ...broken, distrust: true }, step, 'its ranks hold different bytes');
}
