/**
 * How deaths and silences are noticed: every default in one place, in milliseconds.
 *
 * | what                       | how it is noticed                              | after at most          |
 * | -------------------------- | ---------------------------------------------- | ---------------------- |
 * | a trainer's process ends   | its worker is its parent                       | `lastLinesMs`          |
 * | a trainer is stopped       | no beat arrives at its worker                  | lease + 2 × `watchMs`  |
 * | a rank hangs, or its link  | no frame arrives at its neighbour              | `ringDeadlineMs`       |
 * | a worker ends or is cut off| no message arrives at the coordinator          | lease + `sweepMs`      |
 * | a host's address changes   | who uses it finds that it is its no more       | `addressMs`            |
 * | the coordinator ends       | its connections break, or nothing is heard     | at once, or a lease    |
 *
 * Nobody is blamed for a time in which the one who watches was itself stopped or suspended.
 */
export const detection = {
  /**
   * How long a worker, and a coordinator, may be silent. Long enough for a busy machine, a garbage collection or a
   * packet that is sent three times (1.4 s); short enough that a lost host costs seconds.
   */
  leaseMs: 3000,
  /** Heartbeats that a worker sends in a lease: so many have to fail in a row before it is lost. */
  heartbeatsPerLease: 6,
  /** How often the coordinator looks for leases that have run out. */
  sweepMs: 250,
  /**
   * What is left of the lease of a worker whose connection is found broken: time to notice and to connect anew when
   * only the connection is gone, and no more when its host is.
   */
  brokenMs: 500,
  /** How often a worker and a trainer look whether the address that others know them by is still their host's. */
  addressMs: 500,
  /** Longest that a worker waits before it tries again to reach its coordinator; the first time, a quarter of it. */
  retryMs: 1000,
  /** How often a trainer gives its sign of life. */
  beatMs: 250,
  /** How often a worker looks for trainers that have given none. */
  watchMs: 250,
  /** Shortest silence for which a trainer is killed, however short the lease: a busy machine is not a hang. */
  leastSilenceMs: 2000,
  /** How long a trainer's process may take to its first beat: Node has to load it, with a cold disk maybe. */
  firstBeatMs: 30_000,
  /** How long the last lines and messages of a dead trainer may take; a grandchild can hold its pipes open forever. */
  lastLinesMs: 30,
} as const;

/**
 * Longest that a rank waits for its neighbours without progress, in milliseconds. The slowest step so far bounds what a
 * healthy neighbour may take; eight of them cover a step with new exponents, which takes two or three attempts, on a
 * busy machine. Before any step is known it covers the first, with its calibration and allocations.
 * @param slowestStep seconds; 0 while none is known
 */
export function ringDeadlineMs(slowestStep: number): number {
  return slowestStep === 0 ? 120_000 : Math.ceil(Math.max(15_000, 8_000 * slowestStep));
}
