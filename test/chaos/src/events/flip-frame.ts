import { until } from '../patience.js';
import type { EventKind } from './event.js';

const FRAME_MS = 30_000;

/** One bit of what is sent to a trainer changes on the way. */
export const flipFrame: EventKind<'flip-frame'> = {
  draw: (dice) => ({
    kind: 'flip-frame',
    victim: dice.share(),
    bit: dice.integer(0, 2 ** 20),
  }),
  disturbs: () => true,
  apply: async ({ victim, bit }, stage) => {
    const { worker } = await stage.victim(victim);
    const { proxy } = stage.cluster;
    if (await stage.isAlone()) return { what: `to ${worker.name}, which is alone`, culprits: [] };
    proxy.flip(worker.name, bit);
    await until(
      `something is sent to ${worker.name}`,
      async () => (!proxy.isFlipPending(worker.name) || (await stage.isOver()) ? true : null),
      FRAME_MS,
    ).finally(() => {
      proxy.clear(worker.name);
    });
    return { what: `bit ${bit} of a chunk to ${worker.name}`, culprits: [] };
  },
};
