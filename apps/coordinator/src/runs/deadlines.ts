import { ringDeadlineMs } from '@ringmaster/protocol';
import type { Run } from './run.js';

/** Longest that a trainer may load, which includes fetching its data over a network. */
export const LOAD_MS = 15 * 60_000;

/**
 * Once enough trainers for the first ring are ready, how long it waits for those that still load. They load alike, so
 * they are a moment behind; who is later joins by a planned change.
 */
export const FIRST_RING_MS = 5_000;

/**
 * Longest without a word from any member of a ring that was told to start. A last resort: ranks report each other long
 * before, and a silent process is killed by its agent. An evaluation or a large transfer may take minutes.
 */
export const STALL_MS = 10 * 60_000;

/**
 * How long trainers too few for a ring are kept for others to join them. A replacement loads in less; slots kept for
 * longer could be what another gang waits for.
 */
export const STRANDED_MS = 10_000;

/**
 * How long trainers whose slots are wanted are kept when nobody was launched that could take over from them: long enough
 * for a worker that is started in the place of theirs to register, and much shorter than what a host that goes down
 * gives them, so that the state is saved before.
 */
export const RELEASED_MS = 3_000;

/** Longest that a trainer may take to make its state durable when it was asked to. */
export const SAVE_MS = 120_000;

/** A promise is given between two operations of a step: four times the slowest step leaves room for a slow disk or a paging machine. */
export function prepareMs({ observed: { slowestStep } }: Run): number {
  return Math.max(10_000, 4_000 * slowestStep);
}

/** A planned change is linked beside a ring that computes, and agreed at the end of a step: nothing waits for it, so it may take long. */
export function plannedMs({ observed: { slowestStep } }: Run): number {
  return Math.max(30_000, 10_000 * slowestStep);
}

/** What ranks are told to wait for their neighbours at most, until they have seen in this ring how long a step takes. */
export function ringMs({ observed: { slowestStep } }: Run): number {
  return ringDeadlineMs(slowestStep);
}

/**
 * How long to wait before a ring is formed anew, when so many broke without progress: not at all the first time, then
 * 100 ms doubling to 5 s, so that what fails at once does not keep the cluster busy with nothing else.
 */
export function backOffMs(breaks: number): number {
  return breaks <= 1 ? 0 : Math.min(5_000, 100 * 2 ** (breaks - 2));
}

/** How long to wait before a change is planned anew: a second, doubling to a minute, for nothing is lost without it. */
export function declinedMs(declined: number): number {
  return Math.min(60_000, 1_000 * 2 ** (declined - 1));
}
