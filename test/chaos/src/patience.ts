import { setTimeout as sleep } from 'node:timers/promises';
import { Unreachable } from './api.js';

const INTERVAL_MS = 40;

/** What was waited for did not come to pass: the run hangs, or a promise was not kept. */
export class Impatience extends Error {
  override readonly name = 'Impatience';
}

/**
 * Asks again and again until there is an answer; meanwhile the coordinator may be away.
 * @throws Impatience naming `what` after `limitMs`
 */
export async function until<Answer>(
  what: string,
  ask: () => Promise<Answer | null>,
  limitMs: number,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      if (error instanceof Unreachable) return null;
      throw error;
    });
    if (answer !== null) return answer;
    if (performance.now() > deadline)
      throw new Impatience(`not within ${Math.round(limitMs / 1000)} s: ${what}`);
    await sleep(INTERVAL_MS);
  }
}
