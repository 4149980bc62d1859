import { randomKey, RandomStream } from '@ringmaster/base';

/** What the ranks of a ring compare in an audited step. */
export interface AuditPlan {
  /** Ranks that compute in this step, and so hold its state: a newcomer without microbatches still takes it over. */
  readonly present: readonly number[];
  /** The microbatch that two ranks compute. */
  readonly microbatch: number;
  /** These two: the one whose share it is in, and another. */
  readonly witnesses: readonly number[];
}

/**
 * A pure function of what all ranks know, so nobody has to be asked.
 * @param shares Microbatches of each rank in this step; a partition.
 * @returns null when the step is not audited, or nobody is there to compare with
 */
export function planAudit(
  shares: readonly (readonly number[])[],
  { seed, step, every }: { readonly seed: number; readonly step: number; readonly every: number },
): AuditPlan | null {
  if (every === 0 || step % every !== 0) return null;
  const present = [...shares.keys()].filter((rank) => shares[rank]?.length !== 0);
  if (present.length < 2) return null;
  const draw = new RandomStream(randomKey(seed, 'audit', step));
  const microbatch = draw.integer(0, shares.flat().length);
  const owner = shares.findIndex((share) => share.includes(microbatch));
  const others = present.filter((rank) => rank !== owner);
  return {
    present,
    microbatch,
    witnesses: [owner, ...others.slice(draw.integer(1, others.length)).slice(0, 1)],
  };
}

/**
 * Ranks whose value is another than that of more than half of the ranks: empty when no value has such a majority, null
 * when all values are equal.
 */
export function dissenters(values: ReadonlyMap<number, string>): readonly number[] | null {
  const votes = new Map<string, number>();
  for (const value of values.values()) votes.set(value, (votes.get(value) ?? 0) + 1);
  if (votes.size <= 1) return null;
  const majority = [...votes].find(([, count]) => 2 * count > values.size)?.[0];
  if (majority === undefined) return [];
  return [...values].flatMap(([rank, value]) => (value === majority ? [] : [rank]));
}
