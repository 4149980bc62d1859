/** Part of a step's time that new shares must save to be worth a planned change. */
const WORTHWHILE = 0.15;

/**
 * Deals microbatches 0 … M−1 to ranks in contiguous blocks, so that the rank that takes longest is done as early as
 * can be. Every rank gets one where there are enough.
 * @param seconds Time that each rank needs for a microbatch; equal ones give blocks whose sizes differ by one at most,
 * the longer blocks first.
 * @returns The microbatches of each rank: a partition.
 */
export function dealShares(microbatches: number, seconds: readonly number[]): number[][] {
  const sizes: number[] = seconds.map((_, rank) => (rank < microbatches ? 1 : 0));
  for (let left = microbatches - seconds.length; left > 0; left--) {
    let soonest = 0;
    seconds.forEach((each, rank) => {
      const done = ((sizes[rank] ?? 0) + 1) * each;
      if (done < ((sizes[soonest] ?? 0) + 1) * (seconds[soonest] ?? 0)) soonest = rank;
    });
    sizes[soonest] = (sizes[soonest] ?? 0) + 1;
  }
  return blocks(sizes);
}

/** The same with nothing for some ranks, which still take the state over. */
export function dealAmong(
  microbatches: number,
  seconds: readonly number[],
  takesPart: (rank: number) => boolean,
): number[][] {
  const shares = dealShares(
    microbatches,
    seconds.filter((_, rank) => takesPart(rank)),
  );
  let next = 0;
  return seconds.map((_, rank) => (takesPart(rank) ? (shares[next++] ?? []) : []));
}

/** Whether other shares would shorten a step of `stepSeconds` enough to be worth a change. */
export function isWorthwhile(
  present: readonly (readonly number[])[],
  better: readonly (readonly number[])[],
  seconds: readonly number[],
  stepSeconds: number,
): boolean {
  return longest(present, seconds) - longest(better, seconds) >= WORTHWHILE * stepSeconds;
}

function longest(shares: readonly (readonly number[])[], seconds: readonly number[]): number {
  return Math.max(...shares.map((share, rank) => share.length * (seconds[rank] ?? 0)));
}

function blocks(sizes: readonly number[]): number[][] {
  let next = 0;
  return sizes.map((size) => Array.from({ length: size }, () => next++));
}
