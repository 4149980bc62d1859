import type { Ring, Run, Trainer } from './run.js';

/** Longest that a trainer may load, which includes fetching its data over a network. */
const LOAD_MS = 15 * 60_000;
/** Shortest time that a trainer has to answer `prepare`; it may be inside a long step. */
const PREPARE_MS = 30_000;
/** Shortest time without a word from any member of a started ring after which it is taken to hang. */
const STALL_MS = 10 * 60_000;
/** How long trainers too few for a ring are held for others to join them. */
export const STRANDED_MS = 10_000;

/** Trainers that have not become ready in time. */
export function overdueLoaders(run: Run, now: number): Trainer[] {
  return run.trainers.filter(({ ready, since }) => !ready && now - since > LOAD_MS);
}

/** Members of a ring who have not done in time what the ring waits for. */
export function overdueMembers(ring: Ring, slowestStep: number, now: number): string[] {
  const silence = now - ring.heard;
  if (ring.started) {
    const limit = Math.max(STALL_MS, 20_000 * slowestStep);
    return silence > limit ? ring.members.map(({ trainer }) => trainer) : [];
  }
  const limit = Math.max(PREPARE_MS, 4_000 * slowestStep);
  if (silence <= limit) return [];
  return ring.members.filter(({ prepared }) => prepared === null).map(({ trainer }) => trainer);
}
