import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 10;

/** Longest that anything is waited for where a test does not say otherwise, on a busy machine too. */
const LIMIT_MS = 90_000;

/** Nothing found yet. */
type Missing = undefined | null | false;

/**
 * Looks again and again until there is something to find.
 * @param what What is waited for, to be named when it never happens.
 * @throws when nothing was found within `limitMs`, or when `find` throws
 */
export async function eventually<Found>(
  what: string,
  find: () => Found | Missing | Promise<Found | Missing>,
  limitMs = LIMIT_MS,
): Promise<Found> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await sleep(INTERVAL_MS);
  }
}
