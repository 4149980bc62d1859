import type { StateSource } from '@ringmaster/protocol';
import type { Checkpoint, Prepared } from './run.js';

/** Where a generation begins: at what step, from what state, and where that state is taken from. */
export interface Beginning {
  readonly step: number;
  readonly stateHash: string | null;
  readonly source: StateSource;
}

/**
 * The newest state that every member can have: the one that they all hold in memory, else the newest checkpoint, else
 * the initial state that the specification defines.
 */
export function chooseBeginning(
  members: readonly Prepared[],
  checkpoints: readonly Checkpoint[],
): Beginning {
  const newest = checkpoints.at(-1);
  const [first] = members;
  const held = first?.state ?? null;
  const common =
    held !== null &&
    members.every(({ state }) => state?.step === held.step && state.stateHash === held.stateHash);
  if (common && held.step >= (newest?.step ?? 0)) {
    return { step: held.step, stateHash: held.stateHash, source: { from: 'memory' } };
  }
  if (newest !== undefined) {
    const { step, stateHash, manifest } = newest;
    return { step, stateHash, source: { from: 'checkpoint', manifest } };
  }
  return { step: 0, stateHash: null, source: { from: 'specification' } };
}
