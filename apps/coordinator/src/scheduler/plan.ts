import type { Demand, Device, Offer } from './demand.js';
import { preempt, type Preemption } from './preemption.js';
import { Slots, type Given } from './slots.js';

/** Trainers to launch for a job: one for each entry of `workers`. */
export interface Placement {
  readonly job: string;
  readonly workers: readonly string[];
}

/** Trainers whose slots another job needs; their job goes on with the others. */
export interface Release {
  readonly job: string;
  readonly trainers: readonly string[];
  readonly by: string;
}

/** A job all of whose slots are freed: it saves its state and queues again. */
export interface Yield {
  readonly job: string;
  readonly by: string;
}

export interface Plan {
  readonly placements: readonly Placement[];
  readonly releases: readonly Release[];
  readonly yields: readonly Yield[];
  /** Jobs for whose minimum slots are being freed: the next plan is to know them. */
  readonly awaiting: readonly string[];
}

/**
 * Who gets which slots, and who gives some up.
 *
 * Higher priorities come first, equal ones in the order of submission. Within a priority, jobs below their minimum are
 * served before others grow to their maximum. A job gets its whole minimum at once or nothing. When the free slots are
 * not enough for it,
 * - it awaits slots that are being freed, whoever gave them up;
 * - it takes slots of jobs of lower priority, if it reaches its minimum so (`preempt`), and awaits these;
 * - else it reserves every worker that it could use, so that smaller jobs behind it cannot starve it. One that asks for
 *   more slots than exist holds nobody up.
 *
 * A trainer needs a slot and as much memory as it takes: workers whose memory is too small for one are not asked, and no
 * pool is given more of them than it can hold.
 *
 * What a job awaits, and the free slots that it needs besides, are kept for it: while somebody awaits slots, minima up
 * to its own come before all growth, that of higher priorities too.
 *
 * A plan that has been carried out asks for nothing more until something happens: what was given up is being freed
 * then, and is awaited by the jobs for which it was. So who gave slots up is not placed on them again.
 */
export function plan(demands: readonly Demand[], offers: readonly Offer[]): Plan {
  const slots = new Slots(offers, demands);
  const placements = new Map<string, string[]>();
  const releases: Release[] = [];
  const yields: Yield[] = [];
  const awaiting: string[] = [];
  const ordered = [...demands].sort((a, b) => b.priority - a.priority || a.order - b.order);
  /** What each job is left with. */
  const holdings = new Map(ordered.map((demand) => [demand.job, demand]));

  /** Jobs that have their minimum, and the kind of device that they grow on. */
  const growing = new Map<string, Device>();

  const place = (demand: Demand, device: Device, count: number) => {
    const workers = placements.get(demand.job) ?? [];
    placements.set(demand.job, [
      ...workers,
      ...slots.take(slots.usable(demand, device), count, demand),
    ]);
  };

  /** Finds a minimum in slots that are not free yet. */
  const awaitMinimum = (demand: Demand, device: Device, need: number): boolean => {
    const usable = slots.usable(demand, device);
    const missing = need - slots.free(usable, demand);
    const lacking = need - slots.later(usable, demand);
    if (lacking > 0) {
      const worthLess = [...holdings.values()]
        .filter(({ priority }) => priority < demand.priority)
        .toReversed();
      const isUseful = (worker: string) => usable.some((offer) => offer.worker === worker);
      const suffices = (found: Preemption) => slots.later(usable, demand, givenBy(found)) >= need;
      const found = preempt(lacking, worthLess, isUseful, suffices);
      if (found === null) return false;
      for (const given of givenBy(found)) slots.vacate(given);
      for (const { victim, trainers } of found.releases) {
        const held = victim.held.filter((trainer) => !trainers.includes(trainer));
        holdings.set(victim.job, { ...victim, held });
        const ids = trainers.map(({ trainer }) => trainer);
        releases.push({ job: victim.job, trainers: ids, by: demand.job });
      }
      for (const victim of found.yields) {
        const { job } = victim;
        holdings.set(job, { ...victim, held: [], isYielding: true });
        yields.push({ job, by: demand.job });
      }
    }
    slots.take(usable, need, demand);
    slots.await(usable, missing, demand);
    awaiting.push(demand.job);
    return true;
  };

  /** Gives a job its minimum, now or once slots are free; false if it cannot be had. */
  const serve = (demand: Demand): boolean => {
    const need = Math.max(0, demand.min - demand.held.length);
    const devices = kindsOf(demand);
    const device = devices.find((kind) => slots.free(slots.usable(demand, kind), demand) >= need);
    if (device === undefined) return devices.some((kind) => awaitMinimum(demand, kind, need));
    if (demand.isYielding) slots.take(slots.usable(demand, device), need, demand);
    else {
      place(demand, device, need);
      growing.set(demand.job, device);
    }
    return true;
  };

  const settle = (demand: Demand) => {
    if (serve(demand)) return;
    for (const kind of kindsOf(demand)) {
      const suited = slots.suited(demand, kind);
      if (slots.room(suited, demand) >= demand.min) slots.reserve(suited);
    }
  };

  const lastAwaiting = ordered.findLastIndex(({ awaits }) => awaits);
  const unsettled = new Set(ordered.map(({ job }) => job));
  for (const priority of new Set(ordered.map((demand) => demand.priority))) {
    for (const [place, demand] of [...holdings.values()].entries()) {
      if (demand.priority < priority && place > lastAwaiting) break;
      const latest = holdings.get(demand.job);
      if (unsettled.delete(demand.job) && latest !== undefined) settle(latest);
    }
    for (const demand of holdings.values()) {
      const device = growing.get(demand.job);
      if (demand.priority !== priority || device === undefined) continue;
      const has = demand.held.length + (placements.get(demand.job)?.length ?? 0);
      place(demand, device, demand.max - has);
    }
  }
  return {
    placements: [...placements]
      .filter(([, workers]) => workers.length > 0)
      .map(([job, workers]) => ({ job, workers })),
    releases: releases.filter(({ job }) => yields.every((yielded) => yielded.job !== job)),
    yields,
    awaiting,
  };
}

/** What victims give up, and what each of their trainers takes. */
function givenBy({ releases, yields }: Preemption): Given[] {
  return [
    ...releases.map(({ victim, trainers }) => ({ trainers, memory: victim.memory })),
    ...yields.map(({ held, memory }) => ({ trainers: held, memory })),
  ];
}

function kindsOf({ device }: Demand): readonly Device[] {
  return device === null ? ['gpu', 'cpu'] : [device];
}
