import { RingmasterError } from '@ringmaster/protocol';
import type { Command } from '../membership/types.js';
import type { Ports, RingSession, TrainedRun } from '../ports.js';

/**
 * Brings the state to where a generation begins.
 * @throws STATE_MISMATCH when it is not the state that everyone begins from; CHECKPOINT_DAMAGED, STATE_TRANSFER_FAILED
 */
export async function takeState(
  { run, loadCheckpoint }: Pick<Ports<RingSession>, 'run' | 'loadCheckpoint'>,
  session: RingSession,
  { begin }: Command<'start'>,
): Promise<void> {
  switch (begin.at) {
    case 'specification':
      await run.initialise();
      return;
    case 'switch':
      await session.fetchState(begin.holders);
      return;
    case 'peers':
      if (!begin.holders.includes(session.rank)) await session.fetchState(begin.holders);
      break;
    case 'checkpoint':
      session.does('transfer');
      if (!holds(run, begin.position)) await loadCheckpoint(begin.manifest);
      break;
  }
  const { step, stateHash: expected } = begin.position;
  if (!holds(run, begin.position)) {
    throw new RingmasterError('STATE_MISMATCH', { step, expected, actual: run.stateHash() });
  }
}

function holds(
  run: TrainedRun,
  position: { readonly step: number; readonly stateHash: string },
): boolean {
  return run.isInitialised && run.step === position.step && run.stateHash() === position.stateHash;
}
