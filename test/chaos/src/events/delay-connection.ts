import { setTimeout as sleep } from 'node:timers/promises';
import type { EventKind } from './event.js';

/** What is sent to a trainer arrives late for a while. */
export const delayConnection: EventKind<'delay-connection'> = {
  draw: (dice) => ({
    kind: 'delay-connection',
    victim: dice.share(),
    byMs: dice.integer(1, 40),
    forMs: dice.integer(500, 2000),
  }),
  disturbs: () => false,
  apply: async ({ victim, byMs, forMs }, stage) => {
    const { worker } = await stage.victim(victim);
    const { proxy } = stage.cluster;
    proxy.delay(worker.name, byMs);
    await sleep(forMs);
    proxy.clear(worker.name);
    return { what: `to ${worker.name} by ${byMs} ms for ${forMs} ms`, culprits: [] };
  },
};
