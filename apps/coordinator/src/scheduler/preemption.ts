import type { Demand, Held } from './demand.js';

export interface Preemption {
  /** Trainers that jobs give up, which keep their minimum. */
  readonly releases: readonly { readonly victim: Demand; readonly trainers: readonly Held[] }[];
  /** Jobs that give up every slot. */
  readonly yields: readonly Demand[];
}

/**
 * Who gives slots to a job that is worth more, or null if all of them together could not give enough.
 *
 * Jobs above their minimum shrink to it before any has to yield, the newest trainers first. When that is not enough,
 * whole jobs yield: as few of those asked last as will do.
 * @param need Slots wanted, at least 1.
 * @param victims Jobs in the order in which they are asked: the one that is worth least first.
 * @param isUseful Whether a slot on this worker is of use.
 * @param suffices Whether it is enough: slots may be there, and the memory of their trainers too small.
 */
export function preempt(
  need: number,
  victims: readonly Demand[],
  isUseful: (worker: string) => boolean,
  suffices: (found: Preemption) => boolean = () => true,
): Preemption | null {
  for (let count = need; ; count++) {
    const found = giving(count, victims, isUseful);
    if (found === null || suffices(found)) return found;
  }
}

/** Who gives so many slots. */
function giving(
  need: number,
  victims: readonly Demand[],
  isUseful: (worker: string) => boolean,
): Preemption | null {
  const offers = victims.map((victim) => {
    const useful = victim.held.filter(({ worker }) => isUseful(worker)).toReversed();
    const spare = useful.slice(0, Math.max(0, victim.held.length - victim.min));
    return { victim, useful, spare };
  });
  const yields = new Set<Demand>();
  const given = () =>
    offers.reduce(
      (total, { victim, useful, spare }) => total + (yields.has(victim) ? useful : spare).length,
      0,
    );
  for (const { victim, useful, spare } of offers) {
    if (given() >= need) break;
    if (victim.canYield && useful.length > spare.length) yields.add(victim);
  }
  if (given() < need) return null;
  for (const victim of [...yields].toReversed()) {
    yields.delete(victim);
    if (given() < need) yields.add(victim);
  }

  let left = need;
  for (const { victim, useful } of offers) if (yields.has(victim)) left -= useful.length;
  const releases = offers.flatMap(({ victim, spare }) => {
    const trainers = yields.has(victim) ? [] : spare.slice(0, Math.max(0, left));
    left -= trainers.length;
    return trainers.length === 0 ? [] : [{ victim, trainers }];
  });
  return { releases, yields: [...yields] };
}
