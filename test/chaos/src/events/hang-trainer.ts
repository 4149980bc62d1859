import { until } from '../patience.js';
import { signal } from '../stage.js';
import type { EventKind } from './event.js';

/** Longest that a trainer that gives no sign of life may be left in place. */
const DISMISSAL_MS = 60_000;

/** SIGSTOP to a trainer until its worker has had enough of it. */
export const hangTrainer: EventKind<'hang-trainer'> = {
  draw: (dice) => ({ kind: 'hang-trainer', victim: dice.share() }),
  disturbs: () => true,
  apply: async ({ victim }, stage) => {
    const { id, worker, trainer } = await stage.victim(victim);
    signal(trainer, 'SIGSTOP');
    await until(
      `the stopped trainer of ${worker.name} is dismissed`,
      () => Promise.resolve(signal(trainer, 0) ? null : true),
      DISMISSAL_MS,
    ).finally(() => signal(trainer, 'SIGCONT'));
    return { what: `trainer of ${worker.name}`, culprits: [id] };
  },
};
