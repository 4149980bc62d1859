import type { StepReport } from '@ringmaster/protocol';
import { pino } from 'pino';
import { openArtifacts } from '../artifacts/artifacts.js';
import { loadRun } from './run/load.js';
import type { Run } from './run/run.js';
import { Session } from './session/session.js';
import { trainStep } from './step/step.js';
import type { TrainingGround } from './trainers.test.fixture.js';

/** A rank in this process, at step 0. */
export interface Rank {
  readonly run: Run;
  readonly session: Session;
}

/**
 * The ranks of one ring, all in this process, so that a test can reach into their memory.
 * @param changed Makes the run that a rank trains from the one that was loaded.
 * @param ending As a session is given it.
 */
export async function openRanks(
  ground: TrainingGround,
  job: object,
  size: number,
  changed: (run: Run) => Run = (run) => run,
  ending?: () => number,
): Promise<readonly Rank[]> {
  const launch = { ...(await ground.launchOf(job)), trainer: 't' };
  const artifacts = openArtifacts(ground.location(), ground.home);
  const ranks = await Promise.all(
    Array.from({ length: size }, async (_, rank) => {
      const run = changed(await loadRun(launch, artifacts, pino({ level: 'silent' })));
      await run.initialise();
      const place = { control: '', address: '127.0.0.1', ports: null };
      const options = { generation: 1, rank, size, announced: () => 0 };
      const session = new Session(run, place, options, ending);
      return { run, session };
    }),
  );
  const seats = await Promise.all(
    ranks.map(async ({ session }) => ({ ...(await session.bind()), worker: 'w' })),
  );
  const numbers = Array.from({ length: launch.spec.batch.microbatches }, (_, number) => number);
  const shares = ranks.map((_, rank) => numbers.filter((number) => number % size === rank));
  const terms = { seats, shares, firstShares: shares, deadlineMs: 60_000 };
  await Promise.all(ranks.map(({ session }) => session.connect(terms)));
  return ranks;
}

/** One step of every rank. */
export async function stepAll(
  ranks: readonly Rank[],
): Promise<readonly PromiseSettledResult<StepReport>[]> {
  return Promise.allSettled(ranks.map(({ run, session }) => trainStep(run, session)));
}

export async function endAll(ranks: readonly Rank[]): Promise<void> {
  await Promise.all(
    ranks.map(async ({ run, session }) => {
      await session.end({ abandon: true });
      await run.memory.quantiser.close();
    }),
  );
}
