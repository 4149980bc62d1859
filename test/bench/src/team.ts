import type { z } from 'zod';
import type { Contestant, Turn } from './contestant.js';

/** Processes that compute together, one side of a comparison. */
export class Team<Ready, Taken extends Turn> {
  readonly ranks: readonly Contestant<Ready>[];
  readonly #schema: z.ZodType<Taken>;

  constructor(ranks: readonly Contestant<Ready>[], schema: z.ZodType<Taken>) {
    this.ranks = ranks;
    this.#schema = schema;
  }

  /** Says a line to all of them. The time is that of the slowest, the processor time that of all, the rest rank 0's. */
  async takeTurn(line: object): Promise<Taken> {
    const turns = await Promise.all(this.ranks.map((rank) => rank.ask(line, this.#schema)));
    const [first] = turns;
    if (first === undefined) throw new Error('there is nobody in this team');
    return {
      ...first,
      seconds: Math.max(...turns.map(({ seconds }) => seconds)),
      processorSeconds: turns.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0),
    };
  }

  async end(): Promise<void> {
    await Promise.all(this.ranks.map((rank) => rank.end()));
  }
}
