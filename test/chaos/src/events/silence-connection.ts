import { until } from '../patience.js';
import type { EventKind } from './event.js';

/** Longest that a ring may wait for a message that does not come. */
const NOTICE_MS = 180_000;

/** Nothing that is sent to a trainer arrives any more, and no connection breaks, until a new ring is formed. */
export const silenceConnection: EventKind<'silence-connection'> = {
  draw: (dice) => ({ kind: 'silence-connection', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const { worker } = await stage.victim(victim);
    const { proxy } = stage.cluster;
    if (await stage.isAlone()) return { what: `to ${worker.name}, which is alone`, culprits: [] };
    const { generation } = await stage.view();
    proxy.silence(worker.name);
    await until(
      `a new ring is formed when nothing arrives at ${worker.name}`,
      async () => {
        const view = await stage.view();
        return view.generation > generation || (await stage.isOver()) ? true : null;
      },
      NOTICE_MS,
    ).finally(() => {
      proxy.clear(worker.name);
    });
    return { what: `to ${worker.name}`, culprits: [] };
  },
};
