import type { Logger } from 'pino';
import type { Runs } from './apply.js';
import type { LiveJob } from './record.js';
import type { JobRegistry } from './registry.js';

/** How long jobs may take to save their state when the cluster goes down, where nobody says otherwise. */
export const SAVE_MS = 120_000;

/** Asks every job that computes to save its state and to give its slots back. */
export function askToLeave(registry: JobRegistry, runs: Runs, reason: string): void {
  for (const live of registry.live) runs.apply(live, { type: 'yielded', reason });
}

/** Jobs whose state is being saved. One that cannot save its state leaves no more; an incident tells of it. */
export function leaving(registry: JobRegistry): LiveJob[] {
  return registry.live.filter(({ run }) => run.leave !== null);
}

/** Takes the trainers from jobs that still have some, now that all workers were asked to go. */
export function dismiss(registry: JobRegistry, runs: Runs, log: Logger): void {
  for (const live of registry.live) {
    const { id, step } = live.record;
    if (live.run.trainers.length === 0) continue;
    const checkpoint = live.run.checkpoints.at(-1)?.position.step ?? 0;
    log.warn({ job: id, step, checkpoint }, 'the cluster went down before the job was saved');
    runs.apply(live, { type: 'dismissed' });
  }
}
