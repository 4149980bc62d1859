/**
 * Deals microbatches 0 … M−1 to ranks in contiguous blocks whose sizes differ by one at most, the longer blocks first.
 * @returns The microbatches of each rank: a partition.
 */
export function dealShares(microbatches: number, ranks: number): number[][] {
  const base = Math.floor(microbatches / ranks);
  const longer = microbatches % ranks;
  let next = 0;
  return Array.from({ length: ranks }, (_, rank) =>
    Array.from({ length: base + (rank < longer ? 1 : 0) }, () => next++),
  );
}
