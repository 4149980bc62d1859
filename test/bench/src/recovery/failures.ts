import { signal } from '@ringmaster/chaos';
import type { Recovery } from '@ringmaster/protocol';
import { isOf, type ObservedRun } from './run.js';

export interface Failure {
  /** Seconds from the signal until the first step of the ring without the victim was told, seen from outside. */
  readonly seconds: number;
  /** The same as the incident tells it; null when it tells nothing. */
  readonly recovery: Recovery | null;
}

/** SIGKILL to one trainer after another, whatever rank it has. */
export async function killTrainers(run: ObservedRun, kills: number): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const victims = await run.stage.victims();
    const victim = victims[kill % victims.length] ?? victims[0];
    failures.push(
      await fail(run, () => {
        signal(victim.trainer, 'SIGKILL');
      }),
    );
    await run.whole(victims.length);
  }
  return failures;
}

/** SIGSTOP to a worker and its trainer, as if its host were gone, until the others go on. */
export async function freezeHosts(run: ObservedRun, freezes: number): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let freeze = 0; freeze < freezes; freeze++) {
    const victims = await run.stage.victims();
    const { worker, trainer } = victims[freeze % victims.length] ?? victims[0];
    failures.push(
      await fail(run, () => {
        worker.stop();
        signal(trainer, 'SIGSTOP');
      }),
    );
    signal(trainer, 'SIGCONT');
    worker.resume();
    await run.whole(victims.length);
  }
  return failures;
}

async function fail(run: ObservedRun, strike: () => void): Promise<Failure> {
  const { generation } = run.view;
  const from = run.arrivals.length;
  const struck = performance.now();
  strike();
  const formed = await run.first(
    'a new ring goes on',
    from,
    ({ event }) =>
      event.type === 'job' && event.job.generation > generation && event.job.state === 'running',
  );
  const [step] = await run.steps(formed.index, 1);
  if (step === undefined) throw new Error('no step');
  // The incident is told again when its recovery is known, which may be with the step or after it.
  await run.steps(formed.index, 3);
  const told = run.arrivals.slice(from).filter(isOf('incident'));
  const recovery = told.findLast(({ event }) => event.incident.recovery !== null);
  return {
    seconds: (step.at - struck) / 1000,
    recovery: recovery?.event.incident.recovery ?? null,
  };
}
