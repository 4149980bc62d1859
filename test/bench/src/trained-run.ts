import { join } from 'node:path';
import { launchSchema } from '@ringmaster/protocol';
import { loadRun, openArtifacts, Session, type Run } from '@ringmaster/worker/trainer';
import { pino } from 'pino';
import { z } from 'zod';
import { artifactsOf } from './training-home.js';

/** What a process of ours is started with, as JSON in its first argument. */
export const trainedRunSchema = z.object({ home: z.string(), launch: launchSchema });

/** A run at step 0 and a ring of one that computes every microbatch: what a trainer has before its first step. */
export async function openRun({
  home,
  launch,
}: z.infer<typeof trainedRunSchema>): Promise<{ run: Run; session: Session }> {
  const artifacts = await openArtifacts(artifactsOf(home), join(home, 'cache'));
  const run = await loadRun(launch, artifacts, pino({ level: 'silent' }));
  await run.initialise();
  const session = new Session(run, {
    ...{ generation: 1, rank: 0, size: 1 },
    announced: () => 0,
  });
  const seat = { ...(await session.bind()), worker: 'w' };
  const { microbatches } = launch.spec.batch;
  const shares = [Array.from({ length: microbatches }, (_, microbatch) => microbatch)];
  await session.connect({ seats: [seat], shares, firstShares: shares, deadlineMs: 60_000 });
  return { run, session };
}
