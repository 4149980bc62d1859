import type { Beginning } from '@ringmaster/protocol';
import { recordFailure, send, type Context } from '../commands.js';
import { declinedMs, RELEASED_MS } from '../deadlines.js';
import { breakRing, end } from '../faults/breaking.js';
import { withStillborn } from '../faults/exclusion.js';
import { isRunning, preparedBy, rankIn, type Generation } from '../generation.js';
import { trainerOf, type Run } from '../run.js';
import { dealShares, isWorthwhile, speedsOf } from './shares.js';
import { issue, start } from './start.js';

/** Steps that a ring makes at least before its shares are dealt anew: speeds must be known, and changes be rare. */
const STEPS_BETWEEN_DEALS = 20;

/** What the members of a ring are to be after a planned change. */
interface Plan {
  readonly members: readonly string[];
  readonly retiring: readonly string[];
}

/** Proposes a planned change if there is a reason for one, and goes on with the one that is under way. */
export function change(run: Run, context: Context): Run {
  const { ring } = run;
  if (!isRunning(ring) || ring.members.some(({ finished }) => finished)) return run;
  const plan = planFor(run, ring, context);
  const active = activeOf(run);
  if (active === null)
    return plan === null ? run : tellIfPrepared(propose(run, ring, plan, context), context);
  if (!isOutdated(run, plan, active)) return tellIfPrepared(run, context);
  const withdrawn = withdraw(run, active, context);
  return plan === null
    ? withdrawn
    : tellIfPrepared(propose(withdrawn, ring, plan, context), context);
}

/** The planned generation that may still be told, or has been. */
export function activeOf({ planned }: Run): Generation | null {
  const newest = planned.at(-1);
  return newest === undefined || newest.withdrawn ? null : newest;
}

function planFor(run: Run, ring: Generation, context: Context): Plan | null {
  const present = ring.members.map(({ trainer }) => trainer);
  if (run.leave !== null) return { members: [], retiring: present };
  const patient = context.now >= run.proposeAfter;
  const seated = new Set(present);
  const joining = run.trainers.filter(
    ({ id, ready, released }) =>
      patient && ready && released === null && !seated.has(id) && !ring.retiring.includes(id),
  );
  const released = new Set(
    run.trainers.filter((trainer) => trainer.released !== null).map(({ id }) => id),
  );
  const wanted = present.filter((id) => released.has(id));
  // Whoever is to leave stays until the ring has its minimum without them, and someone is there to take over from.
  const spare = present.length + Math.min(joining.length - run.limits.min, -1);
  const retiring = wanted.slice(0, Math.max(0, spare));
  const staying = present.filter((id) => !retiring.includes(id));
  const members = [...staying, ...joining.map(({ id }) => id)];
  if (retiring.length > 0 || joining.length > 0) return { members, retiring };
  // Whoever prepares for the next generation agrees to no older one: so the same ring anew settles what was withdrawn.
  const unsettled = run.trainers.some(({ id, released }) => released !== null && mayJoin(run, id));
  const again =
    (unsettled && activeOf(run) === null) ||
    (context.idle && patient && dealsBetter(run, ring, present));
  return again ? { members: present, retiring: [] } : null;
}

function dealsBetter(run: Run, ring: Generation, present: readonly string[]): boolean {
  const { stepSeconds } = run.observed;
  if (ring.start === null || stepSeconds === null) return false;
  if (run.step - run.began < STEPS_BETWEEN_DEALS) return false;
  const seconds = speedsOf(run, present);
  const better = dealShares(run.limits.microbatches, seconds);
  return isWorthwhile(ring.start.shares, better, seconds, stepSeconds);
}

/** Whether a trainer was told to start in a generation that its ring may have agreed to, unknown to us. */
function mayJoin({ planned, ring }: Run, id: string): boolean {
  return (
    rankIn(ring, id) < 0 &&
    planned.some((change) => change.told !== null && rankIn(change, id) >= 0)
  );
}

/** Whether the change under way would keep someone who is to leave, or have everyone leave who may stay. */
function isOutdated({ leave }: Run, plan: Plan | null, active: Generation): boolean {
  if (active.members.length === 0) return leave === null;
  return active.members.some(({ trainer }) => plan?.retiring.includes(trainer) === true);
}

function propose(run: Run, ring: Generation, { members, retiring }: Plan, context: Context): Run {
  const issued = issue(run, ring, members, retiring, context);
  return { ...issued.run, planned: [...run.planned, issued.generation] };
}

