import { isFinal } from '@ringmaster/protocol';
import { preemptor } from '../job.js';
import { until } from '../patience.js';
import type { EventKind } from './event.js';

const PREEMPTION_MS = 120_000;

/** A short job of higher priority that wants every slot. */
export const preempt: EventKind<'preempt'> = {
  draw: () => ({ kind: 'preempt' }),
  disturbs: () => false,
  apply: async (_event, { cluster }) => {
    const { api, home, workers } = cluster;
    const { id } = await api.submit(preemptor(home.root, workers.length));
    const job = await until(
      'a job of higher priority has run',
      async () => {
        const view = await api.job(id);
        return isFinal(view.state) ? view : null;
      },
      PREEMPTION_MS,
    ).catch(async (error: unknown) => {
      await api.command(id, 'cancel');
      throw error;
    });
    if (job.state !== 'succeeded')
      throw new Error(`the preempting job ${job.state}: ${JSON.stringify(job.error)}`);
    return { what: `${workers.length} slots`, culprits: [] };
  },
};
