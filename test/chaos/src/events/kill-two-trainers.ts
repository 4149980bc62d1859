import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** SIGKILL to two trainers at once. */
export const killTwoTrainers: EventKind<'kill-two-trainers'> = {
  draw: (dice) => ({ kind: 'kill-two-trainers', victims: [dice.share(), dice.share()] }),
  disturbs: () => true,
  apply: async ({ victims: [one, other] }, stage) => {
    const all = await stage.victims();
    const first = all[Math.floor(one * all.length)] ?? all[0];
    const rest = all.filter((victim) => victim !== first);
    const second = rest[Math.floor(other * rest.length)] ?? first;
    signal(first.trainer, 'SIGKILL');
    signal(second.trainer, 'SIGKILL');
    return {
      what: `trainers of ${first.worker.name} and ${second.worker.name}`,
      culprits: [first.id, second.id],
    };
  },
};