function tellIfPrepared(run: Run, context: Context): Run {
  const active = activeOf(run);
  if (active?.told !== null || preparedBy(active) === null) return run;
  const told = start(run, active, beginningOf(run, active), context);
  const planned = run.planned.map((other) => (other === active ? told.generation : other));
  return { ...told.run, planned };
}

/** The members that stay hold the state; null when nobody goes on. */
function beginningOf(run: Run, { from, members }: Generation): Beginning | null {
  if (members.length === 0 || from === null) return null;
  const holders = members.flatMap(({ trainer }, rank) =>
    rankIn(run.ring, trainer) >= 0 ? [rank] : [],
  );
  return { at: 'switch', from, holders };
}

/** Takes a planned generation back. It may come true all the same, if its ring has agreed meanwhile. */
function withdraw(run: Run, planned: Generation, context: Context): Run {
  const { generation } = planned;
  const concerned = [...planned.members.map(({ trainer }) => trainer), ...planned.retiring];
  for (const trainer of concerned) {
    if (trainerOf(run, trainer) !== undefined)
      send(context, trainer, { type: 'withdraw', generation });
  }
  const withdrawn = { ...planned, withdrawn: true };
  return {
    ...run,
    planned: run.planned.map((other) => (other.generation === generation ? withdrawn : other)),
  };
}

/** Withdraws every planned generation that a trainer is in which will not take part. */
export function withdrawWith(run: Run, trainer: string, context: Context): Run {
  return run.planned
    .filter((planned) => !planned.withdrawn && rankIn(planned, trainer) >= 0)
    .reduce((next, planned) => withdraw(next, planned, context), run);
}

/**
 * A planned generation has not come about. Newcomers who are at fault are ended; without any, it is tried again a
 * while later.
 */
export function decline(
  run: Run,
  planned: Generation,
  atFault: readonly string[],
  what: string,
  context: Context,
): Run {
  if (planned.withdrawn) return run;
  const declined = run.declined + 1;
  const proposeAfter = context.now + declinedMs(declined);
  let next: Run = { ...withdraw(run, planned, context), declined, proposeAfter };
  for (const id of atFault) {
    const trainer = trainerOf(next, id);
    if (trainer === undefined || rankIn(run.ring, id) >= 0) continue;
    recordFailure(run, trainer, what, context);
    next = withStillborn(end(next, id, context), trainer);
  }
  return next;
}

/** A planned generation has come true: it is the ring in force from now on. */
export function enforce(run: Run, agreed: Generation, context: Context): Run {
  const { ring } = run;
  const ranks = ring?.members.map(({ trainer }) => trainer) ?? [];
  const previous = ring === null ? run.previous : { generation: ring.generation, ranks };
  const retiring = [...(ring?.retiring ?? []), ...agreed.retiring].filter(
    (id) => trainerOf(run, id) !== undefined,
  );
  let next: Run = {
    ...run,
    previous,
    began: run.step,
    declined: 0,
    proposeAfter: 0,
    ring: { ...agreed, retiring, withdrawn: false },
    planned: run.planned.filter(({ generation }) => generation > agreed.generation),
    observed: { ...run.observed, heard: context.now },
  };
  // Newer ones name a ring to switch from that is no more; but they may have been agreed to as well.
  for (const newer of next.planned) if (!newer.withdrawn) next = withdraw(next, newer, context);
  const whole = agreed.members.every(({ trainer }) => trainerOf(next, trainer) !== undefined);
  return whole ? next : breakRing(next, context);
}

/** Ends the trainers that are to leave and have no part in any ring, and lets all go when too few would be left. */
export function release(run: Run, context: Context): Run {
  const { ring } = run;
  let next = run;
  for (const { id, released, seated } of run.trainers) {
    if (released === null && run.leave === null) continue;
    const idle = rankIn(ring, id) < 0 && ring?.retiring.includes(id) !== true;
    if (!idle) continue;
    if ((seated && !isRunning(ring)) || mayJoin(run, id)) continue;
    next = end(withdrawWith(next, id, context), id, context);
  }
  return next;
}

/** Why everyone has to leave, if who was asked to leave has waited in vain for a replacement. */
export function releaseInVain(run: Run, now: number): string | null {
  const { ring, limits, trainers } = run;
  const wanted = trainers.flatMap(({ id, released }) =>
    released !== null && rankIn(ring, id) >= 0 ? [released] : [],
  );
  const [oldest] = wanted;
  if (oldest === undefined || trainers.length - wanted.length >= limits.min) return null;
  return now - oldest.since > RELEASED_MS ? oldest.reason : null;
}
