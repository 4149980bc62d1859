import { signal } from '../stage.js';
import type { EventKind } from './event.js';
import { untilFenced, untilLost } from './hang-worker.js';

/** SIGSTOP to a worker and its trainer, as when a machine sleeps; they return from the dead after the lease. */
export const freezeHost: EventKind<'freeze-host'> = {
  draw: (dice) => ({ kind: 'freeze-host', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const found = await stage.victim(victim);
    const { worker, trainer, id } = found;
    worker.stop();
    signal(trainer, 'SIGSTOP');
    await untilLost(found, stage).finally(() => {
      signal(trainer, 'SIGCONT');
      worker.resume();
    });
    await untilFenced(found, stage);
    return { what: `${worker.name} and its trainer beyond the lease`, culprits: [id] };
  },
};
