import { rankIn } from '../generation.js';
import type { Run } from '../run.js';

/** Whether a trainer has promised the generation that is being formed, and so reports nothing of older ones. */
export function hasPromised({ ring }: Run, trainer: string): boolean {
  if (ring?.from !== null) return false;
  const prepared = ring.members[rankIn(ring, trainer)]?.prepared ?? null;
  return prepared !== null;
}

/**
 * The rank of a trainer in a generation whose reports are believed: the one in force, the one before it, or a planned
 * one that this report proves to have come true. Null for any other.
 */
export function believedRank(run: Run, trainer: string, generation: number): number | null {
  const { ring, planned, previous } = run;
  const known = [ring, ...planned].find((other) => other?.generation === generation) ?? null;
  if (known !== null) {
    const rank = known.told === null ? -1 : rankIn(known, trainer);
    return rank < 0 ? null : rank;
  }
  if (previous?.generation !== generation || hasPromised(run, trainer)) return null;
  const rank = previous.ranks.indexOf(trainer);
  return rank < 0 ? null : rank;
}
