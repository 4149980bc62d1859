import { join } from 'node:path';
import { launchSchema } from '@ringmaster/protocol';
import { loadRun, openArtifacts, Session, type Run } from '@ringmaster/worker/trainer';
import { pino } from 'pino';
import { z } from 'zod';
import { artifactsOf } from './training-home.js';

/** What a process of ours is started with, as JSON in its first argument. */
export const trainedRunSchema = z.object({
  home: z.string(),
  launch: launchSchema,
  rank: z.int().min(0),
  size: z.int().positive(),
  /** Where the ring listens. */
  address: z.string().default('127.0.0.1'),
});

/** Where a rank is reached by the others. */
export const seatSchema = z.object({ endpoint: z.string(), donor: z.string() });

export type Seat = z.infer<typeof seatSchema>;

/** A run at step 0, and its part in a ring that is not linked yet. */
export async function openRun({
  home,
  launch,
  rank,
  size,
  address,
}: z.infer<typeof trainedRunSchema>): Promise<{ run: Run; session: Session; seat: Seat }> {
  const artifacts = openArtifacts(artifactsOf(home), join(home, 'cache'));
  const run = await loadRun(launch, artifacts, pino({ level: 'silent' }));
  await run.initialise();
  const place = { control: '', address, ports: null };
  const session = new Session(run, place, { generation: 1, rank, size, announced: () => 0 });
  return { run, session, seat: await session.bind() };
}

/** Links the ring; the ranks share the microbatches evenly. */
export async function link(run: Run, session: Session, seats: readonly Seat[]): Promise<void> {
  const { microbatches } = run.spec.batch;
  const shares = seats.map((_, rank) =>
    Array.from({ length: microbatches }, (_, microbatch) => microbatch).filter(
      (microbatch) => microbatch % seats.length === rank,
    ),
  );
  await session.connect({
    seats: seats.map((seat, rank) => ({ ...seat, worker: `worker-${rank}` })),
    shares,
    firstShares: shares,
    deadlineMs: 60_000,
  });
  session.begin(false);
}
