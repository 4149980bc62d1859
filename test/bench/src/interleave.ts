import type { Block, Contestant } from './contestant.js';

export interface Pace {
  /** Times that every contestant has its turn. */
  readonly rounds: number;
  /** Steps a turn. */
  readonly steps: number;
}

/** Steps that nobody is timed on: memory is first touched and the first exponents are measured. */
export const WARM_UP_STEPS = 3;

/**
 * Lets contestants take turns, one computing at a time, so that whatever else the machine does falls on all of them.
 * Every other round goes backwards, so that nobody always follows the same one.
 * @returns by contestant, the block of each round; the warm-up is in `losses` only
 */
export async function interleave<Key>(
  contestants: ReadonlyMap<Key, Contestant>,
  { rounds, steps }: Pace,
): Promise<Map<Key, { readonly blocks: readonly Block[]; readonly losses: readonly number[] }>> {
  const results = new Map<Key, { blocks: Block[]; losses: number[] }>();
  for (const [key, contestant] of contestants) {
    const { losses } = await contestant.run(WARM_UP_STEPS);
    results.set(key, { blocks: [], losses });
  }
  const order = [...contestants];
  for (let round = 0; round < rounds; round++) {
    for (const [key, contestant] of round % 2 === 0 ? order : order.toReversed()) {
      const block = await contestant.run(steps);
      results.get(key)?.blocks.push(block);
      results.get(key)?.losses.push(...block.losses);
      console.error(
        `round ${round + 1} of ${rounds}: ${String(key)} ${block.seconds.toFixed(1)} s`,
      );
    }
  }
  return results;
}
