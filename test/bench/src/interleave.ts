import type { Turn } from './contestant.js';

/**
 * Lets sides take turns, one computing at a time, so that whatever else the machine does falls on all of them. Every
 * other round goes backwards, so that nobody always follows the same one.
 * @returns by side, its turn of each round
 */
export async function interleave<Side, Taken extends Turn>(
  sides: ReadonlyMap<Side, () => Promise<Taken>>,
  rounds: number,
): Promise<Map<Side, readonly Taken[]>> {
  const results = new Map([...sides.keys()].map((side): [Side, Taken[]] => [side, []]));
  const order = [...sides];
  for (let round = 0; round < rounds; round++) {
    for (const [side, takeTurn] of round % 2 === 0 ? order : order.toReversed()) {
      const turn = await takeTurn();
      results.get(side)?.push(turn);
      const seconds = turn.seconds.toFixed(1);
      console.error(`round ${round + 1} of ${rounds}: ${String(side)}, ${seconds} s`);
    }
  }
  return results;
}
