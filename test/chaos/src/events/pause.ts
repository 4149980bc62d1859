import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../patience.js';
import type { EventKind } from './event.js';

const PAUSE_MS = 60_000;

/** A user pauses the run and resumes it after a while. */
export const pause: EventKind<'pause'> = {
  draw: (dice) => ({ kind: 'pause', forMs: dice.integer(0, 1500) }),
  disturbs: () => false,
  apply: async ({ forMs }, { cluster: { api }, job }) => {
    await api.command(job, 'pause');
    await until(
      'the job is paused',
      async () => ((await api.job(job)).state === 'paused' ? true : null),
      PAUSE_MS,
    );
    await sleep(forMs);
    await api.command(job, 'resume');
    return { what: `for ${forMs} ms`, culprits: [] };
  },
};
